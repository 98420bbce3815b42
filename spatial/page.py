"""One page of a layer's features: which rows, in which order, and the figures that go with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    null,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from spatial.crs import CRS
from spatial.sorting import SortKey, after_position, order_by, position_text
from spatial.sql import Rows
from spatial.target import Property, Target

MAX_COUNT = 10_000
PAGE_SIZE = bindparam("page", type_=Integer)
_LAYERS = table("layers", column("slug", Text), column("revision", BigInteger), schema="catalogue")
_COMMA = literal_column("','", Text)


@dataclass(frozen=True, slots=True)
class View:
    """How features are shown.

    Attributes:
        crs: Served CRS of the geometries.
        properties: Names to show; all when None.
        counted: Whether the conditions' matches are counted.
        sort: Keys of the order; by fid alone where there are none.
        resumed: Whether the page begins after a place that the parameters of :mod:`spatial.sorting` name.
    """

    crs: CRS
    properties: tuple[str, ...] | None = None
    counted: bool = False
    sort: tuple[SortKey, ...] = ()
    resumed: bool = True

    def shown(self, target: Target) -> tuple[Property, ...]:
        """The properties that are shown, in the order of the definition."""
        return tuple(item for item in target.properties if self.properties is None or item.name in self.properties)


def page_rows(target: Target, conditions: Sequence[ColumnElement[bool]], view: View) -> Rows:
    """The rows of a page and one more, each with its number ``row_no`` from 1."""
    rows = select(target.rows).where(*conditions).order_by(*order_by(target.rows, view.sort))
    if view.resumed or not view.sort:
        rows = rows.where(after_position(target.rows, view.sort))
    found = rows.offset(bindparam("skip", type_=Integer)).limit(PAGE_SIZE + 1).subquery("found")
    return select(found, func.row_number().over().label("row_no"))


def page_figures(
    target: Target, numbered: FromClause, conditions: Sequence[ColumnElement[bool]], view: View
) -> list[ColumnElement[Any]]:
    """The columns that every page has beside its body, as :func:`text_page` names them."""
    within = numbered.c.row_no <= PAGE_SIZE
    matched: ColumnElement[Any] = null().cast(BigInteger)
    if view.counted:
        bounded: Rows = select(literal_column("1")).select_from(target.rows).where(*conditions).limit(MAX_COUNT + 1)
        matched = select(func.count()).select_from(bounded.subquery("bounded")).scalar_subquery()
    figures: list[ColumnElement[Any]] = [
        func.count().filter(within).label("returned"),
        func.max(numbered.c.fid).filter(within).label("last_fid"),
        (func.count() > PAGE_SIZE).label("more"),
        revision_of(target.slug).label("revision"),
        matched.label("matched"),
    ]
    if view.sort:
        ordered = aggregate_order_by(position_text(numbered, view.sort), numbered.c.row_no.desc())
        places = func.array_agg(ordered, type_=ARRAY(Text)).filter(within)
        first = func.trim_array(places, func.cardinality(places) - 1)
        figures.append(func.array_to_string(first, literal_column("''")).label("last_place"))
    return figures


def text_page(
    target: Target,
    conditions: Sequence[ColumnElement[bool]],
    view: View,
    text_of: Callable[[FromClause], ColumnElement[str]],
    *,
    separator: ColumnElement[str] = _COMMA,
) -> Rows:
    """One page as the joined texts of its features.

    Parameters of the statement: ``after`` (fid of the last feature of the page before), ``skip`` (offset),
    ``page`` (size), those of the conditions, and ``sort0`` ... where a sorted page is resumed.
    Columns: ``body`` (UTF-8 bytes), ``returned``, ``last_fid``, ``more`` (whether features follow), ``revision``
    and ``matched``: how many features the conditions hold for, counted up to one more than :data:`MAX_COUNT`,
    or NULL where they are not counted. A sorted page has ``last_place`` too: JSON of the sort values and fid of
    its last feature, from which the next page begins.
    """
    numbered = page_rows(target, conditions, view).subquery("numbered")
    body = func.string_agg(text_of(numbered), separator).filter(numbered.c.row_no <= PAGE_SIZE)
    return select(
        func.convert_to(func.coalesce(body, literal_column("''")), "UTF8").cast(LargeBinary).label("body"),
        *page_figures(target, numbered, conditions, view),
    )


def revision_of(slug: str) -> ColumnElement[int]:
    """The layer's current revision, read in the same snapshot as the rest of the statement."""
    return select(_LAYERS.c.revision).where(_LAYERS.c.slug == slug).scalar_subquery()
