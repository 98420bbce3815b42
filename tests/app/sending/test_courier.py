"""From an alert to a message that has arrived: once, in time, held up by nobody, and known when it fails."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import sleep
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine, text

from app.database import Database
from app.sending.courier import Courier
from app.sending.webhook import Webhook
from app.settings import Settings
from app.worker import run_worker
from scenarios.notifying.channel import ChannelKind, Draft, Pace, Wanted
from scenarios.notifying.channels import add_channel, remove_channel, try_channel
from scenarios.notifying.delivering import LEASE, MOST_ATTEMPTS, prune_deliveries, wait_after
from scenarios.outcomes import Level
from tests.app.sending.servers import hangs, http_server, status
from tests.scenarios.notifying.conftest import ADMIN, AddChannel, OpenAlert, add, open_alert, store, writer

__all__ = ["add", "open_alert", "store", "writer"]
pytestmark = pytest.mark.db
AT_ONCE = Pace(gap=timedelta(0))
KEY = b"key"
DIES = """
import os, signal, sys
from datetime import UTC, datetime
from sqlalchemy import create_engine
from app.sending.courier import Courier
from app.sending.webhook import Webhook
from scenarios.notifying.channel import ChannelKind

class Dies(Webhook):
    def send(self, message, address):
        super().send(message, address)
        os.kill(os.getpid(), signal.SIGKILL)

courier = Courier(create_engine(sys.argv[1]), {ChannelKind.WEBHOOK: Dies(b"key")}, "", lambda: datetime.now(UTC))
courier.step()
courier.settle()
"""


class Clock:
    """The moment, which tests move."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


Run = Callable[[], None]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def courier(writer: Engine, clock: Clock) -> Iterator[Courier]:
    made = Courier(writer, {ChannelKind.WEBHOOK: Webhook(KEY, whole_s=3)}, "https://bando.example.vn", clock)
    yield made
    made.close()


@pytest.fixture
def run(courier: Courier) -> Run:
    """One step, and its messages to their end."""

    def work() -> None:
        courier.step()
        courier.settle()

    return work


