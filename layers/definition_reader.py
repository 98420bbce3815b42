"""Layer definitions and code lists from their YAML files, refused with file, line and reason."""

import functools
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from layers.definition import (
    DRAWN,
    CodeEntry,
    CodeList,
    DataGroup,
    Definition,
    Drawing,
    Field,
    FieldType,
    Frequency,
    GeometryType,
    Label,
    Sensitivity,
    Style,
    StyleBreak,
    StyleClass,
    TileOptions,
)
from layers.definition_checks import SLUG, code_list_problem, definition_problem
from layers.errors import InvalidDefinition, suggestion
from layers.yaml_nodes import Place, read_document

_HERE: Final = Path(__file__).parent
_MAX_CODES: Final = 2000
_MAX_BREAKS: Final = 50
_MAX_FIELDS: Final = 200
_MAX_ZOOM: Final = 24
_COLOR: Final = re.compile(r"#[0-9a-f]{6}")

_Word = TypeVar("_Word", bound=StrEnum)


def load_definition(path: Path, code_lists: Mapping[str, CodeList]) -> Definition:
    """Reads one layer definition; `codes` of a field names a list of `code_lists` or is a list itself.

    Raises:
        InvalidDefinition: With the file, the line, the path in the document, and the reason and remedy.
    """
    place = read_document(path)
    definition = _definition(place, code_lists)
    problem = definition_problem(definition)
    if problem:
        place.refuse_at(problem.path, problem.vi, problem.en)
    return definition


def load_code_list(path: Path) -> CodeList:
    """Reads one code list.

    Raises:
        InvalidDefinition: With the file, the line, the path in the document, and the reason and remedy.
    """
    return _code_list(read_document(path))


def load_code_lists(folder: Path = _HERE / "codelists") -> dict[str, CodeList]:
    """Reads every code list of a folder, by slug; each file is named by its slug.

    Raises:
        InvalidDefinition: One of the files is refused.
    """
    return {path.stem: _named_by_slug(load_code_list(path), path) for path in sorted(folder.glob("*.yaml"))}


def load_builtin() -> dict[str, Definition]:
    """Returns the definitions that come with the program, by slug in alphabetical order; read once.

    Raises:
        InvalidDefinition: One of the built-in files is refused.
    """
    return dict(_builtin())


@functools.cache
def _builtin() -> dict[str, Definition]:
    code_lists = load_code_lists()
    paths = sorted((_HERE / "builtin").glob("*.yaml"))
    return {path.stem: _named_by_slug(load_definition(path, code_lists), path) for path in paths}


_Named = TypeVar("_Named", Definition, CodeList)


def _named_by_slug(value: _Named, path: Path) -> _Named:
    if value.slug != path.stem:
        raise InvalidDefinition(
            f"tên tệp phải là {value.slug}.yaml theo slug; hãy đổi tên tệp hoặc slug.",
            f"the file must be named {value.slug}.yaml after its slug; rename the file or the slug.",
            file=str(path),
            line=1,
            path="slug",
        )
    return value


def _definition(place: Place, code_lists: Mapping[str, CodeList]) -> Definition:
    members = place.members(
        required=(
            *("slug", "title", "description", "group", "key", "steward", "frequency"),
            *("sensitivity", "source", "fields"),
        ),
        optional=(
            *("codes", "geometry", "geometry_required", "key_ordinals", "unit_field"),
            *("data_date_field", "tiles", "style"),
        ),
    )
    geometry = _word(members["geometry"], GeometryType) if "geometry" in members else None
    return Definition(
        slug=_slug(members["slug"]),
        codes=_texts(members["codes"], most=20) if "codes" in members else (),
        title=_label(members["title"]),
        description=_label(members["description"]),
        group=_word(members["group"], DataGroup),
        geometry=geometry,
        geometry_required=_truth(members, "geometry_required", default=geometry is not None),
        key=_texts(members["key"], most=8),
        key_ordinals=_truth(members, "key_ordinals", default=False),
        unit_field=_text(members, "unit_field"),
        data_date_field=_text(members, "data_date_field"),
        steward=members["steward"].text(longest=200),
        frequency=_word(members["frequency"], Frequency),
        sensitivity=_word(members["sensitivity"], Sensitivity),
        source=members["source"].text(longest=500),
        fields=tuple(_field(field, code_lists) for field in members["fields"].items(most=_MAX_FIELDS)),
        tiles=_tiles(members["tiles"]) if "tiles" in members else None,
        style=_style(members["style"]) if "style" in members else None,
    )


def _field(place: Place, code_lists: Mapping[str, CodeList]) -> Field:
    members = place.members(
        required=("name", "title", "type"),
        optional=(
            *("id", "unit", "required", "codes", "minimum", "maximum", "max_length", "pattern"),
            *("personal", "aliases", "hidden"),
        ),
    )
    name = members["name"].text(longest=100)
    return Field(
        id=_text(members, "id") or name,
        name=name,
        title=_label(members["title"]),
        type=_word(members["type"], FieldType),
        unit=_text(members, "unit"),
        required=_truth(members, "required", default=False),
        codes=_codes(members["codes"], code_lists) if "codes" in members else None,
        minimum=members["minimum"].number() if "minimum" in members else None,
        maximum=members["maximum"].number() if "maximum" in members else None,
        max_length=members["max_length"].integer(1, 100_000) if "max_length" in members else None,
        pattern=_text(members, "pattern"),
        personal=_truth(members, "personal", default=False),
        aliases=_texts(members["aliases"], most=100) if "aliases" in members else (),
        hidden=_truth(members, "hidden", default=False),
    )


