"""Reads what lies in a report: units under the features, and the answer to a question."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

import anyio.to_thread

from layers.access import Gate, Scope
from layers.ask import ask
from layers.catalogue import Catalogue
from layers.reader import Statements
from layers.units import UnitNotFound, find_units
from spatial.crs import CRS84
from spatial.question_model import FeaturesPage, Figures, Format, Level, Op, Question, Value
from web.report_maps.outlines import read_units, units_statement, units_values, widened
from web.report_maps.question_report import question_report, read_features
from web.report_maps.report import MAX_SHAPES, About, Extent, Outline, Report

UNITS: Final = "communes"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader reads with.

    Attributes:
        gate: The one gate for reading.
        catalogue: The layers as they are now.
        scope: What the reader may see.
    """

    gate: Gate
    catalogue: Catalogue
    statements: Statements
    scope: Scope


async def read_outlines(reading: Reading, extent: Extent) -> tuple[Outline, ...]:
    """The communes that meet the extent, simplified; none where the reader has no such layer."""
    layer = reading.catalogue.find(UNITS, reading.scope)
    if layer is None:
        return ()
    statement = reading.statements.get(layer, "report", units_statement)
    async with reading.gate.read(layer.reader(reading.scope)) as connection:
        rows = await connection.fetch(statement.text, *statement.args(units_values(extent)))
    return await anyio.to_thread.run_sync(read_units, rows)


async def unit_name(reading: Reading, code: str) -> str | None:
    """Name of an admin unit, as it is called now; None where the code is unknown."""
    async with reading.gate.read(reading.scope) as connection:
        try:
            return (await find_units(connection, code))[0].name
        except UnitNotFound:
            return None


async def read_question(reading: Reading, question: Question, about: About) -> Report:
    """Asks the question anew, as a map needs it: features with shapes, and figures by commune if none were asked.

    Raises:
        LayerNotFound: A layer does not exist for this reader.
        SpatialError: The question does not fit the layer.
    """
    answer = await ask(reading.gate, reading.catalogue, reading.scope, for_map(question), reading.statements)
    body = answer.page.body if answer.page is not None and answer.page.body is not None else b""
    drawn = await anyio.to_thread.run_sync(read_features, body)
    extent = widened(drawn.extent) if drawn.extent is not None else None
    outlines = await read_outlines(reading, extent) if extent is not None else ()
    slugs = {answer.layer.slug, *(source.slug for source in answer.sources)}
    layers = {slug: reading.catalogue.get(slug, reading.scope) for slug in slugs}
    return await anyio.to_thread.run_sync(question_report, answer, layers, drawn, outlines, extent, about)


def for_map(question: Question) -> Question:
    """The question with a first page of whole features in CRS84."""
    asked = question.features.properties if question.features is not None else None
    figures = question.figures or Figures((), Level.COMMUNE, (Value("figures", Op.COUNT, None, None),))
    return dataclasses.replace(
        question,
        features=FeaturesPage(MAX_SHAPES, None, asked, geometry=True),
        figures=figures,
        crs=CRS84,
        format=Format.GEOJSON,
    )
