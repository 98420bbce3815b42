"""One rule over features judged at all its places at once: figures, what stands after them, outcomes for alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, text

from layers.definition import Definition
from layers.tables import feature_table
from scenarios.definition import Rule, RuleScope, Scenario
from scenarios.evaluation.judging import limit_of
from scenarios.evaluation.layers_read import LayerState
from scenarios.outcomes import Outcome, Place, PlaceKind, Standing
from scenarios.rules.errors import UnusableTest
from scenarios.rules.feature_checks import check_scope, check_test
from scenarios.rules.feature_figures import worked_counts
from scenarios.rules.feature_rows import Frame, Read, as_text, passing
from scenarios.rules.feature_shape import Counted, Deadline, FeatureTest, feature_document, feature_shape
from scenarios.rules.feature_shape import layers_of as layers_of_test
from scenarios.rules.feature_sql import figures_select
from scenarios.rules.numbers import exact
from scenarios.rules.series import read_text
from scenarios.rules.speech import Speech
from scenarios.rules.standing import Limit, is_quiet
from scenarios.work.calendar import WorkCalendar, local_day

_SEVERAL: Final = text("SELECT count(*) > 1 FROM features.provinces")
# The revisions come out of the same statement as the figures, so that no publication can slip in between.
_STANDING: Final = read_text("standing").replace(
    "SELECT * FROM next",
    "SELECT next.*, (SELECT jsonb_object_agg(layer.slug, layer.revision) FROM catalogue.layers AS layer"
    " WHERE layer.slug = ANY (CAST(:slugs AS text[]))) AS revisions FROM next",
)
# A place without a row figures no longer; without the layer or the field there is no telling.
_NOTHING: Final = (
    "SELECT CAST(NULL AS text) AS kind, CAST(NULL AS text) AS layer, CAST(NULL AS text) AS key,"
    " CAST(NULL AS text) AS unit_code, CAST(NULL AS double precision) AS lon, CAST(NULL AS double precision) AS lat,"
    " CAST(NULL AS bigint) AS series_id, CAST(NULL AS timestamptz) AS observed_at, CAST(NULL AS integer) AS version,"
    " CAST(NULL AS numeric) AS value, CAST(NULL AS numeric) AS other, CAST(NULL AS timestamptz) AS other_at,"
    " CAST(NULL AS integer) AS other_version, CAST(NULL AS bigint) AS samples, CAST(NULL AS jsonb) AS detail,"
    " CAST(NULL AS numeric) AS figure WHERE false"
)
# What has cleared and may be told anew needs no remembering; rules over features would keep every item that ever was.
_FORGET: Final = text(
    "DELETE FROM judging.standings WHERE (scenario, rule) = (:scenario, :rule) AND standing = 'clear'"
    " AND condition_since_at IS NULL AND since_at < :at"
    " AND (told_at IS NULL OR CAST(:at AS timestamptz) - told_at >= :rate_limit)"
)


@dataclass(frozen=True, slots=True)
class JudgedFeatures:
    """A rule over features that can be evaluated.

    Attributes:
        version: Of the scenario's revision that the rule is taken from.
    """

    scenario: str
    rule: Rule
    test: FeatureTest
    limit: Limit
    speech: Speech
    version: int = 1


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule that cannot be evaluated as the layers are defined now, and why."""

    rule: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What an evaluation of rules over features is made with.

    Attributes:
        layers: The layers that the rules name, as they are.
        retells: Whether places where nothing has changed are told of again, because the rule may be another.
    """

    at: datetime
    calendar: WorkCalendar
    layers: Mapping[str, LayerState]
    several_provinces: bool = False
    retells: bool = True


def feature_rules(scenario: Scenario) -> list[JudgedFeatures]:
    """The rules of a scenario that look at features and have something that figures are held against."""
    return [
        JudgedFeatures(scenario.code, rule, rule.test, limit, rule.speech, scenario.version)
        for rule in scenario.rules
        if isinstance(rule.test, FeatureTest) and (limit := limit_of(rule)) is not None
    ]


def feature_layers(rules: Iterable[JudgedFeatures]) -> set[str]:
    """Slugs of the layers that rules read."""
    return {slug for judged in rules for slug in layers_of_test(judged.test)}


def has_several_provinces(connection: Connection) -> bool:
    """Whether features of several provinces are kept here, so that a key alone may not tell them apart."""
    return bool(connection.execute(_SEVERAL).scalar_one())


def judge_features(
    connection: Connection, judged: JudgedFeatures, moment: Moment
) -> tuple[list[Outcome], list[Refused]]:
    """Judges a rule at every place, and keeps what it has to remember of each.

    Args:
        connection: The writer's, in the transaction of the evaluation.
        judged: The rule.
        moment: When, and over which layers.

    Returns:
        What alerts have to be told; and why the rule cannot be evaluated, if it cannot: its alerts then have no signal.
    """
    refused: list[Refused] = []
    try:
        definitions = {slug: state.definition for slug, state in moment.layers.items()}
        check_test(judged.test, definitions)
        check_scope(judged.test, judged.rule.scope, definitions)
        figures, bound = figures_text(judged, moment)
    except UnusableTest as error:
        refused.append(Refused(judged.rule.register, error.vi, error.en))
        figures, bound = _NOTHING, {}
    values = {**bound, **_standing_values(judged, moment.at), "absent_is_clear": not refused}
    statement = text(f"WITH figures AS ({figures})\n{_STANDING}")
    rows = connection.execute(statement, values).mappings().all()
    told = [row for row in rows if _is_told(judged, moment, row)]
    forget = {"scenario": judged.scenario, "rule": judged.rule.register, "at": moment.at}
    connection.execute(_FORGET, {**forget, "rate_limit": values["rate_limit"]})
    return [_outcome(judged, moment, row) for row in told], refused


def figures_text(judged: JudgedFeatures, moment: Moment) -> tuple[str, dict[str, object]]:
    """The SQL of a rule's figures over the layers as they are, and its values."""
    named = layers_of_test(judged.test)
    definitions = tuple(moment.layers[slug].definition for slug in named)
    operator = judged.limit.operator or ">"
    figures, bound = _written(judged.test, judged.rule.scope, operator, definitions, moment.several_provinces)
    return figures, {**bound, **test_values(judged.test, moment.at, moment.calendar), "lax": _lax(judged.limit)}