def _log(database: Database) -> list[tuple[str, int, str]]:
    with psycopg.connect(database.superuser_dsn) as connection:
        rows = connection.execute(
            "SELECT state, attempts, reason FROM notifying.deliveries ORDER BY created_at, id"
        ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


class TestDelivery:
    def test_an_alert_arrives_once_with_place_figure_and_link(
        self, store: Database, add: AddChannel, open_alert: OpenAlert, run: Run
    ) -> None:
        with http_server(status(200)) as server:
            add("one", address=server.url, pace=AT_ONCE)
            alert = open_alert(Level.ALARM)
            for _ in range(3):
                run()
            (request,) = server.received
        document = json.loads(request.body)
        assert document["text"].startswith("Báo động: S37 ")
        assert "16540" in document["text"]
        assert "Giá trị 163,5" in document["text"]
        assert "ngưỡng 150" in document["text"]
        assert document["items"][0]["link"] == f"https://bando.example.vn/board?s=S37&a={alert}"
        assert _log(store) == [("sent", 1, "")]

    def test_500_then_200_is_one_message_that_arrives_with_the_same_key(
        self, store: Database, add: AddChannel, open_alert: OpenAlert, run: Run, clock: Clock
    ) -> None:
        with http_server(status(500), status(200)) as server:
            add("one", address=server.url, pace=AT_ONCE)
            open_alert()
            run()
            run()
            assert _log(store) == [("due", 1, "answered 500")]
            clock.ahead = timedelta(seconds=11)
            run()
            keys = [request.headers["idempotency-key"] for request in server.received]
        assert (len(keys), len(set(keys))) == (2, 1)
        assert _log(store) == [("sent", 2, "")]

    def test_410_is_not_tried_again(
        self, store: Database, add: AddChannel, open_alert: OpenAlert, run: Run, clock: Clock
    ) -> None:
        with http_server(status(410)) as server:
            add("one", address=server.url, pace=AT_ONCE)
            open_alert()
            for _ in range(3):
                run()
                clock.ahead += timedelta(hours=1)
            assert len(server.received) == 1
        assert _log(store) == [("failed", 1, "answered 410")]

    def test_what_never_works_is_given_up_with_its_reason(
        self, store: Database, add: AddChannel, open_alert: OpenAlert, run: Run, clock: Clock
    ) -> None:
        with http_server(status(503)) as server:
            add("one", address=server.url, pace=AT_ONCE)
            open_alert()
            for _ in range(MOST_ATTEMPTS + 5):
                run()
                clock.ahead += timedelta(minutes=10)
            assert len(server.received) == MOST_ATTEMPTS
        assert _log(store) == [("failed", MOST_ATTEMPTS, "answered 503")]

    def test_a_kind_that_is_not_set_up_waits(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert, clock: Clock
    ) -> None:
        add("one")
        open_alert()
        courier = Courier(writer, {}, "", clock)
        courier.step()
        courier.settle()
        courier.close()
        ((state, attempts, reason),) = _log(store)
        assert (state, attempts, "not set up" in reason) == ("due", 1, True)


class TestWorker:
    def test_that_runs_tells_of_a_loudspeaker_step_through_the_gateway(
        self, store: Database, writer: Engine, open_alert: OpenAlert, tmp_path: Path
    ) -> None:
        """Scenario S37 as Tân Ninh states it: the alert goes to the office, and at once over the loudspeakers."""
        wanted = Wanted("16540", "S37", Level.WARNING, frozenset({"alert_opened"}))
        draft = Draft("Loa thôn 3", ChannelKind.LOUDSPEAKER, "loa-thon-3", wanted=wanted, pace=AT_ONCE)
        with writer.begin() as connection:
            add_channel(connection, ADMIN, draft)
        with http_server(status(202)) as gateway:
            open_alert(Level.ALARM)
            settings = Settings(state_dir=tmp_path, gateway_url=gateway.url)

            async def work() -> None:
                stop = asyncio.Event()
                worker = asyncio.create_task(run_worker(store, settings, stop))
                async with asyncio.timeout(60):
                    while _log(store) != [("sent", 1, "")]:  # noqa: ASYNC110 - no event tells of the database
                        await asyncio.sleep(0.1)
                stop.set()
                await worker

            asyncio.run(work())
            (request,) = gateway.received
        document = json.loads(request.body)
        assert (document["kind"], document["to"]) == ("loudspeaker", "loa-thon-3")
        assert document["text"].startswith("Báo động: S37 Cảnh báo An toàn")


class TestHanging:
    def test_holds_up_nobody_else(
        self, store: Database, add: AddChannel, open_alert: OpenAlert, courier: Courier
    ) -> None:
        with http_server(hangs(6)) as hanging, http_server(status(200)) as other:
            add("a-hanging", address=hanging.url, pace=AT_ONCE)
            add("b-other", address=other.url, pace=AT_ONCE)
            open_alert()
            courier.step()
            open_alert()
            for _ in range(50):
                courier.step()
                if len(other.received) == 2:
                    break
                sleep(0.04)
            # Both of the other's have arrived while the first of the hanging one's is still under way.
            assert len(other.received) == 2
            assert [state for state, _, _ in _log(store)].count("due") == 1
            courier.settle()
            assert len(hanging.received) == 1
        assert "within 3 s" in " ".join(reason for _, _, reason in _log(store))


class TestPace:
    def test_what_comes_in_the_gap_goes_together_the_gravest_first(
        self, add: AddChannel, open_alert: OpenAlert, run: Run, clock: Clock
    ) -> None:
        with http_server(status(200)) as server:
            add("one", address=server.url, pace=Pace(gap=timedelta(minutes=5)))
            open_alert()
            run()
            for level in [Level.NOTICE] * 29 + [Level.ALARM]:
                open_alert(level)
            run()
            assert len(server.received) == 1
            clock.ahead = timedelta(minutes=5)
            run()
            (_, digest) = server.received
        document = json.loads(digest.body)
        assert len(document["items"]) == 30
        assert document["items"][0]["level"] == "alarm"
        assert document["subject"].startswith("[Địa Bàn] 30 tin · Báo động")
        assert "Và 10 tin khác: https://bando.example.vn/board" in document["text"]

    def test_in_quiet_hours_only_the_highest_level_gets_through(
        self, add: AddChannel, open_alert: OpenAlert, run: Run, clock: Clock
    ) -> None:
        # One in the morning in Vietnam, tomorrow.
        night = (datetime.now(UTC) + timedelta(days=1)).replace(hour=18, minute=0)
        clock.ahead = night - datetime.now(UTC)
        with http_server(status(200)) as server:
            add("one", address=server.url, pace=Pace(time(22), time(6), timedelta(0)))
            open_alert(Level.WARNING)
            open_alert(Level.ALARM)
            run()
            clock.ahead += timedelta(hours=6)
            run()
            levels = [[item["level"] for item in json.loads(request.body)["items"]] for request in server.received]
        assert levels == [["alarm"], ["warning"]]


class TestRights:
    def test_are_those_of_the_moment_of_sending(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert, run: Run, clock: Clock
    ) -> None:
        with http_server(status(500), status(200)) as server:
            channel = add("one", address=server.url, wanted=Wanted(unit_code="16540"), pace=AT_ONCE)
            open_alert()
            run()
            with psycopg.connect(store.superuser_dsn) as connection:
                # Whose channel it is has lost the right meanwhile: the account that it belongs to may read nothing.
                connection.execute(
                    "WITH a AS (INSERT INTO access.accounts (username, display_name, created_by)"
                    " VALUES (gen_random_uuid()::text, 'X', 'test') RETURNING id)"
                    " UPDATE notifying.channels SET account = a.id FROM a WHERE channels.id = %s",
                    [channel.id],
                )
            clock.ahead = timedelta(minutes=1)
            run()
            assert len(server.received) == 1
        assert _log(store) == [("skipped", 2, "nothing left that may be told")]

    def test_a_removed_channel_gets_nothing_more(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert, run: Run, clock: Clock
    ) -> None:
        with http_server(status(500), status(200)) as server:
            channel = add("one", address=server.url, pace=AT_ONCE)
            open_alert()
            run()
            open_alert()
            with writer.begin() as connection:
                remove_channel(connection, ADMIN, channel.id, clock())
            clock.ahead = timedelta(minutes=1)
            run()
            assert len(server.received) == 1
        assert _log(store) == [("failed", 1, "the channel was removed")]


class TestCrash:
    def test_between_sending_and_writing_it_down_sends_twice_with_one_key(
        self, store: Database, add: AddChannel, open_alert: OpenAlert, run: Run, clock: Clock
    ) -> None:
        url = store.url("diaban_writer").set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        with http_server(status(200)) as server:
            add("one", address=server.url, pace=AT_ONCE)
            open_alert()
            dead = subprocess.run([sys.executable, "-c", DIES, url], check=False, timeout=120)
            assert dead.returncode == -9
            run()
            assert len(server.received) == 1  # its lease still runs
            clock.ahead = LEASE + timedelta(seconds=1)
            run()
            keys = [request.headers["idempotency-key"] for request in server.received]
        assert (len(keys), len(set(keys))) == (2, 1)
        assert _log(store) == [("sent", 2, "")]

    def test_two_workers_at_once_send_each_message_once(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert, clock: Clock
    ) -> None:
        with http_server(status(200)) as server:
            for number in range(12):
                add(f"c{number}", address=f"{server.url}/{number}", pace=AT_ONCE)
            open_alert()
            couriers = [Courier(writer, {ChannelKind.WEBHOOK: Webhook(KEY)}, "", clock) for _ in range(2)]
            for _ in range(4):
                for one in couriers:
                    one.step()
                for one in couriers:
                    one.settle()
            for one in couriers:
                one.close()
            assert sorted(request.path for request in server.received) == sorted(f"/{n}" for n in range(12))


class TestKeeping:
    def test_a_trial_says_that_the_channel_works(self, writer: Engine, add: AddChannel, run: Run, clock: Clock) -> None:
        with http_server(status(200)) as server:
            channel = add("one", address=server.url)
            with writer.begin() as connection:
                delivery: UUID = try_channel(connection, ADMIN, channel.id, clock())
            run()
            (request,) = server.received
        document = json.loads(request.body)
        assert (document["id"], document["items"][0]["kind"]) == (str(delivery), "test")

    def test_what_has_ended_is_kept_for_ninety_days(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert, run: Run, clock: Clock
    ) -> None:
        with http_server(status(200)) as server:
            add("one", address=server.url, pace=AT_ONCE)
            open_alert()
            run()
        counts = []
        for days in (89, 91):
            with writer.begin() as connection:
                prune_deliveries(connection, clock() + timedelta(days=days))
                rows = text("SELECT (SELECT count(*) FROM notifying.outbox), (SELECT count(*) FROM notifying.parts)")
                counts.append(tuple(connection.execute(rows).one()))
        assert counts == [(1, 1), (0, 0)]
        assert _log(store) == []


def test_waits_double_up_to_a_limit_and_heed_the_other_side() -> None:
    waits = [wait_after(attempts).total_seconds() for attempts in range(1, 30)]
    assert all(low <= wait <= high for wait, low, high in zip(waits, [5, 10, 20, 40], [10, 20, 40, 80], strict=False))
    assert max(waits) <= 600
    assert wait_after(1, asked_s=120) == timedelta(seconds=120)
    assert wait_after(1, asked_s=1e9) == timedelta(hours=1)
