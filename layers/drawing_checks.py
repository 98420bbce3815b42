"""What must hold of a layer's tiles and of its style."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from layers.definition import Definition, Field, FieldType, GeometryType, Style, TileOptions
from layers.definition_problems import Problem, find_field, repeats, unknown_field
from layers.errors import suggestion

_STYLED_BY: Final = (FieldType.TEXT, FieldType.INTEGER, FieldType.BOOLEAN)
_BROKEN_BY: Final = (FieldType.INTEGER, FieldType.NUMBER)
_STYLE_OF: Final = {
    GeometryType.POINT: "circle",
    GeometryType.MULTILINESTRING: "line",
    GeometryType.MULTIPOLYGON: "fill",
}


def tile_problems(definition: Definition, tiles: TileOptions) -> Iterator[Problem]:
    """The rules about tiles that the definition breaks."""
    if tiles.min_zoom > tiles.max_zoom:
        yield Problem(
            "tiles.max_zoom",
            f"max_zoom ({tiles.max_zoom}) nhỏ hơn min_zoom ({tiles.min_zoom}); hãy đổi lại.",
            f"max_zoom ({tiles.max_zoom}) is below min_zoom ({tiles.min_zoom}); exchange them.",
        )
    for name in tiles.fields_from:
        yield from _shown(definition, f"tiles.fields_from.{name}", name)


def style_problems(definition: Definition, style: Style) -> Iterator[Problem]:
    """The rules about drawing that the definition breaks."""
    expected = _STYLE_OF[definition.geometry] if definition.geometry else style.type
    if style.type != expected:
        yield Problem(
            "style.type",
            f"lớp {definition.geometry} vẽ bằng “{expected}”; hãy đổi type.",
            f'a {definition.geometry} layer is drawn as "{expected}"; change the type.',
        )
    if style.label_field is not None:
        yield from _shown(definition, "style.label_field", style.label_field)
    if style.by is not None:
        yield from _shown(definition, "style.by", style.by)
        yield from _by_problems(definition, style, style.by)
        return
    for part, entries in (("classes", style.classes), ("breaks", style.breaks)):
        if entries:
            yield Problem(
                f"style.{part}",
                f"có {part} thì phải có “by” (trường phân loại); hãy thêm.",
                f'{part} need "by", the field that they classify; add it.',
            )


def _by_problems(definition: Definition, style: Style, by: str) -> Iterator[Problem]:
    field = find_field(definition, by)
    if field is None:
        return
    if style.breaks and style.classes:
        yield Problem(
            "style.breaks",
            "một kiểu có classes hoặc breaks, không có cả hai; hãy bỏ một.",
            "a style has classes or breaks, not both; remove one.",
        )
    elif style.breaks:
        yield from _break_problems(style, field)
    else:
        yield from _class_problems(style, field)


def _break_problems(style: Style, field: Field) -> Iterator[Problem]:
    if field.type not in _BROKEN_BY or field.codes:
        yield Problem(
            "style.by",
            f"không chia khoảng theo trường “{field.name}”; dùng trường số không có danh mục mã.",
            f'"{field.name}" cannot be broken into ranges; use a numeric field without a code list.',
        )
    for number, (before, after) in enumerate(pairwise(style.breaks), start=1):
        if not before.at_least < after.at_least:
            yield Problem(
                f"style.breaks[{number}].at_least",
                "các mốc phải tăng dần; hãy sắp lại.",
                "the breaks must rise; put them in order.",
            )


def _class_problems(style: Style, field: Field) -> Iterator[Problem]:
    if field.type not in _STYLED_BY:
        yield Problem(
            "style.by",
            f"không phân loại theo trường kiểu {field.type}; dùng text, integer hoặc boolean.",
            f"a style cannot go by a field of type {field.type}; use text, integer or boolean.",
        )
    yield from repeats("style.classes[{}].value", [entry.value for entry in style.classes])
    allowed = _class_values(field)
    for number, entry in enumerate(style.classes):
        if allowed is not None and entry.value not in allowed:
            vi, en = suggestion(entry.value, allowed)
            yield Problem(
                f"style.classes[{number}].value",
                f"“{entry.value}” không phải giá trị của trường “{field.name}”.{vi} Hãy dùng một giá trị có thật.",
                f'"{entry.value}" is not a value of field "{field.name}".{en} Use one of its values.',
            )


def _class_values(field: Field) -> tuple[str, ...] | None:
    if field.type is FieldType.BOOLEAN:
        return ("true", "false")
    return field.codes.codes if field.codes else None


def _shown(definition: Definition, path: str, name: str) -> Iterator[Problem]:
    field = find_field(definition, name)
    if field is None:
        yield unknown_field(path, name, definition)
    elif field.personal or field.hidden:
        yield Problem(
            path,
            f"“{name}” là dữ liệu cá nhân hoặc đã ẩn nên không đưa lên bản đồ; hãy bỏ.",
            f'"{name}" is personal or hidden and is never put on a map; remove it.',
        )
