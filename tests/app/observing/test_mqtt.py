"""Sensors publish to a real broker (Mosquitto): each value is kept once, and acknowledged after it was kept."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiomqtt
import pytest
from sqlalchemy import Engine, text

from app.database import Database
from app.observing.mqtt import Broker, listen
from layers.access import Scope
from layers.grants import Giving, Holder, give
from layers.identity.accounts import add_account
from tests.conftest import free_port

PATIENCE_S = 60
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
CODE = "documents-late-share"
pytestmark = [
    pytest.mark.db,
    pytest.mark.skipif(not Path(MOSQUITTO).exists(), reason="needs Mosquitto (apt-get install mosquitto)"),
]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of a broker that keeps sessions."""
    number = free_port()
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {number} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([MOSQUITTO, "-c", str(settings)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        assert process.poll() is None
        yield number
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def broker(database: Database, port: int) -> Broker:
    """The broker, and an account that may send values."""
    owner = database.engine("diaban_owner")
    with owner.begin() as connection:
        account, _ = add_account(connection, "cam-bien", "Cảm biến", author="test")
        give(connection, Giving(Holder.ACCOUNT, account, role="lead-agency", units=None), Scope.local_admin())
    owner.dispose()
    return Broker(f"mqtt://127.0.0.1:{port}", "diaban/observations", "cam-bien")


def _publish(port: int, messages: dict[str, str]) -> None:
    async def publish() -> None:
        async with aiomqtt.Client("127.0.0.1", port) as client:
            for topic, payload in messages.items():
                await client.publish(f"diaban/observations/{topic}", payload, qos=1)

    asyncio.run(publish())


def _kept(engine: Engine) -> dict[str, float]:
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT place.key, observation.value FROM observing.observations AS observation"
                " JOIN observing.series AS series ON series.id = observation.series_id"
                " JOIN observing.places AS place ON place.id = series.place_id"
                " WHERE observation.superseded_at IS NULL AND observation.source LIKE 'mqtt:%'"
            )
        )
        return {str(row.key): float(row.value) for row in rows}


def _listen_until(broker: Broker, engine: Engine, done: Callable[[], bool]) -> None:
    async def run() -> None:
        subscribed = asyncio.Event()
        listening = asyncio.create_task(listen(broker, engine, subscribed))
        async with asyncio.timeout(PATIENCE_S):
            await subscribed.wait()
            while not done():
                assert not listening.done()
                await asyncio.sleep(0.1)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(run())


@pytest.fixture
def writer(database: Database) -> Iterator[Engine]:
    engine = database.engine("diaban_writer", keeps=1)
    yield engine
    engine.dispose()


def _communes(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT code FROM features.communes ORDER BY code LIMIT 4")).scalars())


def test_values_are_kept_and_what_is_wrong_holds_up_nothing(broker: Broker, writer: Engine, port: int) -> None:
    one, two, three, _ = _communes(writer)
    _listen_until(broker, writer, lambda: True)  # makes the session that the broker keeps
    _publish(
        port,
        {
            f"{CODE}/{one}": "6.5",
            f"{CODE}/{two}": '{"value": 7, "unit": "%"}',
            f"{CODE}/{three}": "không phải số",
            f"no-such/{three}": "1",
            f"{CODE}/99999": "1",
            f"{CODE}/{three}/more": "1",
        },
    )
    _listen_until(broker, writer, lambda: len(_kept(writer)) == 2)
    assert _kept(writer) == {one: 6.5, two: 7.0}


def test_what_comes_while_nobody_listens_or_the_right_is_away_is_kept_later(
    broker: Broker, writer: Engine, database: Database, port: int
) -> None:
    one, two, *_ = _communes(writer)
    _listen_until(broker, writer, lambda: True)
    _publish(port, {f"{CODE}/{one}": "6.5"})
    owner = database.engine("diaban_owner")
    with owner.begin() as connection:
        connection.execute(text("UPDATE access.grants SET starts_on = current_date + 9"))
    started = time.monotonic()
    _listen_until(broker, writer, lambda: time.monotonic() > started + 2)
    assert _kept(writer) == {}
    with owner.begin() as connection:
        connection.execute(text("UPDATE access.grants SET starts_on = current_date - 9"))
    owner.dispose()
    _publish(port, {f"{CODE}/{two}": "7.5"})
    _listen_until(broker, writer, lambda: len(_kept(writer)) == 2)
    assert _kept(writer) == {one: 6.5, two: 7.5}
