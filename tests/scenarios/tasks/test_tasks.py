"""Steps of a workflow as tasks: in order, by right, with the deadlines of the sources, reported upwards when late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from app.database import Database
from layers.access import Grant, Scope
from layers.notices import list_notices
from layers.rights import Action, Area, NotAllowed, Right
from scenarios.alerts.lifecycle import Act, Step, take_step
from scenarios.alerts.raising import apply_outcomes
from scenarios.outcomes import Level, Outcome, Standing
from scenarios.tasks.acting import TaskAct, TaskStep, act_on_task
from scenarios.tasks.errors import (
    TaskActIncomplete,
    TaskChanged,
    TaskError,
    TaskNotFound,
    TaskOfAnother,
    TaskOutOfOrder,
)
from scenarios.tasks.escalating import escalate_tasks
from scenarios.tasks.reading import TaskFilter, count_tasks, list_tasks, read_task
from scenarios.tasks.task import Rung, Task, TaskState
from scenarios.work.calendar import WorkCalendar
from tests.layers.conftest import store
from tests.scenarios.alerts.outcomes import COMMUNE, fresh_place

__all__ = ["store"]
pytestmark = pytest.mark.db
CALENDAR = WorkCalendar()
# A Tuesday, nine in the morning in Vietnam.
MORNING = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOURS = timedelta(hours=4)


def _scope(subject: str, *actions: Action, unit: str = COMMUNE) -> Scope:
    right = Right(frozenset(actions), areas=frozenset({Area.ALERTS}))
    return Scope(subject, (Grant(right, frozenset({unit})),))


OFFICER = _scope("officer", Action.READ, Action.EDIT)
COLLEAGUE = _scope("colleague", Action.READ, Action.EDIT)
READER = _scope("reader", Action.READ)
LEADER = _scope("leader", Action.READ, Action.EDIT, Action.APPROVE)
STRANGER = _scope("stranger", Action.READ, Action.EDIT, unit="16000")


@pytest.fixture
def writer(store: Database) -> Iterator[Engine]:
    engine = store.engine("diaban_writer")
    yield engine
    engine.dispose()


def _alert(writer: Engine, scenario: str, at: datetime = MORNING) -> int:
    found = Outcome(scenario, "T16", 1, fresh_place(), Standing.HOLDS, Level.WARNING, at, at, 1.0, 0.0)
    with writer.begin() as connection:
        return apply_outcomes(connection, [found], at).opened[0]


def _tasks(writer: Engine, alert: int) -> dict[str, Task]:
    with writer.connect() as connection:
        tasks, total = list_tasks(connection, LEADER, TaskFilter(alert), MORNING)
    assert total == len(tasks)
    return {task.step: task for task in tasks}


def _act(writer: Engine, scope: Scope, task: Task, act: TaskAct, at: datetime = MORNING, **more: str) -> Task:
    with writer.begin() as connection:
        return act_on_task(connection, scope, task.id, TaskStep(act, task.version, **more), at, CALENDAR)


def _states(writer: Engine, alert: int) -> dict[str, str]:
    return {step: task.state.value for step, task in _tasks(writer, alert).items()}


class TestGiving:
    def test_documents_of_a_commune_are_finished_before_16h00(self, writer: Engine) -> None:
        """Scenario S11 as Tân Ninh states it: extract, remind, then finish before 16h00; the daily watch beside it."""
        alert = _alert(writer, "S11")
        assert _states(writer, alert) == {"extract": "open", "remind": "waiting", "finish": "waiting", "watch": "open"}
        tasks = _tasks(writer, alert)
        assert (tasks["extract"].due_at, tasks["watch"].due_at) == (None, MORNING.replace(hour=10))
        _act(writer, OFFICER, tasks["extract"], TaskAct.FINISH, comment="12 văn bản")
        _act(
            writer,
            OFFICER,
            _tasks(writer, alert)["remind"],
            TaskAct.FINISH,
            MORNING + timedelta(hours=1),
            comment="Zalo",
        )
        finish = _tasks(writer, alert)["finish"]
        assert (finish.state, finish.due_at) == (TaskState.OPEN, MORNING.replace(hour=9))

    def test_work_given_after_its_clock_is_due_on_the_next_worked_day(self, writer: Engine) -> None:
        friday_evening = datetime(2026, 3, 13, 11, 0, tzinfo=UTC)
        alert = _alert(writer, "S11", friday_evening)
        for step in ("extract", "remind"):
            _act(writer, OFFICER, _tasks(writer, alert)[step], TaskAct.FINISH, friday_evening, comment="xong")
        assert _tasks(writer, alert)["finish"].due_at == datetime(2026, 3, 16, 9, 0, tzinfo=UTC)

    def test_a_field_report_is_handled_within_24_hours_of_the_assignment(self, writer: Engine) -> None:
        alert = _alert(writer, "S12")
        later = MORNING + timedelta(hours=3)
        for step in ("receive", "assign"):
            _act(writer, LEADER, _tasks(writer, alert)[step], TaskAct.FINISH, later, comment="Giao đội 2")
        assert _tasks(writer, alert)["handle"].due_at == later + DAY

    def test_the_loudspeaker_is_due_at_once(self, writer: Engine) -> None:
        alert = _alert(writer, "S37")
        _act(writer, OFFICER, _tasks(writer, alert)["receive"], TaskAct.FINISH, comment="đã nhận")
        announce = _tasks(writer, alert)["announce"]
        assert (announce.due_at, announce.channel) == (MORNING, "Loa truyền thanh xã, thôn")

    def test_what_goes_on_beside_is_given_together(self, writer: Engine) -> None:
        alert = _alert(writer, "S36")
        _act(writer, OFFICER, _tasks(writer, alert)["detect"], TaskAct.FINISH, comment="x")
        assert _states(writer, alert) == {"detect": "done", "notify": "open", "direct": "open"}

    def test_an_outcome_that_is_told_again_gives_nothing_twice(self, writer: Engine) -> None:
        place = fresh_place()
        found = Outcome("S11", "T16", 1, place, Standing.HOLDS, Level.WARNING, MORNING, MORNING, 1.0, 0.0)
        with writer.begin() as connection:
            (alert,) = apply_outcomes(connection, [found], MORNING).opened
        with writer.begin() as connection:
            assert apply_outcomes(connection, [found], MORNING + HOURS).opened == ()
        assert len(_tasks(writer, alert)) == 4

    def test_closing_drops_what_is_left_and_reopening_takes_it_up(self, writer: Engine) -> None:
        alert = _alert(writer, "S11")
        _act(writer, OFFICER, _tasks(writer, alert)["extract"], TaskAct.FINISH, comment="12 văn bản")
        steps = [
            Step(Act.ACKNOWLEDGE, 1), Step(Act.ASSIGN, 2, assignee="officer"), Step(Act.START, 3),
            Step(Act.RESOLVE, 4, comment="Xong."), Step(Act.CLOSE, 5),
        ]  # fmt: skip
        with writer.begin() as connection:
            for step in steps:
                take_step(connection, LEADER, alert, step, MORNING + HOURS)
        assert _states(writer, alert) == {
            "extract": "done",
            "remind": "dropped",
            "finish": "dropped",
            "watch": "dropped",
        }
        with pytest.raises(TaskOutOfOrder):
            _act(writer, LEADER, _tasks(writer, alert)["remind"], TaskAct.GIVE_AGAIN, comment="làm tiếp")
        with writer.begin() as connection:
            take_step(connection, LEADER, alert, Step(Act.REOPEN, 6, comment="Chưa xong."), MORNING + DAY)
        assert _states(writer, alert) == {"extract": "done", "remind": "open", "finish": "waiting", "watch": "open"}

    def test_a_condition_that_ends_before_anybody_acts_drops_the_tasks(self, writer: Engine) -> None:
        place = fresh_place()
        with writer.begin() as connection:
            first = Outcome("S11", "T16", 1, place, Standing.HOLDS, Level.WARNING, MORNING, MORNING)
            (alert,) = apply_outcomes(connection, [first], MORNING).opened
            ended = Outcome("S11", "T16", 1, place, Standing.CLEAR, Level.WARNING, MORNING + HOURS, MORNING + HOURS)
            apply_outcomes(connection, [ended], MORNING + HOURS)
        assert set(_states(writer, alert).values()) == {"dropped"}


class TestActing:
    def test_taken_delegated_finished_with_everything_in_the_history(self, writer: Engine) -> None:
        task = _tasks(writer, _alert(writer, "S11"))["extract"]
        taken = _act(writer, OFFICER, task, TaskAct.TAKE)
        with pytest.raises(TaskOfAnother):
            _act(writer, COLLEAGUE, taken, TaskAct.FINISH, comment="của tôi")
        handed = _act(writer, OFFICER, taken, TaskAct.DELEGATE, assignee="outsider")
        outsider = Scope("outsider")
        with writer.connect() as connection:
            assert [notice.message.kind for notice in list_notices(connection, outsider)] == ["task_handed_over"]
            seen, _ = list_tasks(connection, outsider, TaskFilter(), MORNING)
        assert [one.id for one in seen] == [task.id]
        done = _act(writer, outsider, handed, TaskAct.FINISH, comment="12 văn bản")
        assert (done.state, done.assignee) == (TaskState.DONE, "outsider")
        with writer.connect() as connection:
            history = read_task(connection, LEADER, task.id)
        assert [(step.actor, step.act) for step in history.steps] == [
            ("rules", "given"), ("officer", "take"), ("officer", "delegate"), ("outsider", "finish"),
        ]  # fmt: skip
        assert set(history.acts) == {TaskAct.GIVE_AGAIN, TaskAct.COMMENT}

    @pytest.mark.parametrize(
        ("scope", "step", "error"),
        [
            (STRANGER, TaskStep(TaskAct.TAKE, 2), TaskNotFound),
            (READER, TaskStep(TaskAct.TAKE, 2), NotAllowed),
            (OFFICER, TaskStep(TaskAct.DROP, 2, "không cần"), NotAllowed),
            (OFFICER, TaskStep(TaskAct.DELEGATE, 2, assignee="officer"), TaskOfAnother),
            (LEADER, TaskStep(TaskAct.DELEGATE, 2), TaskActIncomplete),
            (LEADER, TaskStep(TaskAct.FINISH, 2, "  "), TaskActIncomplete),
            (LEADER, TaskStep(TaskAct.FINISH, 2, "a\x00b"), TaskActIncomplete),
            (LEADER, TaskStep(TaskAct.FINISH, 9, "xong"), TaskChanged),
            (LEADER, TaskStep(TaskAct.GIVE_AGAIN, 2, "làm lại"), TaskOutOfOrder),
        ],
    )
    def test_an_act_that_does_not_fit_changes_nothing(
        self, writer: Engine, scope: Scope, step: TaskStep, error: type[TaskError]
    ) -> None:
        task = _tasks(writer, _alert(writer, "S11"))["extract"]
        with pytest.raises(error), writer.begin() as connection:
            act_on_task(connection, scope, task.id, step, MORNING, CALENDAR)
        with writer.connect() as connection:
            assert read_task(connection, LEADER, task.id).task == task

    def test_a_step_that_is_dropped_gives_the_next(self, writer: Engine) -> None:
        alert = _alert(writer, "S11")
        _act(writer, LEADER, _tasks(writer, alert)["extract"], TaskAct.DROP, comment="Đã có danh sách")
        assert _states(writer, alert)["remind"] == "open"

    def test_a_step_given_again_is_due_anew(self, writer: Engine) -> None:
        alert = _alert(writer, "S12")
        for step in ("receive", "assign", "handle"):
            _act(writer, LEADER, _tasks(writer, alert)[step], TaskAct.FINISH, comment="xong")
        later = MORNING + 2 * DAY
        again = _act(writer, LEADER, _tasks(writer, alert)["handle"], TaskAct.GIVE_AGAIN, later, comment="Còn rác")
        assert (again.state, again.due_at, again.ended_at) == (TaskState.OPEN, later + DAY, None)


class TestLateness:
    def test_a_late_task_goes_up_to_the_office_the_leader_and_the_province_once_each(self, writer: Engine) -> None:
        alert = _alert(writer, "S37")
        _act(writer, OFFICER, _tasks(writer, alert)["receive"], TaskAct.FINISH, comment="đã nhận")
        rungs = []
        for hours in (0, 1, 4, 8, 12, 16):
            with writer.begin() as connection:
                escalate_tasks(connection, MORNING + timedelta(hours=hours), HOURS)
            rungs.append(_tasks(writer, alert)["announce"].rung)
        assert rungs == [Rung.OFFICE, Rung.OFFICE, Rung.LEADER, Rung.PROVINCE, Rung.PROVINCE, Rung.PROVINCE]
        with writer.connect() as connection:
            link = f"/board?s=S37&a={alert}"
            told = {
                scope.subject: sum(notice.message.link == link for notice in list_notices(connection, scope))
                for scope in (OFFICER, LEADER, STRANGER)
            }
        # The store knows no province of the commune, so that the last word goes to its leader as well.
        assert told == {"officer": 1, "leader": 3, "stranger": 0}

    def test_done_in_time_is_not_late_and_done_afterwards_is_counted(self, writer: Engine) -> None:
        with writer.connect() as connection:
            before = _counts(count_tasks(connection, LEADER, MORNING + 2 * DAY, MORNING))
        for hours in (23, 25):
            alert = _alert(writer, "S12")
            for step in ("receive", "assign"):
                _act(writer, LEADER, _tasks(writer, alert)[step], TaskAct.FINISH, comment="xong")
            handle = _tasks(writer, alert)["handle"]
            _act(writer, LEADER, handle, TaskAct.FINISH, MORNING + timedelta(hours=hours), comment="xong")
            assert _tasks(writer, alert)["handle"].is_late(MORNING + 9 * DAY) is (hours == 25)
        with writer.connect() as connection:
            after = _counts(count_tasks(connection, LEADER, MORNING + 2 * DAY, MORNING))
        assert (after["done"] - before["done"], after["done_late"] - before["done_late"]) == (6, 1)

    def test_what_is_done_does_not_go_up(self, writer: Engine) -> None:
        alert = _alert(writer, "S37")
        for step in ("receive", "announce"):
            _act(writer, OFFICER, _tasks(writer, alert)[step], TaskAct.FINISH, comment="xong")
        with writer.begin() as connection:
            escalate_tasks(connection, MORNING + DAY, HOURS)
        assert _tasks(writer, alert)["announce"].rung is Rung.OFFICER

    def test_the_province_of_the_commune_is_told(self, make_clone: Callable[[], Database]) -> None:
        engine = make_clone().engine("diaban_writer")
        with engine.begin() as connection:
            code, parent = connection.execute(
                text("SELECT code, parent_code FROM features.communes ORDER BY code LIMIT 1")
            ).one()
            place = replace(fresh_place(), unit_code=code)
            found = Outcome("S12", "T16", 1, place, Standing.HOLDS, Level.WARNING, MORNING, MORNING)
            apply_outcomes(connection, [found], MORNING)
            for hours in range(10, 60, 10):
                escalate_tasks(connection, MORNING + timedelta(hours=hours), HOURS)
            units = (parent, "98" if parent == "99" else "99")
            people = [_scope("leader", Action.READ, Action.APPROVE, unit=unit) for unit in units]
            told = [[notice.message.kind for notice in list_notices(connection, who)] for who in people]
        engine.dispose()
        assert told == [["task_late"], []]


def _counts(found: list[object]) -> dict[str, int]:
    mine = [one for one in found if getattr(one, "unit_code", "") == COMMUNE]
    return {name: sum(getattr(one, name) for one in mine) for name in ("done", "done_late")}
