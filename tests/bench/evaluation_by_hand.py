"""The figures of the built-in rules as somebody would write them by hand, one statement for each."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

from layers.definition import Definition, FieldType
from layers.definition_reader import load_builtin as load_layers
from scenarios.definition import RuleScope
from scenarios.evaluation.feature_judging import JudgedFeatures
from scenarios.evaluation.judging import Judged
from scenarios.rules.feature_shape import Category, Deadline, NewEvent
from scenarios.rules.shape import Difference, shape_of

_ANY: Final = datetime(2026, 1, 1, tzinfo=UTC)
_NOW = (
    "WITH now AS (SELECT s.id, p.kind, p.layer, p.key, p.unit_code, o.at, o.value FROM observing.series AS s"
    " JOIN observing.places AS p ON p.id = s.place_id CROSS JOIN LATERAL (SELECT at, value FROM observing.observations"
    " WHERE series_id = s.id AND at <= :at AND at > CAST(:at AS timestamptz) - CAST(:stale AS interval)"
    " AND superseded_at IS NULL ORDER BY at DESC LIMIT 1) AS o"
    " WHERE s.indicator = :indicator AND p.kind = :kind"
    " AND (CAST(:length AS integer) IS NULL OR length(p.key) = :length)) "
)
_BEFORE = (
    " JOIN LATERAL (SELECT value AS other FROM observing.observations WHERE series_id = now.id AND at < now.at"
    " AND at > now.at - CAST(:stale AS interval) AND superseded_at IS NULL ORDER BY at DESC LIMIT 1) AS b ON true"
)
_COMPARED = {
    Difference.GAP: "value - other",
    Difference.PERCENT: "100 * (value - other) / nullif(abs(other), 0)",
    Difference.SHARE: "100 * value / nullif(other, 0)",
}
_SHAPES = {
    "constant": "SELECT key, value FROM now",
    "plan": "SELECT key, {compared} FROM now JOIN LATERAL (SELECT value AS other FROM observing.targets"
    " WHERE series_id = now.id AND period_start = now.at AND superseded_at IS NULL) AS t ON true",
    "same_period": "SELECT key, {compared} FROM now JOIN LATERAL (SELECT value AS other FROM observing.observations"
    " WHERE series_id = now.id AND at = now.at - interval '1 year' AND superseded_at IS NULL) AS t ON true",
    "peers": "SELECT key, value - avg(value) OVER () FROM now",
    "rolling": "SELECT key, {compared} FROM now JOIN LATERAL (SELECT avg(value) AS other FROM observing.observations"
    " WHERE series_id = now.id AND at < now.at AND at >= now.at - CAST(:span AS interval)"
    " AND superseded_at IS NULL) AS w ON true",
    "change": "SELECT key, {compared} FROM now" + _BEFORE,
    "rank_drop": "SELECT key, rank() OVER (ORDER BY value DESC) - rank() OVER (ORDER BY other DESC) FROM now" + _BEFORE,
    "load": "SELECT key, 100 * value / nullif(other, 0) FROM now JOIN observing.places AS p USING (kind, layer, key)"
    " JOIN observing.series AS c ON c.place_id = p.id AND c.indicator = :capacity"
    " JOIN LATERAL (SELECT value AS other FROM observing.observations WHERE series_id = c.id AND at <= :at"
    " AND at > CAST(:at AS timestamptz) - CAST(:stale AS interval) AND superseded_at IS NULL"
    " ORDER BY at DESC LIMIT 1) AS l ON true",
}


def by_hand(judged: Judged | JudgedFeatures) -> tuple[str, dict[str, object]]:
    """One statement with its values; ``at`` is still to be given."""
    return _features(judged) if isinstance(judged, JudgedFeatures) else _series(judged)


def _series(judged: Judged) -> tuple[str, dict[str, object]]:
    test, shape = asdict(judged.test), shape_of(judged.test)
    compared = _COMPARED.get(test.get("difference", Difference.GAP), "")
    reading = judged.reading(_ANY, _ANY)
    values = {
        "indicator": test["indicator"], "capacity": test.get("capacity"), "kind": judged.kinds[0],
        "length": judged.key_length, "stale": reading.stale, "span": timedelta(days=test.get("window_days", 1)),
    }  # fmt: skip
    return _NOW + _SHAPES[shape].replace("{compared}", compared), values


def _features(judged: JudgedFeatures) -> tuple[str, dict[str, object]]:
    definition = load_layers()[judged.test.layer]
    source = f"SELECT {definition.key[0]}, {{figure}} FROM features.{definition.table} WHERE {{kept}}"
    match judged.test:
        case Deadline():
            figure, kept, values = _time_left(judged.test, definition)
            kept += f" AND {figure} {judged.limit.operator} {judged.limit.number}"
            return source.format(figure=figure, kept=kept), values
        case Category(field=field, values=(value,)) if judged.rule.scope is RuleScope.ITEM:
            return source.format(figure="1", kept=f"{field} = :value"), {"value": value}
        case Category(field=field, values=(value,)):
            counted = f"SELECT unit_code, count(*) FROM features.{definition.table} WHERE {field} = :value GROUP BY 1"
            return counted, {"value": value}
        case NewEvent(at=begun) as test:
            kept = f"{begun} <= :at AND {_unfinished(test)}"
            return source.format(figure="1", kept=kept), {"states": list(test.finished_states)}
    raise TypeError("no built-in rule has this shape")


def _time_left(test: Deadline, definition: Definition) -> tuple[str, str, dict[str, object]]:
    name = test.due or test.since or ""
    is_date = definition.field(name).type is FieldType.DATE
    moment = f"CAST({name} + 1 AS timestamp) AT TIME ZONE 'Asia/Ho_Chi_Minh'" if is_date else name
    span = f"{moment} - :at" if test.due else f":at - {moment}"
    return f"extract(epoch FROM {span}) / 3600", _unfinished(test), {"states": list(test.finished_states)}


def _unfinished(test: Deadline | NewEvent) -> str:
    return f"{test.finished} IS NULL AND ({test.state} IS NULL OR {test.state} <> ALL (:states))"
