"""Alerts as they stood at a moment, against their story told by hand."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from layers.access import Grant, Scope
from layers.rights import Action, Area, NotAllowed, Right
from scenarios.alerts.lifecycle import Act, State, Step, take_step
from scenarios.alerts.moment import AlertThen, list_alerts_at
from scenarios.alerts.raising import apply_outcomes
from scenarios.outcomes import Standing
from tests.scenarios.alerts.outcomes import COMMUNE, fresh_place, hour, outcome

pytestmark = pytest.mark.db


def _scope(unit: str | None = None) -> Scope:
    right = Right(frozenset({Action.READ, Action.EDIT, Action.APPROVE}), areas=frozenset({Area.ALERTS}))
    return Scope("officer", (Grant(right, frozenset({unit}) if unit else None),))


def _then(engine: Engine, number: float, alert: int, scope: Scope | None = None) -> AlertThen | None:
    with engine.connect() as connection:
        found = list_alerts_at(connection, scope or _scope(), "S04", hour(number), limit=1000)
    return next((one for one in found if one.id == alert), None)


def test_follows_its_story(writer: Engine) -> None:
    place = fresh_place()
    with writer.begin() as connection:
        (alert,) = apply_outcomes(connection, [outcome(place, 100, since=100)], hour(100)).opened
    with writer.begin() as connection:
        take_step(connection, _scope(), alert, Step(Act.ACKNOWLEDGE, 1), hour(102))
    with writer.begin() as connection:
        apply_outcomes(connection, [outcome(place, 104, Standing.CLEAR, since=104, value=3.0)], hour(104))
    assert _then(writer, 99, alert) is None
    for at, standing, state, value in (
        (101, Standing.HOLDS, State.OPEN, 21.0),
        (103, Standing.HOLDS, State.ACKNOWLEDGED, 21.0),
        (105, Standing.CLEAR, State.ACKNOWLEDGED, 3.0),
    ):
        found = _then(writer, at, alert)
        assert found is not None
        assert (found.standing, found.state, found.value, found.unit_code) == (standing, state, value, COMMUNE)


def test_is_gone_once_it_is_closed(writer: Engine) -> None:
    place = fresh_place()
    with writer.begin() as connection:
        (alert,) = apply_outcomes(connection, [outcome(place, 10, since=10)], hour(10)).opened
    with writer.begin() as connection:
        apply_outcomes(connection, [outcome(place, 12, Standing.CLEAR, since=12)], hour(12))
    assert _then(writer, 11, alert) is not None
    assert _then(writer, 13, alert) is None


def test_of_other_units_are_not_told(writer: Engine) -> None:
    with writer.begin() as connection:
        (alert,) = apply_outcomes(connection, [outcome(fresh_place(), 1)], hour(1)).opened
    assert _then(writer, 2, alert, _scope(COMMUNE)) is not None
    assert _then(writer, 2, alert, _scope("16000")) is None


def test_without_any_right_is_refused(writer: Engine) -> None:
    with writer.connect() as connection, pytest.raises(NotAllowed):
        list_alerts_at(connection, Scope("guest"), "S04", hour(1), limit=10)