@lru_cache(maxsize=256)
def _written(
    test: FeatureTest, scope: RuleScope, operator: str, definitions: tuple[Definition, ...], several_provinces: bool
) -> tuple[str, dict[str, object]]:
    layers = {definition.slug: Read(definition, feature_table(definition)) for definition in definitions}
    return as_text(passing(figures_select(test, Frame(scope, layers, several_provinces, operator)), operator))


def test_values(test: FeatureTest, at: datetime, calendar: WorkCalendar) -> dict[str, object]:
    """The values that the SQL of a test asks for besides those of its definition."""
    values: dict[str, object] = {"at": at}
    if isinstance(test, Deadline) and test.counted is Counted.WORKED_DAYS:
        first, counts = worked_counts(at, calendar)
        values |= {"today": local_day(at), "first_day": first, "worked_counts": counts}
    return values


def _lax(limit: Limit) -> object:
    bounds = [exact(number) for number in (limit.number, limit.clear) if number is not None]
    return max(bounds) if (limit.operator or ">").startswith("<") else min(bounds)


def _standing_values(judged: JudgedFeatures, at: datetime) -> dict[str, object]:
    return {
        "scenario": judged.scenario,
        "rule": judged.rule.register,
        "slugs": list(layers_of_test(judged.test)),
        "at": at,
        "operator": judged.limit.operator,
        "limit": judged.limit.number,
        "clear": judged.limit.clear,
        "min_duration": timedelta(hours=judged.speech.min_duration_h),
        "rate_limit": timedelta(hours=judged.speech.rate_limit_h),
        "is_quiet": is_quiet(judged.speech.quiet, at),
    }


def _is_told(judged: JudgedFeatures, moment: Moment, row: Any) -> bool:
    """Time alone moves the figure of a deadline; an alert is not written anew for that."""
    is_same = row["standing"] == row["old_standing"] and row["was_engaged"]
    return moment.retells or not (is_same and isinstance(judged.test, Deadline))


def _outcome(judged: JudgedFeatures, moment: Moment, row: Any) -> Outcome:
    place = Place(PlaceKind(row["kind"]), row["key"], row["unit_code"], row["layer"] or None, row["lon"], row["lat"])
    return Outcome(
        judged.scenario,
        judged.rule.register,
        judged.version,
        place,
        Standing(row["standing"]),
        judged.speech.level,
        moment.at,
        row["since_at"],
        None if row["figure"] is None else float(row["figure"]),
        judged.limit.number,
        _evidence(judged, moment, row),
    )


def _evidence(judged: JudgedFeatures, moment: Moment, row: Any) -> dict[str, object]:
    """Frozen facts: the rule as it was, the layers with their revisions, and the features that it was told by."""
    return {
        "stated": judged.rule.threshold.stated,
        "unit": judged.rule.threshold.unit,
        "shape": feature_shape(judged.test),
        "test": feature_document(judged.test),
        "scope": judged.rule.scope.value,
        "operator": judged.limit.operator,
        "limit": judged.limit.number,
        "lax": str(_lax(judged.limit)),
        "layers": row["revisions"],
        "several_provinces": moment.several_provinces,
        "detail": row["detail"],
        "samples": row["samples"],
        "figure": None if row["figure"] is None else str(row["figure"]),
        "at": moment.at.isoformat(),
        **_calendar_evidence(judged.test, moment),
    }


def _calendar_evidence(test: FeatureTest, moment: Moment) -> dict[str, object]:
    if not (isinstance(test, Deadline) and test.counted is Counted.WORKED_DAYS):
        return {}
    first, counts = worked_counts(moment.at, moment.calendar)
    return {"calendar": {"first_day": first.isoformat(), "worked_counts": counts}}
