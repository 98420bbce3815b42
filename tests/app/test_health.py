"""Health, readiness and metrics of a real service whose database goes away and comes back."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from app.cluster import Cluster
from app.database import cluster_database
from migrations.run import migrate
from tests.conftest import Service, run_service

pytestmark = pytest.mark.db
PATIENCE_S = 40


@pytest.fixture(scope="module")
def small(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service over a migrated database without layers."""
    database = cluster_database(cluster, f"clone_{secrets.token_hex(4)}")
    migrate(database.superuser_engine(), database.passwords)
    yield from run_service(database, tmp_path_factory.mktemp("health"))
    with psycopg.connect(cluster.superuser_dsn("postgres"), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{database.superuser_url.database}" WITH (FORCE)')


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_request_keeps_its_id_where_the_id_is_fit_for_a_log(small: Service) -> None:
    given = small.client.get("/healthz", headers={"X-Request-Id": "abc-123"})
    assert given.headers["x-request-id"] == "abc-123"
    for unfit in ('x"} evil', "a b", "é".encode()):
        answer = small.client.get("/healthz", headers={"X-Request-Id": unfit})
        assert answer.headers["x-request-id"].isalnum()
        assert len(answer.headers["x-request-id"]) == 16


def test_metrics_have_routes_for_labels_and_never_what_a_client_made_up(small: Service) -> None:
    for made_up in ("/ogc/collections/made-up-layer/items", "/made-up-path", "/tiles/made-up-layer.json"):
        assert small.client.get(made_up).status_code == 404
    text = small.client.get("/metrics").text
    assert 'route="/ogc/collections/{collection_id}/items"' in text
    assert "made-up" not in text


def test_readiness_follows_the_database_and_liveness_does_not(small: Service, cluster: Cluster) -> None:
    wait_for(lambda: small.client.get("/readyz").status_code == 200)
    name = small.database.superuser_url.database
    with psycopg.connect(cluster.superuser_dsn("postgres"), autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            wait_for(lambda: small.client.get("/readyz").status_code == 503)
            assert small.client.get("/readyz").json()["checks"]["database"] is False
            assert small.client.get("/healthz").status_code == 200
        finally:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    wait_for(lambda: small.client.get("/readyz").status_code == 200)


def test_readiness_answers_while_the_backends_of_the_database_stand_still(small: Service, cluster: Cluster) -> None:
    wait_for(lambda: small.client.get("/readyz").status_code == 200)
    name = small.database.superuser_url.database
    with psycopg.connect(cluster.superuser_dsn("postgres")) as admin:
        found = admin.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [name]).fetchall()
    try:
        for (pid,) in found:
            os.kill(pid, signal.SIGSTOP)
        answer = small.client.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]["database"]) == (503, False)
    finally:
        for (pid,) in found:
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: small.client.get("/readyz").status_code == 200)
