"""From what rules say to alerts: one that is not closed per scenario, rule and place."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from layers.audit import Event, record_event
from scenarios.alerts.errors import UnstorableEvidence
from scenarios.outcomes import Outcome
from scenarios.tasks.giving import drop_tasks, give_tasks
from scenarios.work.calendar import WorkCalendar

_APPLY: Final = text(files(__package__).joinpath("raising.sql").read_text(encoding="utf-8"))
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('alerts.raising/' || :scenario, 0))")
_ACTOR: Final = "rules"
_CALENDAR: Final = WorkCalendar()


@dataclass(frozen=True)
class Raised:
    """Ids of the alerts that an evaluation touched, each in one of the four.

    Attributes:
        opened: New alerts.
        updated: Alerts whose standing, level, value, threshold or rule version changed.
        kept: Alerts that were evaluated again and are as they were.
        cleared: Alerts whose condition holds no longer; those that nobody had taken up are closed as well.
    """

    opened: tuple[int, ...] = ()
    updated: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()
    cleared: tuple[int, ...] = ()


def apply_outcomes(
    connection: Connection, outcomes: Sequence[Outcome], at: datetime, calendar: WorkCalendar = _CALENDAR
) -> Raised:
    """Opens, updates and clears alerts by what rules say, inside the caller's transaction.

    An alert that opens brings the tasks of its scenario's steps; one that is closed drops what is left of them.

    Applying an outcome again, or one that is not newer than the last, changes nothing. An alert that people closed
    while its condition holds stays closed until the condition has ended and begun anew (a later ``since``). Without
    a signal nothing opens and nothing clears. Evidence is kept when an alert opens and whenever it changes.
    Evaluators of one scenario wait for each other until their transactions end.

    Args:
        connection: Owner or writer, READ COMMITTED, in the transaction of the evaluation.
        outcomes: Any number, of any scenarios; of several for one place the newest counts.
        at: The moment of applying, aware UTC.
        calendar: Which days are worked, for the deadlines of tasks.

    Raises:
        UnstorableEvidence: Some evidence is no JSON; nothing was applied.
    """
    if not outcomes:
        return Raised()
    document = json.dumps([_row(outcome) for outcome in outcomes], ensure_ascii=False)
    for scenario in sorted({outcome.scenario for outcome in outcomes}):
        connection.execute(_LOCK, {"scenario": scenario})
    by_act: dict[str, list[int]] = {"opened": [], "updated": [], "kept": [], "cleared": []}
    touched = connection.execute(_APPLY, {"outcomes": document, "at": at}).all()
    _bring_tasks(connection, touched, at, calendar)
    for row in touched:
        by_act[row.act].append(row.id)
        if row.act in ("opened", "cleared"):
            event = Event(_ACTOR, f"alert_{row.act}", "alert", str(row.id), unit_code=row.unit_code)
            record_event(connection, event)
    return Raised(**{act: tuple(ids) for act, ids in by_act.items()})


def _bring_tasks(connection: Connection, touched: Sequence[Row[Any]], at: datetime, calendar: WorkCalendar) -> None:
    opened: dict[str, list[int]] = {}
    for row in touched:
        if row.act == "opened":
            opened.setdefault(row.scenario, []).append(row.id)
    for scenario, alerts in opened.items():
        give_tasks(connection, scenario, alerts, at, calendar)
    closed = [row.id for row in touched if row.to_state == "closed"]
    if closed:
        drop_tasks(connection, closed, at, _ACTOR)


def _row(outcome: Outcome) -> dict[str, object]:
    place = outcome.place
    return {
        "scenario": outcome.scenario,
        "rule": outcome.rule,
        "rule_version": outcome.rule_version,
        "place_kind": place.kind.value,
        "place_layer": place.layer or "",
        "place_key": place.key,
        "unit_code": place.unit_code,
        "lon": place.lon,
        "lat": place.lat,
        "standing": outcome.standing.value,
        "level": outcome.level.value,
        "at": outcome.at.isoformat(),
        "since": outcome.since.isoformat(),
        "value": _finite(outcome.value),
        "threshold": _finite(outcome.threshold),
        "evidence": _checked_evidence(outcome),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _checked_evidence(outcome: Outcome) -> dict[str, object]:
    evidence = dict(outcome.evidence)
    try:
        written = json.dumps(evidence, allow_nan=False)
    except (TypeError, ValueError):
        raise UnstorableEvidence(outcome.scenario, outcome.rule, outcome.place.key) from None
    if "\\u0000" in written:
        raise UnstorableEvidence(outcome.scenario, outcome.rule, outcome.place.key)
    return evidence
