"""The service behind the front server as it is delivered: slow and large requests, forged headers, TLS, limits."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.database import Database
from app.main import MAX_BODY_BYTES
from app.settings import Settings
from tests.conftest import Service, free_port, run_service
from tests.front import FRONT, Front, needs_nginx, run_front

pytestmark = [pytest.mark.db, needs_nginx]


@pytest.fixture(scope="module")
def behind(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that trusts its front server."""
    yield from run_service(make_clone(), tmp_path_factory.mktemp("behind"), trusted_proxies=("127.0.0.1",))


@pytest.fixture(scope="module")
def front(behind: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front") / "nginx"
    with run_front(folder, (free_port(), free_port()), (int(behind.url.rpartition(":")[2]),)) as running:
        yield running


def _connect(front: Front, source: str = "127.0.0.1") -> socket.socket:
    port = int(front.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))


def _answer(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def _questions_counted(service: Service) -> list[str]:
    lines = service.client.get("/metrics").text.splitlines()
    return [line for line in lines if line.startswith('diaban_requests_total{method="POST",route="/api/query"')]


class TestSlowClients:
    def test_a_head_that_never_ends_is_hung_up_on_while_others_are_served(self, front: Front) -> None:
        slow = [_connect(front, "127.0.0.9") for _ in range(150)]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ")
        assert httpx.get(f"{front.url}/healthz").status_code == 200
        for connection in slow:
            answer = _answer(connection)
            assert answer == b"" or b" 408 " in answer
            connection.close()

    def test_a_body_that_never_comes_never_reaches_the_service(self, front: Front, behind: Service) -> None:
        head = b"POST /api/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
        # Counters are of the process, in which other tests have asked before.
        before = _questions_counted(behind)
        slow = [_connect(front, "127.0.0.8") for _ in range(50)]
        for connection in slow:
            connection.sendall(head)
        assert httpx.get(f"{front.url}/healthz").status_code == 200
        for connection in slow:
            answer = _answer(connection)
            assert answer == b"" or b" 408 " in answer
            connection.close()
        assert _questions_counted(behind) == before


class TestLargeBodies:
    def test_two_gigabytes_announced_are_refused_at_once_in_both_languages(self, front: Front) -> None:
        with _connect(front) as connection:
            connection.sendall(b"POST /api/query HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483648\r\n\r\n")
            answer = connection.recv(65536)
        assert b" 413 " in answer.split(b"\r\n")[0]
        assert b"application/problem+json" in answer
        assert "tối đa 8 MB".encode() in answer

    def test_an_unannounced_large_body_is_refused_when_it_has_grown(self, front: Front) -> None:
        def grow() -> Iterator[bytes]:
            for _ in range(9):
                yield b" " * 2**20

        with httpx.Client() as client:
            try:
                status = client.post(f"{front.url}/api/query", content=grow()).status_code
            except httpx.TransportError:
                # The refusal was sent while we were still writing.
                status = 413
        assert status == 413

    def test_the_limits_are_those_of_the_application(self) -> None:
        text = (FRONT / "nginx.conf").read_text()
        assert f"client_max_body_size {MAX_BODY_BYTES // 2**20}m;" in text
        uploads = Settings().model_dump().get("max_upload_mb", 2048)
        assert f"client_max_body_size {uploads + 1}m;" in (FRONT / "site.conf").read_text()

    def test_an_upload_of_a_stranger_is_answered_before_its_body_comes(self, front: Front) -> None:
        with _connect(front) as connection:
            connection.sendall(
                b"POST /api/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
            )
            status = int(connection.recv(65536).split(b" ")[1])
        # 404 and 405 where this build takes no uploads.
        assert status in {401, 403, 404, 405, 413}


class TestWhoAsks:
    def test_a_forged_address_is_not_believed_and_the_real_port_is_kept(self, front: Front, behind: Service) -> None:
        before = _sources(behind)
        with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.7")) as client:
            forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Port": "1", "Forwarded": "for=203.0.113.9"}
            answer = client.post(
                f"{front.url}/api/session", json={"username": "nobody", "password": "wrong " * 4}, headers=forged
            )
            assert answer.status_code == 401
        new = [source for source in _sources(behind)[len(before) :] if source]
        assert new
        for source in new:
            host, _, port = source.rpartition(":")
            assert host == "127.0.0.7"
            assert int(port) > 1

    def test_without_the_front_server_nobody_is_believed(self, service: Service) -> None:
        forged = {"X-Forwarded-For": "203.0.113.9"}
        service.client.post("/api/session", json={"username": "nobody", "password": "wrong " * 4}, headers=forged)
        assert all("203.0.113.9" not in (source or "") for source in _sources(service))


def _sources(service: Service) -> list[str | None]:
    with psycopg.connect(service.database.superuser_dsn) as connection:
        rows = connection.execute("SELECT source FROM audit.events ORDER BY at, id").fetchall()
    return [row[0] for row in rows]


class TestHeaders:
    @pytest.mark.parametrize(
        "path",
        ["/", "/map", "/signin", "/docs", "/ogc?f=html", "/tiles/communes/8/203/119.pbf", "/nothing", "/metrics"],
    )
    def test_stand_on_every_answer_once(self, front: Front, path: str) -> None:
        for _ in range(2):
            answer = httpx.get(front.url + path)
            for name in ("x-content-type-options", "referrer-policy"):
                assert len(answer.headers.get_list(name)) == 1, name
            policies = answer.headers.get_list("content-security-policy")
            assert len(policies) <= 1
            if answer.headers.get("content-type", "").startswith("text/html"):
                assert policies
                assert "unsafe" not in policies[0]

    def test_a_tile_is_kept_for_everybody_but_not_for_who_brings_a_credential(self, front: Front) -> None:
        tile = f"{front.url}/tiles/communes/7/101/59.pbf"
        seen = [httpx.get(tile).headers["x-cache"] for _ in range(2)]
        assert seen[0] == "MISS"
        assert seen[1] in {"HIT", "REVALIDATED"}
        assert httpx.get(tile, headers={"Authorization": "Bearer x"}).headers["x-cache"] == "BYPASS"

    def test_measures_are_not_shown_outside(self, front: Front) -> None:
        assert httpx.get(f"{front.url}/metrics").status_code == 404


class TestLimits:
    def test_a_flood_is_told_to_wait_and_others_are_served(self, front: Front) -> None:
        def ask(_: int) -> httpx.Response:
            return flood.get(f"{front.url}/healthz")

        with (
            httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.3"), timeout=60) as flood,
            ThreadPoolExecutor(8) as many,
        ):
            answers = list(many.map(ask, range(500)))
            other = httpx.get(f"{front.url}/healthz")
        counts = Counter(answer.status_code for answer in answers)
        assert set(counts) == {200, 429}
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["status"] == 429
        assert other.status_code == 200

    def test_a_thousand_sign_ins_are_cut_off_and_the_map_goes_on(self, front: Front) -> None:
        def guess(number: int) -> int:
            given = {"username": f"nobody{number}", "password": f"guess number {number}"}
            answer = client.post(f"{front.url}/api/session", json=given)
            return answer.status_code

        with (
            httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.4"), timeout=60) as client,
            ThreadPoolExecutor(16) as many,
        ):
            guesses = many.map(guess, range(1000))
            assert httpx.get(f"{front.url}/tiles/communes/8/203/119.pbf").status_code in {200, 204}
            counts = Counter(guesses)
        assert counts[429] > 800
        assert set(counts) <= {401, 429}

    def test_a_service_that_is_away_is_said_in_a_sentence(self, tmp_path: Path) -> None:
        with run_front(tmp_path / "nginx", (free_port(), free_port()), (free_port(),)) as lonely:
            answer = httpx.get(f"{lonely.url}/")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
        assert "chưa sẵn sàng" in answer.json()["title"]


@pytest.fixture(scope="module")
def secure(behind: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("secure") / "nginx"
    (folder / "tls").mkdir(parents=True)
    _make_certificate(folder / "tls")
    upstreams = (int(behind.url.rpartition(":")[2]),)
    with run_front(folder, (free_port(), free_port()), upstreams, server="tls") as running:
        yield running


class TestTLS:
    def test_is_spoken_with_transport_security_and_the_certificate_holds(self, secure: Front) -> None:
        context = ssl.create_default_context(cafile=str(secure.folder / "tls" / "fullchain.pem"))
        answer = httpx.get(f"{secure.tls_url}/healthz", verify=context)
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"

    def test_the_plain_port_leads_to_it(self, secure: Front) -> None:
        answer = httpx.get(f"{secure.url}/map?x=1", follow_redirects=False)
        assert answer.status_code == 308
        assert answer.headers["location"] == "https://127.0.0.1/map?x=1"

    @pytest.mark.parametrize(("version", "spoken"), [("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
    def test_old_versions_are_refused(self, secure: Front, version: str, *, spoken: bool) -> None:
        where = secure.tls_url.removeprefix("https://")
        command = ["openssl", "s_client", version, "-cipher", "DEFAULT@SECLEVEL=0", "-connect", where]
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20)
        assert (done.returncode == 0) == spoken, done.stderr


def _make_certificate(folder: Path) -> None:
    """A certificate of its own maker for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
