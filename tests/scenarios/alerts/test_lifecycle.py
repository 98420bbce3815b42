"""What people do with an alert: in order, by right, and of two at once one wins."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, text

from layers.access import Grant, Scope
from layers.rights import Action, Area, NotAllowed, Right
from scenarios.alerts.errors import (
    ActIncomplete,
    ActOutOfOrder,
    AlertChanged,
    AlertError,
    AlertNotFound,
    PlaceHasNewerAlert,
)
from scenarios.alerts.lifecycle import Act, Alert, State, Step, take_step
from scenarios.alerts.raising import apply_outcomes
from scenarios.outcomes import Standing
from tests.scenarios.alerts.outcomes import COMMUNE, fresh_place, hour, outcome


def _scope(subject: str, *actions: Action, unit: str = COMMUNE) -> Scope:
    right = Right(frozenset(actions), areas=frozenset({Area.ALERTS}))
    return Scope(subject, (Grant(right, frozenset({unit})),))


OFFICER = _scope("officer", Action.READ, Action.EDIT)
LEADER = _scope("leader", Action.READ, Action.EDIT, Action.APPROVE)
STRANGER = _scope("stranger", Action.READ, Action.EDIT, unit="16000")


def _take(engine: Engine, scope: Scope, alert: int, step: Step) -> Alert:
    with engine.begin() as connection:
        return take_step(connection, scope, alert, step, hour(50))


@pytest.fixture
def alert(writer: Engine) -> int:
    """A fresh alert at version 1."""
    with writer.begin() as connection:
        return apply_outcomes(connection, [outcome(fresh_place(), 1)], hour(1)).opened[0]


def test_from_open_to_rated_with_every_act_in_the_trail(writer: Engine, alert: int) -> None:
    _take(writer, OFFICER, alert, Step(Act.ACKNOWLEDGE, 1))
    _take(writer, LEADER, alert, Step(Act.ASSIGN, 2, assignee="officer"))
    _take(writer, OFFICER, alert, Step(Act.START, 3))
    _take(writer, OFFICER, alert, Step(Act.RESOLVE, 4, comment="Đã thu gom rác."))
    _take(writer, LEADER, alert, Step(Act.CLOSE, 5))
    rated = _take(writer, LEADER, alert, Step(Act.RATE, 6, rating=5))
    assert (rated.state, rated.version, rated.rating, rated.assignee) == (State.CLOSED, 7, 5, "officer")
    with writer.connect() as connection:
        acts = connection.execute(
            text("SELECT act FROM alerts.steps WHERE alert_id = :id ORDER BY number"), {"id": alert}
        ).scalars()
        assert list(acts) == ["opened", "acknowledge", "assign", "start", "resolve", "close", "rate"]


def test_of_two_who_acknowledge_at_once_one_wins(writer: Engine, alert: int) -> None:
    results: list[object] = []
    gate = threading.Barrier(2)

    def acknowledge(scope: Scope) -> None:
        gate.wait()
        try:
            results.append(_take(writer, scope, alert, Step(Act.ACKNOWLEDGE, 1)).state)
        except AlertError as error:
            results.append(type(error))

    threads = [threading.Thread(target=acknowledge, args=(scope,)) for scope in (OFFICER, LEADER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == sorted(map(str, [State.ACKNOWLEDGED, AlertChanged]))


def test_another_commune_s_alert_is_absent_and_only_a_leader_assigns(writer: Engine, alert: int) -> None:
    with pytest.raises(AlertNotFound):
        _take(writer, STRANGER, alert, Step(Act.ACKNOWLEDGE, 1))
    with pytest.raises(NotAllowed):
        _take(writer, OFFICER, alert, Step(Act.ASSIGN, 1, assignee="officer"))


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (Step(Act.START, 1), ActOutOfOrder),
        (Step(Act.RATE, 1, rating=3), ActOutOfOrder),
        (Step(Act.ASSIGN, 1), ActIncomplete),
        (Step(Act.COMMENT, 1, comment="  "), ActIncomplete),
        (Step(Act.COMMENT, 1, comment="a\x00b"), ActIncomplete),
        (Step(Act.ACKNOWLEDGE, 9), AlertChanged),
    ],
)
def test_a_step_that_does_not_fit_changes_nothing(
    writer: Engine, alert: int, step: Step, error: type[AlertError]
) -> None:
    with pytest.raises(error):
        _take(writer, LEADER, alert, step)
    assert _take(writer, LEADER, alert, Step(Act.ACKNOWLEDGE, 1)).version == 2


def test_an_alert_in_hand_is_not_closed_by_a_condition_that_ends(writer: Engine) -> None:
    place = fresh_place()
    with writer.begin() as connection:
        (alert,) = apply_outcomes(connection, [outcome(place, 1)], hour(1)).opened
    _take(writer, OFFICER, alert, Step(Act.ACKNOWLEDGE, 1))
    with writer.begin() as connection:
        ended = outcome(place, 2, Standing.CLEAR, since=2)
        assert apply_outcomes(connection, [ended], hour(2)).cleared == (alert,)
    assert _take(writer, LEADER, alert, Step(Act.COMMENT, 3, comment="Còn kiểm tra.")).state is State.ACKNOWLEDGED


def test_a_closed_alert_is_reopened_unless_a_newer_one_stands_there(writer: Engine) -> None:
    place = fresh_place()
    with writer.begin() as connection:
        (first,) = apply_outcomes(connection, [outcome(place, 1)], hour(1)).opened
        apply_outcomes(connection, [outcome(place, 2, Standing.CLEAR, since=2)], hour(2))
    again = _take(writer, LEADER, first, Step(Act.REOPEN, 2, comment="Chưa xong."))
    assert again.state is State.ACKNOWLEDGED
    _take(writer, LEADER, first, Step(Act.ASSIGN, 3, assignee="officer"))
    _take(writer, OFFICER, first, Step(Act.START, 4))
    _take(writer, OFFICER, first, Step(Act.RESOLVE, 5, comment="Đã xong."))
    _take(writer, LEADER, first, Step(Act.CLOSE, 6))
    with writer.begin() as connection:
        assert len(apply_outcomes(connection, [outcome(place, 5, since=5)], hour(5)).opened) == 1
    with pytest.raises(PlaceHasNewerAlert):
        _take(writer, LEADER, first, Step(Act.REOPEN, 7, comment="Mở lại."))


def test_a_figure_that_moves_does_not_refuse_what_somebody_decides(writer: Engine) -> None:
    place = fresh_place()
    with writer.begin() as connection:
        (alert,) = apply_outcomes(connection, [outcome(place, 1)], hour(1)).opened
        assert apply_outcomes(connection, [outcome(place, 2, value=22.0)], hour(2)).updated == (alert,)
    assert _take(writer, OFFICER, alert, Step(Act.ACKNOWLEDGE, 1)).state is State.ACKNOWLEDGED
