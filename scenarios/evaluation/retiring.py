"""Rules that a scenario has no longer: what they have told is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from scenarios.definition import Scenario
from scenarios.outcomes import Level, Outcome, Place, PlaceKind, Standing

_RETIRE: Final = text(
    "DELETE FROM judging.standings WHERE scenario = :scenario AND rule <> ALL (CAST(:rules AS text[]))"
    " RETURNING rule, place_kind, place_layer, place_key, unit_code, lon, lat, is_engaged"
)


def retire_rules(connection: Connection, scenario: Scenario, rules: Sequence[str], at: datetime) -> list[Outcome]:
    """Forgets what rules remember that are not evaluated any more, and says that their conditions hold no longer.

    Args:
        connection: The writer's, in the transaction of the evaluation.
        scenario: As it is in force now.
        rules: Numbers of the rules that it evaluates.
        at: The moment of evaluation, aware UTC.
    """
    rows = connection.execute(_RETIRE, {"scenario": scenario.code, "rules": list(rules)}).all()
    evidence = {"retired": "the scenario in force has no such rule", "version": scenario.version}
    return [
        Outcome(
            scenario.code,
            row.rule,
            scenario.version,
            Place(PlaceKind(row.place_kind), row.place_key, row.unit_code, row.place_layer or None, row.lon, row.lat),
            Standing.CLEAR,
            Level.WARNING,
            at,
            at,
            evidence=evidence,
        )
        for row in rows
        if row.is_engaged
    ]
