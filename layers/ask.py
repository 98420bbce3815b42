"""Asks a layer a spatial question: names its layers, compiles the statements, runs them, makes the answer."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from layers.access import Gate, Scope
from layers.answer import Answer, LayerState, Page, Table
from layers.catalogue import Catalogue, Layer
from layers.question_figures import figure_table
from layers.question_layers import AskedLayers, check_layers, find_layers, statement_of
from layers.question_notes import notes_of
from layers.question_pages import page_statement, page_values, read_page
from layers.question_route import route_line
from layers.question_units import AskedUnits, asked_units, resolve_boundary
from layers.reader import Statements, current_target
from layers.small_counts import LEAST, least_told
from spatial.answers import count_of, figures_of
from spatial.condition_values import condition_values
from spatial.figures import check_figures
from spatial.question_model import BoundaryCondition, Condition, Figures, Question, RouteCondition, Source
from spatial.sql import Statement

if TYPE_CHECKING:
    from asyncpg import Connection, Record

# Figures and page are two statements; where a revision is published between them they are asked again.
MAX_TRIES = 5


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question made ready: its statements and the values bound to them.

    Attributes:
        units: The units that its figures lie in.
        figures: Statement of the grouped figures, if any are asked.
        page: Statement of the page of features, or of their number where neither page nor figures are asked.
        values: Parameters of both.
    """

    question: Question
    asked: AskedLayers
    units: AskedUnits
    figures: Statement | None
    page: Statement | None
    values: Mapping[str, object]


async def ask(
    gate: Gate,
    catalogue: Catalogue,
    scope: Scope,
    question: Question,
    statements: Statements,
    *,
    least_group: int = LEAST,
) -> Answer:
    """Answers a question within the reader's scope; all statements run on one connection of the gate.

    Args:
        gate: Lends the connection.
        catalogue: The layers.
        scope: The reader's.
        question: What is asked.
        statements: Where compiled statements are kept.
        least_group: Groups of fewer features are kept back in figures of restricted layers.

    Raises:
        LayerNotFound: a layer does not exist for this reader.
        RevisionNotFound: the layer never had this revision, or none at this instant.
        SpatialError: the question does not fit the layer; ``parameter`` is the path in its document.
    """
    check_layers(catalogue, scope, question)
    async with gate.read(scope) as connection:
        prepared = await prepare(connection, catalogue, scope, question, statements, least_group=least_group)
        found = await _fetch(connection, prepared)
        for _ in range(MAX_TRIES):
            if found.agreed:
                break
            found = await _fetch(connection, prepared)
        return _answer(prepared, found)


async def prepare(
    connection: Connection[Record],
    catalogue: Catalogue,
    scope: Scope,
    question: Question,
    statements: Statements,
    *,
    least_group: int = LEAST,
) -> Prepared:
    """Compiles a question's statements and looks up what their values depend on: units, routes, revisions."""
    asked = await find_layers(connection, catalogue, scope, question)
    asked = dataclasses.replace(asked, least_told=least_told(scope, asked.layer.definition, least_group))
    check_figures(current_target(asked.layer.definition), question)
    figures = _figures_statement(statements, asked, question, question.figures) if question.figures else None
    page = None
    if question.features is not None or figures is None:
        page = _page_statement(statements, asked, question)
    units = {
        item.path: await resolve_boundary(connection, item)
        for item in question.where
        if isinstance(item, BoundaryCondition)
    }
    inside = asked_units(question, units)
    values: dict[str, object] = {"layers": asked.slugs, **inside.values, **page_values(question)}
    for index, condition in enumerate(await _with_route(connection, asked, question)):
        values |= condition_values(condition, f"w{index}_", units)
    if asked.pinned is not None:
        values["revision"] = asked.pinned.revision
    return Prepared(question, asked, inside, figures, page, values)


def _figures_statement(statements: Statements, asked: AskedLayers, question: Question, figures: Figures) -> Statement:
    values = tuple((value.op, value.field, value.of) for value in figures.values)
    return statement_of(
        statements,
        asked,
        question,
        ("figures", figures.by, figures.level, values),
        lambda target: figures_of(target, question, figures, asked.rows),
    )


def _page_statement(statements: Statements, asked: AskedLayers, question: Question) -> Statement:
    if question.features is None:
        return statement_of(statements, asked, question, "count", lambda target: count_of(target, question, asked.rows))
    return page_statement(statements, asked, question, question.features)


async def _with_route(connection: Connection[Record], asked: AskedLayers, question: Question) -> list[Condition]:
    """Returns the conditions, the line of a route found where a layer gives it."""
    found: list[Condition] = []
    for condition in question.where:
        if isinstance(condition, RouteCondition) and isinstance(condition.line, Source):
            line = await route_line(connection, asked.sources[condition.line.path])
            found.append(dataclasses.replace(condition, line=line))
        else:
            found.append(condition)
    return found


@dataclass(frozen=True, slots=True)
class _Found:
    """What the statements gave: the total, the state of every layer as JSON text, and the parts of the answer."""

    total: int
    state: str | None
    figures: Table | None
    page: Page | None
    agreed: bool


async def _fetch(connection: Connection[Record], prepared: Prepared) -> _Found:
    figures = page = None
    total, states = 0, []
    if prepared.figures is not None and prepared.question.figures is not None:
        records = await connection.fetch(prepared.figures.text, *prepared.figures.args(prepared.values))
        figures = await figure_table(connection, prepared.asked, prepared.question.figures, prepared.units, records)
        total = sum(record["matched"] for record in records)
        states += [records[0]["state"]] if records else []
    if prepared.page is not None:
        records = await connection.fetch(prepared.page.text, *prepared.page.args(prepared.values))
        total = records[0]["matched"]
        states.append(records[0]["state"])
        if prepared.question.features is not None:
            page = read_page(prepared.asked, prepared.question, prepared.question.features, records)
    agreed = all(state == states[0] for state in states)
    return _Found(total, states[0] if states else None, figures, page, agreed)


def _answer(prepared: Prepared, found: _Found) -> Answer:
    state: Mapping[str, tuple[int, str | None]] = json.loads(found.state) if found.state else {}
    asked = prepared.asked
    pinned = {asked.layer.slug: asked.pinned}
    pinned |= {source.layer.slug: source.pinned for source in asked.sources.values()}

    def state_of(layer: Layer) -> LayerState:
        past = pinned.get(layer.slug)
        if past is not None:
            return LayerState(layer.slug, layer.definition.title, past.revision, past.data_date, layer.synthetic)
        revision, dated = state.get(layer.slug, (layer.revision, None))
        known = layer.newest_data_at if layer.slug not in state else None
        day = date.fromisoformat(dated) if dated else known
        return LayerState(layer.slug, layer.definition.title, revision, day, layer.synthetic)

    columns = (*(found.figures.columns if found.figures else ()), *(found.page.columns if found.page else ()))
    others = {source.layer.slug: source.layer for source in asked.sources.values()}
    return Answer(
        question=prepared.question,
        crs=prepared.question.crs,
        layer=state_of(asked.layer),
        sources=tuple(state_of(layer) for slug, layer in sorted(others.items()) if slug != asked.layer.slug),
        total_matched=found.total,
        figures=found.figures,
        page=found.page,
        units={column.name: column.unit for column in columns if column.unit},
        notes=notes_of(prepared.question, asked),
    )
