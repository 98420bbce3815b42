"""From outcomes to alerts: once, whatever is repeated, late or at the same time."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from scenarios.alerts.errors import UnstorableEvidence
from scenarios.alerts.raising import Raised, apply_outcomes
from scenarios.outcomes import Outcome, Standing
from tests.scenarios.alerts.outcomes import fresh_place, hour, outcome


def _apply(engine: Engine, *outcomes: Outcome) -> Raised:
    with engine.begin() as connection:
        return apply_outcomes(connection, outcomes, hour(100))


def _evidence(engine: Engine, alert: int) -> list[object]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT evidence FROM alerts.evidence WHERE alert_id = :id ORDER BY at"), {"id": alert}
        )
        return list(rows.scalars())


def _state(engine: Engine, alert: int) -> tuple[str, str]:
    with engine.connect() as connection:
        row = connection.execute(text("SELECT state, standing FROM alerts.alerts WHERE id = :id"), {"id": alert}).one()
        return row.state, row.standing


def test_the_same_outcome_twice_opens_one_alert(writer: Engine) -> None:
    said = outcome(fresh_place(), 1)
    assert len(_apply(writer, said).opened) == 1
    assert _apply(writer, said) == Raised()


def test_an_alert_is_kept_updated_and_cleared_with_its_evidence(writer: Engine) -> None:
    place = fresh_place()
    (alert,) = _apply(writer, outcome(place, 1)).opened
    assert _apply(writer, outcome(place, 2)).kept == (alert,)
    assert _apply(writer, outcome(place, 3, value=30.0)).updated == (alert,)
    assert _apply(writer, outcome(place, 4, Standing.CLEAR, since=4, value=5.0)).cleared == (alert,)
    assert _evidence(writer, alert) == [{"value": 21.0}, {"value": 30.0}, {"value": 5.0}]
    assert _state(writer, alert) == ("closed", "clear")


def test_what_is_told_late_changes_nothing(writer: Engine) -> None:
    place = fresh_place()
    (alert,) = _apply(writer, outcome(place, 1)).opened
    _apply(writer, outcome(place, 4, Standing.CLEAR, since=4))
    assert _apply(writer, outcome(place, 2), outcome(place, 3, value=30.0)) == Raised()
    assert _state(writer, alert) == ("closed", "clear")


def test_a_condition_that_begins_anew_opens_a_new_alert(writer: Engine) -> None:
    place = fresh_place()
    (first,) = _apply(writer, outcome(place, 1)).opened
    _apply(writer, outcome(place, 4, Standing.CLEAR, since=4))
    (second,) = _apply(writer, outcome(place, 6, since=6)).opened
    assert second != first


def test_without_a_signal_nothing_opens_or_clears(writer: Engine) -> None:
    place = fresh_place()
    assert _apply(writer, outcome(place, 1, Standing.NO_SIGNAL, value=None)) == Raised()
    (alert,) = _apply(writer, outcome(place, 2)).opened
    assert _apply(writer, outcome(place, 3, Standing.NO_SIGNAL, value=None)).updated == (alert,)
    assert _state(writer, alert) == ("open", "no_signal")


def test_of_two_outcomes_for_one_place_the_newest_counts(writer: Engine) -> None:
    place = fresh_place()
    (alert,) = _apply(writer, outcome(place, 2, value=40.0), outcome(place, 1)).opened
    assert _evidence(writer, alert) == [{"value": 40.0}]


def test_no_number_is_no_value_and_evidence_without_json_is_refused_whole(writer: Engine) -> None:
    place, other = fresh_place(), fresh_place()
    good = outcome(other, 1)
    with pytest.raises(UnstorableEvidence, match="node-rise"):
        _apply(writer, good, replace(outcome(place, 1), evidence={"ratio": math.nan}))
    assert len(_apply(writer, good).opened) == 1
    assert len(_apply(writer, replace(outcome(place, 1), value=math.inf)).opened) == 1


def test_evaluators_at_once_open_one_alert_each_place(writer: Engine) -> None:
    places = [fresh_place() for _ in range(20)]
    opened: list[int] = []
    gate = threading.Barrier(4)

    def evaluate(turn: int) -> None:
        order = places if turn % 2 else places[::-1]
        gate.wait()
        opened.extend(_apply(writer, *(outcome(place, 1) for place in order)).opened)

    threads = [threading.Thread(target=evaluate, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == len(set(opened)) == len(places)


def test_a_transaction_that_is_lost_leaves_no_alert(writer: Engine) -> None:
    said = outcome(fresh_place(), 1)
    with writer.connect() as connection:
        assert len(apply_outcomes(connection, [said], hour(1)).opened) == 1
        connection.rollback()
    assert len(_apply(writer, said).opened) == 1
