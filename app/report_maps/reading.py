"""Reads what lies in a report: units under the features, and the answer to a question."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import anyio.to_thread

from layers.access import Gate, Scope
from layers.ask import ask
from layers.catalogue import Catalogue
from layers.changes import read_changes_of
from layers.reader import Statements
from spatial.crs import CRS84
from spatial.question_model import FeaturesPage, Figures, Format, Level, Op, Question, Value
from web.report_maps.outlines import (
    named_extent_statement,
    named_units_statement,
    read_units,
    unit_names_statement,
    units_statement,
    units_values,
    widened,
)
from web.report_maps.question_report import question_report, read_features
from web.report_maps.report import MAX_SHAPES, About, Extent, Outline, Report
from web.report_maps.revision_report import revision_report
from web.report_maps.shapes import lighten

COMMUNES: Final = "communes"
PROVINCES: Final = "provinces"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader reads with.

    Attributes:
        gate: The one gate for reading.
        catalogue: The layers as they are now.
        scope: What the reader may see.
        least_group: Groups of fewer features are kept back in figures of restricted layers.
    """

    gate: Gate
    catalogue: Catalogue
    statements: Statements
    scope: Scope
    least_group: int


async def read_outlines(reading: Reading, extent: Extent) -> tuple[Outline, ...]:
    """The communes that meet the extent, simplified; none where the reader has no such layer."""
    layer = reading.catalogue.find(COMMUNES, reading.scope)
    if layer is None:
        return ()
    statement = reading.statements.get(layer, "report units", units_statement)
    async with reading.gate.read(layer.reader(reading.scope)) as connection:
        rows = await connection.fetch(statement.text, *statement.args(units_values(extent)))
    return await anyio.to_thread.run_sync(read_units, rows)


async def read_named_outlines(
    reading: Reading, slug: str, codes: Collection[str]
) -> tuple[tuple[Outline, ...], Extent | None]:
    """The units of a layer with these codes, simplified to the map that shows them all, and what they cover."""
    layer = reading.catalogue.find(slug, reading.scope)
    if layer is None or not codes:
        return (), None
    measured = reading.statements.get(layer, "report extent", named_extent_statement)
    drawn = reading.statements.get(layer, "report named units", named_units_statement)
    values = {"codes": sorted(codes)}
    async with reading.gate.read(layer.reader(reading.scope)) as connection:
        edges = await connection.fetchrow(measured.text, *measured.args(values))
        if edges is None or edges["west"] is None:
            return (), None
        extent: Extent = (edges["west"], edges["south"], edges["east"], edges["north"])
        rows = await connection.fetch(drawn.text, *drawn.args(units_values(widened(extent)) | values))
    return await anyio.to_thread.run_sync(read_units, rows), extent


async def unit_name(reading: Reading, code: str) -> str | None:
    """Name of a commune or province in force; None where the reader knows of none with this code."""
    layer = reading.catalogue.find(PROVINCES if len(code) == 2 else COMMUNES, reading.scope)
    if layer is None:
        return None
    statement = reading.statements.get(layer, "unit names", unit_names_statement)
    async with reading.gate.read(layer.reader(reading.scope)) as connection:
        name = await connection.fetchval(statement.text, *statement.args({"codes": [code]}))
    return str(name) if name is not None else None


async def read_question(reading: Reading, question: Question, about: About) -> Report:
    """Asks the question anew, as a map needs it: features with shapes, and figures by commune if none were asked.

    Raises:
        LayerNotFound: A layer does not exist for this reader.
        SpatialError: The question does not fit the layer.
    """
    answer = await ask(
        reading.gate,
        reading.catalogue,
        reading.scope,
        for_map(question),
        reading.statements,
        least_group=reading.least_group,
    )
    body = answer.page.body if answer.page is not None and answer.page.body is not None else b""
    drawn = await anyio.to_thread.run_sync(read_features, body)
    extent = widened(drawn.light.extent) if drawn.light.extent is not None else None
    outlines = await read_outlines(reading, extent) if extent is not None else ()
    slugs = {answer.layer.slug, *(source.slug for source in answer.sources)}
    layers = {slug: reading.catalogue.get(slug, reading.scope) for slug in slugs}
    return await anyio.to_thread.run_sync(question_report, answer, layers, drawn, outlines, extent, about)


async def read_revision(reading: Reading, slug: str, revision: int, about: About) -> Report:
    """What a revision changed, as the reader may see it.

    Raises:
        LayerNotFound: There is no such layer for this reader.
        RevisionNotFound: The layer never had this revision.
    """
    layer = reading.catalogue.get(slug, reading.scope)
    async with reading.gate.read(layer.reader(reading.scope)) as connection:
        changes = await read_changes_of(connection, layer, revision, reading.statements, limit=MAX_SHAPES)
    geometries = [feature.geometry for feature in changes.features]
    light = await anyio.to_thread.run_sync(lighten, geometries)
    extent = widened(light.extent) if light.extent is not None else None
    outlines = await read_outlines(reading, extent) if extent is not None else ()
    return await anyio.to_thread.run_sync(revision_report, layer, changes, light, outlines, extent, about)


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