def _tiles(place: Place) -> TileOptions:
    members = place.members(required=("min_zoom", "max_zoom", "max_features"), optional=("fields_from",))
    fields_from = members["fields_from"].entries() if "fields_from" in members else {}
    return TileOptions(
        min_zoom=members["min_zoom"].integer(0, _MAX_ZOOM),
        max_zoom=members["max_zoom"].integer(0, _MAX_ZOOM),
        max_features=members["max_features"].integer(1, 1_000_000),
        fields_from={name: zoom.integer(0, _MAX_ZOOM) for name, zoom in fields_from.items()},
    )


def _style(place: Place) -> Style:
    members = place.members(required=("type", "color"), optional=("by", "classes", "breaks", "label_field", "min_zoom"))
    classes = members["classes"].items(most=_MAX_CODES) if "classes" in members else ()
    breaks = members["breaks"].items(most=_MAX_BREAKS) if "breaks" in members else ()
    return Style(
        type=_drawing(members["type"]),
        color=_color(members["color"]),
        by=_text(members, "by"),
        classes=tuple(_style_class(entry) for entry in classes),
        breaks=tuple(_style_break(entry) for entry in breaks),
        label_field=_text(members, "label_field"),
        min_zoom=members["min_zoom"].integer(0, _MAX_ZOOM) if "min_zoom" in members else 0,
    )


def _style_class(place: Place) -> StyleClass:
    members = place.members(required=("value", "color", "label"))
    return StyleClass(
        value=members["value"].text(longest=200),
        color=_color(members["color"]),
        label=_label(members["label"]),
    )


def _style_break(place: Place) -> StyleBreak:
    members = place.members(required=("at_least", "color", "label"))
    return StyleBreak(
        at_least=members["at_least"].number(),
        color=_color(members["color"]),
        label=_label(members["label"]),
    )


def _code_entry(place: Place) -> CodeEntry:
    members = place.members(required=("code", "label"), optional=("valid_from", "valid_to", "replaced_by"))
    return CodeEntry(
        code=members["code"].text(longest=100),
        label=_label(members["label"]),
        valid_from=members["valid_from"].day() if "valid_from" in members else None,
        valid_to=members["valid_to"].day() if "valid_to" in members else None,
        replaced_by=_text(members, "replaced_by"),
    )


def _label(place: Place) -> Label:
    members = place.members(required=("vi", "en"))
    return Label(vi=members["vi"].text(), en=members["en"].text())


def _word(place: Place, vocabulary: type[_Word]) -> _Word:
    return vocabulary(_choice(place, tuple(word.value for word in vocabulary)))


def _drawing(place: Place) -> Drawing:
    return DRAWN[_choice(place, tuple(DRAWN))]


def _choice(place: Place, words: tuple[str, ...]) -> str:
    written = place.text(longest=100)
    if written not in words:
        vi, en = suggestion(written, words)
        listing = ", ".join(words)
        place.refuse(
            f"“{written}” không dùng được.{vi} Chọn một trong: {listing}.",
            f'"{written}" is not known.{en} Choose one of: {listing}.',
        )
    return written


def _code_list(place: Place) -> CodeList:
    members = place.members(required=("slug", "title", "entries"))
    code_list = CodeList(
        slug=_slug(members["slug"]),
        title=_label(members["title"]),
        entries=tuple(_code_entry(entry) for entry in members["entries"].items(most=_MAX_CODES)),
    )
    problem = code_list_problem(code_list)
    if problem:
        place.refuse_at(problem.path, problem.vi, problem.en)
    return code_list


def _codes(place: Place, code_lists: Mapping[str, CodeList]) -> CodeList:
    if place.is_mapping:
        return _code_list(place)
    slug = place.text(longest=100)
    if slug not in code_lists:
        vi, en = suggestion(slug, code_lists)
        place.refuse(
            f"không có danh mục mã “{slug}”.{vi} Hãy dùng danh mục đã có, hoặc viết danh mục ngay tại đây.",
            f'there is no code list "{slug}".{en} Use one that exists, or write the list here.',
        )
    return code_lists[slug]


def _slug(place: Place) -> str:
    slug = place.text(longest=100)
    if not SLUG.fullmatch(slug) or len(slug) > 45:
        place.refuse(
            f"“{slug}” không hợp lệ; dùng chữ thường a–z, số và dấu gạch nối, bắt đầu bằng chữ, dài nhất 45.",
            f'"{slug}" is not a slug; use a-z, digits and hyphens, a letter first, at most 45 characters.',
        )
    return slug


def _color(place: Place) -> str:
    color = place.text(longest=20).lower()
    if not _COLOR.fullmatch(color):
        place.refuse(
            'phải là màu viết "#rrggbb", ví dụ "#4292c6".',
            'must be a colour written "#rrggbb", for example "#4292c6".',
        )
    return color


def _texts(place: Place, *, most: int) -> tuple[str, ...]:
    return tuple(item.text(longest=200) for item in place.items(most=most))


def _text(members: Mapping[str, Place], name: str) -> str | None:
    return members[name].text(longest=500) if name in members else None


def _truth(members: Mapping[str, Place], name: str, *, default: bool) -> bool:
    return members[name].truth() if name in members else default
