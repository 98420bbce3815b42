"""``GET /api/events``: what is committed reaches whoever may see it, once the connection stands and after a break."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest
from sqlalchemy import text

from app.database import Database
from app.resources import Principal
from layers.access import Grant, Scope
from layers.live import prune_events
from layers.notices import Audience, Message, add_notice
from layers.rights import Action, Area, Right
from scenarios.alerts.lifecycle import Act, Step, take_step
from scenarios.alerts.raising import apply_outcomes
from scenarios.outcomes import Standing
from tests.conftest import Service, run_service
from tests.people import WHO, with_people
from tests.scenarios.alerts.outcomes import COMMUNE, fresh_place, hour, outcome

pytestmark = pytest.mark.db
ELSEWHERE = "16000"


def _person(subject: str, unit: str) -> Principal:
    right = Right(frozenset({Action.READ, Action.EDIT}), areas=frozenset({Area.ALERTS}))
    return Principal(subject, subject, Scope(subject, (Grant(right, frozenset({unit})),)))


PEOPLE = {"officer": _person("officer", COMMUNE), "stranger": _person("stranger", ELSEWHERE)}


@dataclass
class Heard:
    """One connection's events as they come."""

    lines: Iterator[str]
    place: str = ""
    seen: list[dict[str, object]] = field(default_factory=list)

    def next(self) -> dict[str, object]:
        """The next event; comments and beats are passed over."""
        data = ""
        for line in self.lines:
            if line.startswith("id: "):
                self.place = line[4:]
            elif line.startswith("data: "):
                data = line[6:]
            elif not line and data:
                document: dict[str, object] = json.loads(data)
                self.seen.append(document)
                return document
        raise AssertionError("the stream has ended")

    def until(self, kind: str, object_id: str | None = None) -> dict[str, object]:
        """The next event of a kind."""
        while True:
            event = self.next()
            if event["kind"] == kind and object_id in (None, event.get("id")):
                return event


@dataclass(frozen=True)
class World:
    """The service, its listeners and its writers."""

    service: Service

    @contextmanager
    def listening(self, who: str | None = None, place: str | None = None) -> Iterator[Heard]:
        headers = ({WHO: who} if who else {}) | ({"Last-Event-ID": place} if place else {})
        with self.service.client.stream("GET", "/api/events", headers=headers) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Heard(answer.iter_lines())

    def open_alert(self, unit: str = COMMUNE) -> str:
        with self.service.database.engine("diaban_writer").begin() as connection:
            place = replace(fresh_place(), unit_code=unit)
            return str(apply_outcomes(connection, [outcome(place, 1)], hour(1)).opened[0])

    def place_now(self) -> str:
        with self.listening() as heard:
            heard.until("ready")
            return heard.place


@pytest.fixture(scope="module")
def world(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    for service in run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE)):
        yield World(service)


class TestAlerts:
    def test_opened_changed_and_cleared_arrive(self, world: World) -> None:
        place = fresh_place()
        with world.listening("officer") as heard:
            heard.until("ready")
            with world.service.database.engine("diaban_writer").begin() as connection:
                alert = apply_outcomes(connection, [outcome(place, 1)], hour(1)).opened[0]
            opened = heard.until("alert_opened", str(alert))
            assert opened["unit_code"] == COMMUNE
            assert opened["detail"] == {"scenario": "S04", "level": "warning", "state": "open", "version": 1}
            with world.service.database.engine("diaban_writer").begin() as connection:
                take_step(connection, PEOPLE["officer"].scope, alert, Step(Act.ACKNOWLEDGE, 1), hour(2))
            changed = heard.until("alert_changed", str(alert))["detail"]
            assert isinstance(changed, dict)
            assert (changed["state"], changed["version"]) == ("acknowledged", 2)
            with world.service.database.engine("diaban_writer").begin() as connection:
                apply_outcomes(connection, [outcome(place, 3, Standing.CLEAR, since=3)], hour(3))
            heard.until("alert_cleared", str(alert))

    def test_another_units_alert_does_not(self, world: World) -> None:
        with world.listening("stranger") as far, world.listening("officer") as near, world.listening() as public:
            for heard in (far, near, public):
                heard.until("ready")
            own, theirs = world.open_alert(), world.open_alert(ELSEWHERE)
            assert far.until("alert_opened")["id"] == theirs
            assert near.until("alert_opened")["id"] == own
            _publish(world.service.database, "schools")
            assert public.until("layer_published")["id"] == "schools"
            assert [event["kind"] for event in public.seen] == ["ready", "layer_published"]

    def test_what_is_rolled_back_is_never_told(self, world: World) -> None:
        with world.listening("officer") as heard:
            heard.until("ready")
            with world.service.database.engine("diaban_writer").connect() as connection:
                apply_outcomes(connection, [outcome(fresh_place(), 1)], hour(1))
                connection.rollback()
            last = world.open_alert()
            assert heard.next()["id"] == last


