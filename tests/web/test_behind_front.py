"""Every page behind the front server in a real browser: the policy that is sent lets the page work and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from app.database import Database
from app.main import create_app
from app.settings import Settings
from tests.app.test_audit_coverage import api_routes
from tests.conftest import Service, free_port, run_service
from tests.front import Front, needs_nginx, run_front

pytestmark = [pytest.mark.db, needs_nginx]
MORE = (
    "/ogc?f=html",
    "/ogc/collections?f=html",
    "/ogc/collections/schools?f=html",
    "/ogc/collections/schools/items?f=html&limit=5",
    "/ogc/conformance?f=html",
    "/map?l=schools",
)
# Reports violations as the page itself is told of them, whatever the console says.
LISTEN = """
window.__violations = [];
addEventListener('securitypolicyviolation', e => __violations.push(`${e.violatedDirective}: ${e.blockedURI}`));
"""


@pytest.fixture(scope="module")
def front(
    make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Front, Service]]:
    port = free_port()
    folder = tmp_path_factory.mktemp("front")
    more = {"trusted_proxies": ("127.0.0.1",), "given_public_url": f"http://127.0.0.1:{port}"}
    for service in run_service(make_clone(), folder / "state", **more):
        with run_front(folder / "nginx", (port, free_port()), (int(service.url.rpartition(":")[2]),)) as running:
            yield running, service


def _pages(front: Front) -> list[str]:
    """Every address without parameters that answers with a page, and some with parameters."""
    routes = api_routes(create_app(Settings()).routes)
    paths = {route.path for route in routes if "GET" in (route.methods or ())}
    plain = sorted(path for path in paths if "{" not in path and path != "/api/events")
    with httpx.Client(base_url=front.url, follow_redirects=True) as client:
        found = []
        for path in plain:
            answer = client.get(path, headers={"Accept": "text/html"})
            if answer.headers.get("content-type", "").startswith("text/html"):
                found.append(path)
    return [*found, *MORE]


def test_no_page_breaks_its_policy(front: tuple[Front, Service], browser: Browser) -> None:
    running, _ = front
    pages = _pages(running)
    assert {"/", "/map", "/signin", "/docs"} <= set(pages)
    context = browser.new_context(base_url=running.url)
    context.add_init_script(LISTEN)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if "Content Security" in message.text else None)
    broken = {}
    for path in pages:
        answer = page.goto(path, wait_until="load")
        assert answer is not None
        policy = answer.headers.get("content-security-policy", "")
        page.wait_for_timeout(150)
        violations = [*said, *page.evaluate("window.__violations")]
        if violations or not policy or "unsafe" in policy:
            broken[path] = violations or [f"policy: {policy}"]
        said.clear()
    context.close()
    assert broken == {}


def test_a_script_smuggled_in_does_not_run(front: tuple[Front, Service], browser: Browser) -> None:
    running, _ = front
    page = browser.new_page(base_url=running.url)
    page.goto("/")
    page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.__ran = true';
        document.body.append(script);
    }""")
    assert page.evaluate("window.__ran") is None
    page.close()
