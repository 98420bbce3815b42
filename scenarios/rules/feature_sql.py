"""The shapes over features as SQL: one statement gives one figure per place, all places at once.

Tables and columns come from validated definitions and are quoted by SQLAlchemy; every value is bound. Figures are
``numeric`` with nine decimals, so that the meaning in plain Python (:mod:`scenarios.rules.feature_figures`) gets the
same digits. Columns are those that ``sql/standing.sql`` reads.
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Numeric,
    cast,
    func,
    null,
)

from scenarios.definition import RuleScope
from scenarios.outcomes import PlaceKind
from scenarios.rules.feature_near import clusters, counted_around, related_rows
from scenarios.rules.feature_rows import (
    ONE,
    Frame,
    PlaceColumns,
    Read,
    Sql,
    feature_keys,
    feature_place,
    figure_row,
    holds,
    identity,
    matching,
)
from scenarios.rules.feature_shape import (
    Category,
    Counted,
    Deadline,
    FeatureTest,
    NewEvent,
    Spatial,
)
from scenarios.rules.feature_times import begun, hours_of, moment_of, unfinished, worked_days_of
from spatial.sql import Rows


def figures_select(test: FeatureTest, frame: Frame) -> Rows:
    """The figures of a test: one row for each place that has one."""
    match test:
        case Deadline():
            return _deadline(test, frame)
        case Category():
            return _category(test, frame)
        case NewEvent():
            return _new_event(test, frame)
        case Spatial():
            return related_rows(test, frame)


def _deadline(test: Deadline, frame: Frame) -> Rows:
    read = frame.layers[test.layer]
    moment = moment_of(read, test.due or test.since or "", ends=test.due is not None)
    figure = hours_of(test, moment) if test.counted is Counted.HOURS else worked_days_of(test, moment)
    kept = [moment.is_not(None), *unfinished(test, read), *matching(read, test.where)]
    told = "due_at" if test.due else "since_at"
    return figure_row(feature_place(read, frame), figure, moment, {told: moment, **identity(read)}).where(*kept)


def _category(test: Category, frame: Frame) -> Rows:
    read = frame.layers[test.layer]
    kept = [holds(read, test.field, test.values), *matching(read, test.where)]
    if frame.scope is RuleScope.ITEM:
        detail = {"value": func.to_jsonb(read.rows.c[test.field]), **identity(read)}
        return figure_row(feature_place(read, frame), ONE, null(), detail).where(*kept)
    return _counted(read, frame, test, kept)


def _counted(read: Read, frame: Frame, test: Category | NewEvent, kept: list[ColumnElement[bool]]) -> Rows:
    if frame.scope in (RuleScope.NODE, RuleScope.ZONE):
        return counted_around(read, frame, test, kept)
    code: Sql = read.rows.c.unit_code if frame.scope is RuleScope.COMMUNE else read.rows.c.province_code
    place = PlaceColumns(PlaceKind.UNIT, "", code, code, null(), null())
    count = cast(func.count(), Numeric)
    return figure_row(place, count, null(), feature_keys(read, frame), samples=func.count()).where(*kept).group_by(code)


def _new_event(test: NewEvent, frame: Frame) -> Rows:
    read = frame.layers[test.layer]
    moment, kept = begun(test, read)
    if frame.scope is not RuleScope.ITEM:
        return _counted(read, frame, test, kept)
    if test.metres is not None:
        return clusters(test, read, frame)
    detail = {"began_at": moment, **identity(read)}
    return figure_row(feature_place(read, frame), ONE, moment, detail).where(*kept)