def _publish(database: Database, slug: str) -> None:
    with database.engine("diaban_owner").begin() as connection:
        connection.execute(
            text("UPDATE catalogue.layers SET revision = revision + 1 WHERE slug = :slug"), {"slug": slug}
        )


class TestNotices:
    def test_reach_their_recipient_and_their_audience_alone(self, world: World) -> None:
        with world.listening("officer") as heard, world.listening("stranger") as other:
            heard.until("ready")
            other.until("ready")
            with world.service.database.engine("diaban_writer").begin() as connection:
                mine = add_notice(connection, "officer", Message("test", "một", "one"))
                ours = add_notice(
                    connection, Audience(Action.EDIT, Area.ALERTS, COMMUNE), Message("test", "hai", "two")
                )
                theirs = add_notice(connection, "stranger", Message("test", "ba", "three"))
            assert [heard.next()["id"], heard.next()["id"]] == [str(mine), str(ours)]
            assert other.next()["id"] == str(theirs)


class TestAfterABreak:
    def test_exactly_what_was_missed_comes_whatever_order_it_was_numbered_in(self, world: World) -> None:
        engine = world.service.database.engine("diaban_writer")
        with engine.connect() as slow:
            # Takes its numbers first and is committed last, after the reader's place was told.
            late = apply_outcomes(slow, [replace(outcome(fresh_place(), 1), scenario="S05")], hour(1)).opened[0]
            before = world.open_alert()
            with world.listening("officer") as heard:
                heard.until("ready")
                seen = world.open_alert()
                assert heard.until("alert_opened", seen)
                # The last event of the same transaction says how far the reader was told.
                heard.until("task_changed")
                place = heard.place
            slow.commit()
        missed = world.open_alert()
        with world.listening("officer", place) as again:
            told = [again.until("alert_opened")["id"], again.until("alert_opened")["id"]]
        assert sorted(told, key=str) == sorted([str(late), missed], key=str)
        assert before not in told

    @pytest.mark.parametrize("place", ["nonsense", "5:3:", "9:10:4", "99999999999999999999:1:", "1:1:" + "1," * 5000])
    def test_a_place_that_is_none_leads_to_reading_anew(self, world: World, place: str) -> None:
        with world.listening("officer", place) as heard:
            assert heard.next()["kind"] == "reload"

    def test_a_place_from_the_future_or_beyond_what_is_kept_does_too(self, world: World) -> None:
        old = world.place_now()
        first, end, _ = (int(part or 0) for part in old.split(":"))
        with world.listening("officer", f"{first + 10**6}:{end + 10**6}:") as heard:
            assert heard.next()["kind"] == "reload"
        world.open_alert()
        with world.service.database.superuser_engine().begin() as connection:
            connection.execute(text("UPDATE live.events SET at = at - interval '2 days'"))
        with world.service.database.engine("diaban_writer").begin() as connection:
            prune_events(connection)
        with world.listening("officer", old) as heard:
            assert heard.next()["kind"] == "reload"

    def test_too_much_missed_leads_to_reading_anew(self, world: World) -> None:
        place = world.place_now()
        with world.service.database.engine("diaban_writer").begin() as connection:
            apply_outcomes(connection, [outcome(fresh_place(), 1) for _ in range(501)], hour(1))
        with world.listening("officer", place) as heard:
            heard.until("reload")


def test_the_stream_is_never_compressed_nor_cached(world: World) -> None:
    with world.service.client.stream(
        "GET", "/api/events", headers={"Accept-Encoding": "gzip", WHO: "officer"}
    ) as answer:
        assert "content-encoding" not in answer.headers
        assert "no-store" in answer.headers["cache-control"]


def test_another_answer_comes_while_streams_are_open(world: World) -> None:
    with world.listening("officer") as heard, httpx.Client(base_url=world.service.url) as client:
        heard.until("ready")
        assert client.get("/healthz").status_code == 200
