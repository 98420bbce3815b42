"""An alert told again from its frozen evidence: the same rule over what was known then gives the same figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, TextClause, text

from layers.access import Scope
from layers.tables import rows_at_revision
from scenarios.alerts.reading import FrozenEvidence, read_alert
from scenarios.definition import RuleScope
from scenarios.evaluation.layers_read import read_layers
from scenarios.rules.feature_rows import Frame, Read, as_text, passing
from scenarios.rules.feature_shape import FEATURE_TESTS, feature_from
from scenarios.rules.feature_sql import figures_select
from scenarios.rules.figures import Reading
from scenarios.rules.series import SERIES_SQL
from scenarios.rules.shape import SERIES_TESTS
from scenarios.rules.standing import Limit
from scenarios.rules.statements import series_parameters
from scenarios.work.calendar import local_day

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

    Features are read as they stood at the revisions of the evidence. Evidence of anything but a rule is left out.

    Raises:
        AlertNotFound: There is none, or none that the reader may see.
    """
    whole = read_alert(connection, scope, alert_id)
    alert = whole.alert
    place = {"kind": alert.place_kind.value, "place_layer": alert.place_layer, "place_key": alert.place_key}
    return [
        _replay(connection, place, frozen) if shape in SERIES_TESTS else _replay_features(connection, place, frozen)
        for frozen in whole.evidence
        if (shape := frozen.evidence.get("shape")) in SERIES_TESTS or shape in FEATURE_TESTS
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
    return _replayed(evidence, reading.at, figure)


def _replay_features(connection: Connection, place: Mapping[str, str], frozen: FrozenEvidence) -> Replayed:
    evidence: Mapping[str, Any] = frozen.evidence
    revisions: Mapping[str, int] = evidence["layers"] or {}
    states = read_layers(connection, revisions)
    layers = {
        slug: Read(state.definition, rows_at_revision(state.definition, revisions[slug]).subquery(f"rows_{number}"))
        for number, (slug, state) in enumerate(states.items())
    }
    operator = evidence["operator"] or ">"
    test = feature_from(evidence["shape"], evidence["test"])
    frame = Frame(RuleScope(evidence["scope"]), layers, evidence["several_provinces"], operator)
    figures, bound = as_text(passing(figures_select(test, frame), operator))
    at = datetime.fromisoformat(evidence["at"])
    values = {**bound, "at": at, "lax": Decimal(evidence["lax"]), **_calendar(evidence, at), **place}
    asked = text(
        f"WITH figures AS ({figures})"  # noqa: S608 - names of validated definitions, values are bound
        " SELECT figure FROM figures WHERE (kind, layer, key) = (:kind, :place_layer, :place_key)"
    )
    return _replayed(evidence, at, connection.execute(asked, values).scalar())


def _calendar(evidence: Mapping[str, Any], at: datetime) -> dict[str, object]:
    if "calendar" not in evidence:
        return {}
    calendar = evidence["calendar"]
    first = date.fromisoformat(calendar["first_day"])
    return {"today": local_day(at), "first_day": first, "worked_counts": calendar["worked_counts"]}


def _replayed(evidence: Mapping[str, Any], at: datetime, figure: Decimal | None) -> Replayed:
    again = None if figure is None else str(figure)
    limit = Limit(evidence["operator"], evidence["limit"])
    passed = None if figure is None else limit.is_passed(figure, engaged=False)
    return Replayed(at, evidence["figure"], again, passed, again == evidence["figure"])
