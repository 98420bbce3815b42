"""The workflows of Tân Ninh reach the channels that their sources name: Zalo group, loudspeakers, commune leader."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from app.database import Database
from app.sending.courier import Courier
from app.sending.gateway import Gateway
from app.sending.zalo import Zalo
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from scenarios.alerts.raising import apply_outcomes
from scenarios.notifying.channel import ChannelKind, Draft, Pace, Wanted
from scenarios.notifying.channels import add_channel
from scenarios.outcomes import Level, Outcome, Standing
from scenarios.tasks.acting import TaskAct, TaskStep, act_on_task
from scenarios.tasks.escalating import escalate_tasks
from scenarios.tasks.reading import TaskFilter, list_tasks
from scenarios.work.calendar import WorkCalendar
from tests.app.sending.servers import HTTPServer, http_server, status
from tests.scenarios.alerts.outcomes import COMMUNE, fresh_place
from tests.scenarios.notifying.conftest import ADMIN, store, writer

__all__ = ["store", "writer"]
pytestmark = pytest.mark.db
CALENDAR = WorkCalendar()
# A Tuesday, nine in the morning in Vietnam.
MORNING = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
AT_ONCE = Pace(gap=timedelta(0))
OFFICER = Scope(
    "officer",
    (Grant(Right(frozenset({Action.READ, Action.EDIT}), areas=frozenset({Area.ALERTS})), frozenset({COMMUNE})),),
)
TAKEN = status(200, b'{"error":0}')


def _add(writer: Engine, kind: ChannelKind, address: str, scenario: str, *kinds: str) -> None:
    wanted = Wanted(COMMUNE, scenario, kinds=frozenset(kinds))
    with writer.begin() as connection:
        add_channel(connection, ADMIN, Draft("Kênh", kind, address, wanted=wanted, pace=AT_ONCE))


def _open(writer: Engine, scenario: str) -> int:
    place = replace(fresh_place(), unit_code=COMMUNE)
    found = Outcome(scenario, "T16", 1, place, Standing.HOLDS, Level.WARNING, MORNING, MORNING, 6.5, 5.0)
    with writer.begin() as connection:
        return apply_outcomes(connection, [found], MORNING, CALENDAR).opened[0]


def _finish(writer: Engine, alert: int, step: str) -> None:
    with writer.begin() as connection:
        tasks, _ = list_tasks(connection, OFFICER, TaskFilter(alert), MORNING)
        task = next(one for one in tasks if one.step == step)
        done = TaskStep(TaskAct.FINISH, task.version, comment="xong")
        act_on_task(connection, OFFICER, task.id, done, MORNING, CALENDAR)


def _carry(courier: Courier, server: HTTPServer) -> list[str]:
    """Sends what is due and returns the bodies that have come since the last look."""
    before = len(server.received)
    courier.step()
    courier.settle()
    return [request.body.decode() for request in server.received[before:]]


def test_documents_are_reminded_of_in_the_zalo_group_with_the_hour_and_late_ones_too(
    store: Database, writer: Engine
) -> None:
    """TN-2.1.1: the clerk extracts, reminds in the Zalo group, officers finish before 16h00 the same day."""
    with http_server(TAKEN) as zalo:
        courier = Courier(writer, {ChannelKind.ZALO: Zalo(zalo.url, lambda: "t")}, "https://b.vn", _now)
        _add(writer, ChannelKind.ZALO, "nhom-xa", "S11", "task_given", "task_late")
        alert = _open(writer, "S11")
        first = _carry(courier, zalo)
        for step in ("extract", "remind"):
            _finish(writer, alert, step)
        (asked,) = _carry(courier, zalo)
        with writer.begin() as connection:
            # Ten past four in the afternoon.
            escalate_tasks(connection, MORNING.replace(hour=9, minute=10), timedelta(hours=4))
        (late,) = _carry(courier, zalo)
        courier.close()
    assert len(first) == 1
    said = json.loads(asked)
    assert said["recipient"] == {"group_id": "nhom-xa"}
    assert "Việc cần làm" in said["message"]["text"]
    assert "Hạn: 16:00 10/03/2026." in said["message"]["text"]
    assert "Quá hạn từ 10/03/2026 16:00" in json.loads(late)["message"]["text"]


def test_bad_air_is_announced_over_the_loudspeakers_and_the_hamlet_is_told_to_by_sms(
    store: Database, writer: Engine
) -> None:
    """TN-2.1.4: the office receives the warning, then the loudspeakers of commune and hamlets announce it at once."""
    with http_server(status(202)) as gateway:
        senders = {kind: Gateway(gateway.url, kind) for kind in (ChannelKind.LOUDSPEAKER, ChannelKind.SMS)}
        courier = Courier(writer, senders, "https://b.vn", _now)
        _add(writer, ChannelKind.LOUDSPEAKER, "loa-thon-3", "S37", "alert_opened")
        _add(writer, ChannelKind.SMS, "+84912345678", "S37", "task_given")
        alert = _open(writer, "S37")
        opened = [json.loads(body) for body in _carry(courier, gateway)]
        _finish(writer, alert, "receive")
        (asked,) = [json.loads(body) for body in _carry(courier, gateway)]
        courier.close()
    assert {one["kind"]: one["text"].partition(":")[0] for one in opened} == {
        "loudspeaker": "Cảnh báo",
        "sms": "Việc cần làm",
    }
    assert asked["to"] == "+84912345678"
    assert asked["text"].startswith("Việc cần làm: Phát loa khuyến cáo (Xã và thôn).")


def _now() -> datetime:
    return datetime.now(UTC)
