"""The report on an answered question: its features on the map, its figures as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from layers.answer import Answer, Column, LayerState, Table
from layers.catalogue import Layer
from layers.definition import Definition
from web.environment import format_count
from web.report_maps.colours import legend_of
from web.report_maps.question_words import question_lines
from web.report_maps.report import About, Extent, Grid, Outline, Report, Shape
from web.report_maps.shapes import Light, lighten
from web.report_maps.wording import SIMPLIFIED, cut_warning, fact_of, source_line, synthetic_warning

_NOT_FACTS: Final = frozenset({"fid", "geometry"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """Features of an answer ready to be drawn: GeoJSON features, and their geometries in the same order."""

    features: tuple[dict[str, Any], ...]
    light: Light


def read_features(body: bytes) -> Drawn:
    """Reads the features of a GeoJSON answer."""
    features: list[dict[str, Any]] = orjson.loads(b"[" + body + b"]")
    return Drawn(tuple(features), lighten([feature["geometry"] for feature in features]))


def question_report(
    answer: Answer,
    layers: Mapping[str, Layer],
    drawn: Drawn,
    outlines: Sequence[Outline],
    extent: Extent | None,
    about: About,
) -> Report:
    """Puts an answer together as a report.

    Args:
        answer: With a page of GeoJSON features and, best, figures.
        layers: The layers that took part, as the reader sees them, by slug.
        drawn: The features of that page.
        outlines: Units that lie in the extent.
        extent: What the map shows.
        about: Maker, moment, language.
    """
    definition = layers[answer.layer.slug].definition
    columns = _fact_columns(answer)
    inside = [
        (feature, geometry)
        for feature, geometry in zip(drawn.features, drawn.light.geometries, strict=True)
        if geometry is not None
    ]
    style = definition.style
    by = style.by if style is not None else None
    values = [feature["properties"].get(by) for feature, _ in inside]
    legend = legend_of(style, values, about.pick(definition.title), about)
    shapes = tuple(
        Shape(
            _title(definition, feature, about),
            legend.of_shape[place],
            tuple(fact_of(definition, c.name, feature["properties"].get(c.name), about) for c in columns),
            geometry,
        )
        for place, (feature, geometry) in enumerate(inside)
    )
    names = {outline.code: outline.name for outline in outlines}
    titles = {slug: layer.definition.title for slug, layer in layers.items()}
    return Report(
        about=about,
        title=about.title or about.pick(definition.title),
        lines=tuple(_lines(answer, question_lines(answer.question, titles, names, about), about)),
        legend=legend.kinds,
        fact_titles=tuple(_head(column, about) for column in columns),
        shapes=shapes,
        outlines=tuple(outlines),
        extent=extent,
        grids=(_grid(definition, answer.figures, about),) if answer.figures is not None else (),
        sources=tuple(_source(state, layers[state.slug], about) for state in (answer.layer, *answer.sources)),
        notes=tuple(_notes(answer, drawn, about)),
        warnings=tuple(_warnings(answer, len(shapes), about)),
    )


def _fact_columns(answer: Answer) -> list[Column]:
    return [column for column in answer.page.columns if column.name not in _NOT_FACTS] if answer.page else []


def _title(definition: Definition, feature: Mapping[str, Any], about: About) -> str:
    label = definition.style.label_field if definition.style is not None else None
    properties = feature["properties"]
    for name in (label, "name", *definition.key):
        if name and properties.get(name) not in (None, ""):
            return fact_of(definition, name, properties[name], about)
    return f"{about.pick(definition.title)} {feature['id']}"


def _head(column: Column, about: About) -> str:
    unit = column.unit if column.unit not in ("", "1") else ""
    title = about.pick(column.title)
    return f"{title} ({unit})" if unit else title


def _grid(definition: Definition, table: Table, about: About) -> Grid:
    numeric = tuple(
        any(isinstance(row[place], int | float) for row in table.rows) for place in range(len(table.columns))
    )
    rows = tuple(
        tuple(
            fact_of(definition, column.name, value, about) or "–"
            for column, value in zip(table.columns, row, strict=True)
        )
        for row in table.rows
    )
    return Grid(about.say("Số liệu", "Figures"), tuple(_head(c, about) for c in table.columns), numeric, rows)


def _lines(answer: Answer, asked: Iterable[str], about: About) -> Iterable[str]:
    yield from asked
    count = format_count(answer.total_matched, english=about.english)
    yield about.say(f"Tổng số: {count} đối tượng", f"Total: {count} features")


def _source(state: LayerState, layer: Layer, about: About) -> str:
    title = about.pick(state.title)
    return source_line(title, layer.definition.steward, state.data_date, state.revision, about)


def _notes(answer: Answer, drawn: Drawn, about: About) -> Iterable[str]:
    for note in answer.notes:
        yield about.pick(note)
    if drawn.light.is_simplified:
        yield about.pick(SIMPLIFIED)


def _warnings(answer: Answer, drawn: int, about: About) -> Iterable[str]:
    if answer.page is not None and answer.total_matched > answer.page.returned:
        yield cut_warning(drawn, answer.total_matched, about)
    if any(state.synthetic for state in (answer.layer, *answer.sources)):
        yield synthetic_warning(about)
