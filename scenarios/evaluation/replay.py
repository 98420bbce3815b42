"""An alert told again from its frozen evidence: the same rule over what was known then gives the same figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, TextClause, text

from layers.access import Scope
from scenarios.alerts.reading import FrozenEvidence, read_alert
from scenarios.rules.figures import Reading
from scenarios.rules.series import SERIES_SQL
from scenarios.rules.shape import SERIES_TESTS
from scenarios.rules.standing import Limit
from scenarios.rules.statements import series_parameters

_ASK: Final[dict[str, TextClause]] = {
    shape: text(f"{figures}\nSELECT figure FROM figures WHERE (kind, layer, key) = (:kind, :place_layer, :place_key)")
    for shape, figures in SERIES_SQL.items()
}


@dataclass(frozen=True, slots=True)
class Replayed:
    """One frozen moment told again.

    Attributes:
        frozen, again: The figure as it was kept and as it comes out now; None is no signal.
        is_passed: Whether the figure passes the limit that the rule had then; None without a signal.
        is_same: Whether both figures are one and the same.
    """

    at: datetime
    frozen: str | None
    again: str | None
    is_passed: bool | None
    is_same: bool


def replay_alert(connection: Connection, scope: Scope, alert_id: int) -> list[Replayed]:
    """Evaluates the rule of an alert again at each moment of its evidence, with what was known then.

    Evidence of a rule that looks at no observations is left out.

    Raises:
        AlertNotFound: There is none, or none that the reader may see.
    """
    whole = read_alert(connection, scope, alert_id)
    alert = whole.alert
    place = {"kind": alert.place_kind.value, "place_layer": alert.place_layer, "place_key": alert.place_key}
    return [
        _replay(connection, place, frozen) for frozen in whole.evidence if frozen.evidence.get("shape") in SERIES_TESTS
    ]


def _replay(connection: Connection, place: Mapping[str, str], frozen: FrozenEvidence) -> Replayed:
    evidence: Mapping[str, Any] = frozen.evidence
    shape = evidence["shape"]
    test = SERIES_TESTS[shape](**evidence["test"])
    reading = Reading(
        datetime.fromisoformat(evidence["at"]),
        datetime.fromisoformat(evidence["known_at"]),
        timedelta(hours=evidence["stale_hours"]),
        timedelta(hours=evidence["capacity_stale_hours"]),
    )
    values = series_parameters(test, reading, kinds=(place["kind"],), key_length=evidence["key_length"])
    figure: Decimal | None = connection.execute(_ASK[shape], {**values, **place}).scalar()
    again = None if figure is None else str(figure)
    limit = Limit(evidence["operator"], evidence["limit"])
    passed = None if figure is None else limit.is_passed(figure, engaged=False)
    return Replayed(reading.at, evidence["figure"], again, passed, again == evidence["figure"])
