"""The report on an answered question: its features on the map, its figures as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
import shapely
from shapely.geometry import mapping, shape

from layers.answer import Answer, Column, LayerState, Table
from layers.catalogue import Layer
from layers.definition import Definition, FieldType
from web.environment import format_count, format_day, format_value
from web.report_maps.colours import legend_of
from web.report_maps.question_words import question_lines
from web.report_maps.report import MAX_SHAPES, About, Extent, Grid, Outline, Report, Shape

# More corners than this make a file that an old laptop draws slowly: shapes are simplified to what is seen.
MAX_CORNERS: Final = 250_000
_SEEN_STEPS: Final = 3_000
_NOT_FACTS: Final = frozenset({"fid", "geometry"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """Features of an answer ready to be drawn.

    Attributes:
        features: GeoJSON features, longitude and latitude; geometry may be None.
        extent: What the geometries cover; None where there are none.
        is_simplified: Whether corners were left out.
    """

    features: tuple[dict[str, Any], ...]
    extent: Extent | None
    is_simplified: bool


def read_features(body: bytes) -> Drawn:
    """Reads the features of a GeoJSON answer; heavy ones lose the corners that a map of them cannot show."""
    features: list[dict[str, Any]] = orjson.loads(b"[" + body + b"]")
    shapes = [shape(feature["geometry"]) if feature["geometry"] else None for feature in features]
    drawn = [item for item in shapes if item is not None and not item.is_empty]
    if not drawn:
        return Drawn(tuple(features), None, is_simplified=False)
    west, south, east, north = (float(value) for value in shapely.total_bounds(drawn))
    is_heavy = int(shapely.get_num_coordinates(drawn).sum()) > MAX_CORNERS
    if is_heavy:
        step = max(east - west, north - south) / _SEEN_STEPS
        for feature, item in zip(features, shapes, strict=True):
            if item is not None:
                feature["geometry"] = mapping(shapely.simplify(item, step, preserve_topology=True))
    return Drawn(tuple(features), (west, south, east, north), is_simplified=is_heavy)


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
    inside = [feature for feature in drawn.features if feature["geometry"]]
    style = definition.style
    by = style.by if style is not None else None
    values = [feature["properties"].get(by) for feature in inside]
    legend = legend_of(style, values, about.pick(definition.title), about)
    shapes = tuple(
        Shape(
            _title(definition, feature, about),
            legend.of_shape[place],
            tuple(_fact(definition, c.name, feature["properties"].get(c.name), about) for c in columns),
            feature["geometry"],
        )
        for place, feature in enumerate(inside)
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
        sources=tuple(_source(state, layers, about) for state in (answer.layer, *answer.sources)),
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
            return _fact(definition, name, properties[name], about)
    return f"{about.pick(definition.title)} {feature['id']}"


def _fact(definition: Definition, name: str, value: Any, about: About) -> str:
    if value is None or value == "":
        return ""
    field = definition.find(name)
    if field is not None and field.codes is not None:
        labels = {entry.code: about.pick(entry.label) for entry in field.codes.entries}
        values = value if isinstance(value, list) else [value]
        return ", ".join(labels.get(item, str(item)) for item in values)
    if field is not None and isinstance(value, str):
        value = _moment(field.type, value)
    return format_value(value, english=about.english)


def _moment(kind: FieldType, value: str) -> object:
    """A day or a moment of JSON text; what cannot be read as one stays a text."""
    try:
        if kind is FieldType.DATE:
            return date.fromisoformat(value)
        return datetime.fromisoformat(value) if kind is FieldType.DATETIME else value
    except ValueError:
        return value


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
            _fact(definition, column.name, value, about) or "–"
            for column, value in zip(table.columns, row, strict=True)
        )
        for row in table.rows
    )
    return Grid(about.say("Số liệu", "Figures"), tuple(_head(c, about) for c in table.columns), numeric, rows)


def _lines(answer: Answer, asked: Iterable[str], about: About) -> Iterable[str]:
    yield from asked
    count = format_count(answer.total_matched, english=about.english)
    yield about.say(f"Tổng số: {count} đối tượng", f"Total: {count} features")


def _source(state: LayerState, layers: Mapping[str, Layer], about: About) -> str:
    day = state.data_date
    told = format_day(day, english=about.english) if day else about.say("chưa rõ ngày", "of unknown date")
    steward = layers[state.slug].definition.steward
    title = about.pick(state.title)
    return about.say(
        f"{title}: số liệu đến ngày {told}, nguồn {steward}, bản số {state.revision}.",
        f"{title}: data of {told}, source {steward}, revision {state.revision}.",
    )


def _notes(answer: Answer, drawn: Drawn, about: About) -> Iterable[str]:
    for note in answer.notes:
        yield about.pick(note)
    if drawn.is_simplified:
        yield about.say(
            "Đường nét của đối tượng được giản lược để tệp mở được trên máy yếu; số liệu tính trên dữ liệu gốc.",
            "Shapes are simplified so that weak machines open the file; figures come from the data as they are.",
        )


def _warnings(answer: Answer, drawn: int, about: About) -> Iterable[str]:
    left_out = answer.total_matched - answer.page.returned if answer.page is not None else 0
    if left_out > 0:
        english = about.english
        shown, total = format_count(drawn, english=english), format_count(answer.total_matched, english=english)
        yield about.say(
            f"Bản đồ chỉ vẽ {shown} trong {total} đối tượng (tối đa {format_count(MAX_SHAPES, english=False)});"
            " bảng số liệu tính đủ. Hãy thu hẹp câu hỏi để thấy hết.",
            f"The map draws {shown} of {total} features (at most {format_count(MAX_SHAPES, english=True)});"
            " the figures count all. Narrow the question to see every one.",
        )
    if any(state.synthetic for state in (answer.layer, *answer.sources)):
        yield about.say("Dữ liệu mô phỏng, không phải dữ liệu thật.", "Synthetic data, not real data.")
