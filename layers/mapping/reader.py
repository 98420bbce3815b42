"""Mapping files read from YAML; each refusal names file, line and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Table
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from layers.definition import DataGroup, Definition, Label
from layers.definition_checks import RESERVED_NAMES, SLUG
from layers.definition_reader import load_builtin
from layers.errors import suggestion
from layers.mapping.model import (
    FieldRule,
    Generated,
    LayerEntry,
    Mapping,
    NumberStyle,
    SourceFile,
    UserLayer,
    Where,
    Within,
)
from layers.mapping.transforms import folded, strptime_form, tidy
from layers.yaml_nodes import Place as Node
from layers.yaml_nodes import read_document

SAMPLE: Final = Path(__file__).parent.parent / "mappings" / "vietnam-sample.yaml"
FOLDER_MAPPING: Final = "mapping.yaml"
NULL_WORD: Final = "-"
_MOST: Final = 1000
_COLOR: Final = re.compile(r"#[0-9a-f]{6}")
_RULE_KEYS: Final = (
    *("value", "column", "columns", "join", "extract", "contains", "contains_table", "codes", "code_table"),
    *("otherwise", "number", "unit", "times", "dates", "prefix", "title"),
)
_Word = TypeVar("_Word", bound=StrEnum)


def find_mapping(data_dir: Path) -> Path:
    """Returns the folder's own ``mapping.yaml``, or the mapping of the sample folder that ships with the program."""
    own = data_dir / FOLDER_MAPPING
    return own if own.is_file() else SAMPLE


def read_mapping(path: Path, builtin: Table[str, Definition] | None = None) -> Mapping:
    """Reads a mapping file.

    Args:
        path: The YAML file; see docs/real-data.md for its keys.
        builtin: Layers that entries may feed by slug; the built-in ones if not given.

    Raises:
        InvalidDefinition: With the file, the line, the path in the document, and the reason and remedy.
    """
    return _Reader(path, load_builtin() if builtin is None else builtin).mapping()


class _Reader:
    """Reads one file; keeps what entries refer to."""

    def __init__(self, path: Path, builtin: Table[str, Definition]) -> None:
        self._path = path
        self._builtin = builtin
        self._tables: dict[str, dict[str, str]] = {}
        self._user_layers: dict[str, UserLayer] = {}

    def mapping(self) -> Mapping:
        members = read_document(self._path).members(
            required=("title", "sources"), optional=("code_tables", "user_layers", "mergers", "english")
        )
        if "code_tables" in members:
            entries = members["code_tables"].entries()
            self._tables = {name: self._pairs(node) for name, node in entries.items()}
        if "user_layers" in members:
            entries = members["user_layers"].entries()
            self._user_layers = {slug: self._user_layer(slug, node) for slug, node in entries.items()}
        return Mapping(
            title=_label(members["title"]),
            files=tuple(self._file(node) for node in members["sources"].items(most=_MOST)),
            user_layers=self._user_layers,
            builtin=self._builtin,
            mergers=self._mergers(members["mergers"]) if "mergers" in members else None,
            english=self._pairs(members["english"]) if "english" in members else {},
        )

    def _pairs(self, node: Node) -> dict[str, str]:
        return {key: value.text(longest=300) for key, value in node.entries().items()}

    def _mergers(self, node: Node) -> Path:
        path = self._path.parent / _relative(node)
        if not path.is_file():
            node.refuse("không có tệp này cạnh tệp ánh xạ.", "there is no such file beside the mapping file.")
        return path

    def _user_layer(self, slug: str, node: Node) -> UserLayer:
        members = node.members(required=("title", "group"), optional=("color",))
        if not SLUG.fullmatch(slug) or len(slug) > 45 or slug in self._builtin:
            node.refuse(
                "slug chỉ gồm a–z, số, gạch nối, dài nhất 45, và không trùng lớp dựng sẵn.",
                "a slug has a-z, digits and hyphens, at most 45 characters, and is not that of a built-in layer.",
            )
        color = members["color"].text(longest=7).lower() if "color" in members else None
        if color is not None and not _COLOR.fullmatch(color):
            members["color"].refuse('phải viết "#rrggbb".', 'must be written "#rrggbb".')
        return UserLayer(slug, _label(members["title"]), _word(members["group"], DataGroup), color)

    def _file(self, node: Node) -> SourceFile:
        members = node.members(
            required=("file", "steward", "layers"),
            optional=("note", "data_date", "optional", "skip", "ids", "within", "distinct_places"),
        )
        return SourceFile(
            path=_relative(members["file"]),
            place=members["file"],
            steward=members["steward"].text(longest=200),
            note=members["note"].text(longest=500) if "note" in members else "",
            data_date=members["data_date"].day() if "data_date" in members else None,
            optional=members["optional"].truth() if "optional" in members else False,
            skip=frozenset(_titles(members, "skip")),
            ids=tuple(_titles(members, "ids")),
            within=_within(members["within"]) if "within" in members else None,
            distinct_places=members["distinct_places"].truth() if "distinct_places" in members else False,
            entries=tuple(self._entry(entry) for entry in members["layers"].items(most=_MOST)),
        )

    def _entry(self, node: Node) -> LayerEntry:
        members = node.members(
            required=("to",), optional=("from", "fields", "where", "replaces", "shared_places", "generate")
        )
        to = self._target(members["to"])
        fields = members["fields"].entries() if "fields" in members else {}
        rules = tuple(self._rule(name, place, to) for name, place in fields.items())
        generate = self._generated(members["generate"]) if "generate" in members else None
        if generate is None:
            self._require_fields(node, to, {rule.field for rule in rules})
        return LayerEntry(
            layer=members["from"].text(longest=200) if "from" in members else None,
            to=to,
            place=members["to"],
            rules=rules,
            where=_where(members["where"]) if "where" in members else None,
            replaces=members["replaces"].truth() if "replaces" in members else False,
            shared_places=members["shared_places"].truth() if "shared_places" in members else False,
            generate=generate,
        )

    def _target(self, node: Node) -> str:
        slug = node.text(longest=100)
        if slug not in self._builtin and slug not in self._user_layers:
            vi, en = suggestion(slug, [*self._builtin, *self._user_layers])
            node.refuse(
                f"không có lớp “{slug}”.{vi} Dùng lớp dựng sẵn, hoặc khai lớp này ở user_layers.",
                f'there is no layer "{slug}".{en} Use a built-in layer, or declare this one under user_layers.',
            )
        return slug

    def _require_fields(self, node: Node, to: str, given: set[str]) -> None:
        definition = self._builtin.get(to)
        absent = [field.name for field in definition.fields if field.required] if definition else []
        missing = ", ".join(name for name in absent if name not in given)
        if missing:
            node.refuse(
                f"lớp “{to}” bắt buộc có: {missing}; hãy ánh xạ các trường này.",
                f'layer "{to}" requires: {missing}; map these fields.',
            )

    def _rule(self, name: str, node: Node, to: str) -> FieldRule:
        self._check_name(name, node, to)
        if not node.is_mapping:
            return FieldRule(name, node, columns=(node.text(longest=300),))
        members = node.members(required=(), optional=_RULE_KEYS)
        given = [key for key in ("value", "column", "columns") if key in members]
        if len(given) != 1:
            node.refuse(
                "phải có đúng một trong: value, column, columns.",
                "needs exactly one of: value, column, columns.",
            )
        if "value" in members:
            if len(members) > (2 if "title" in members else 1):
                node.refuse("value là hằng, không kèm phép đổi khác.", "value is a constant; remove the other steps.")
            return FieldRule(name, node, value=members["value"].text(), title=_title(members))
        return FieldRule(
            name,
            node,
            columns=_columns(members),
            join=members["join"].written(longest=20) if "join" in members else " ",
            extract=_pattern(members["extract"]) if "extract" in members else None,
            contains=tuple(self._codes(members, "contains", "contains_table")),
            codes=dict(self._codes(members, "codes", "code_table")),
            otherwise=_otherwise(members),
            number=_word(members["number"], NumberStyle) if "number" in members else None,
            unit=members["unit"].text(longest=20) if "unit" in members else None,
            times=members["times"].number() if "times" in members else None,
            dates=_date_forms(members["dates"]) if "dates" in members else (),
            prefix=members["prefix"].written(longest=60) if "prefix" in members else "",
            title=_title(members),
        )

    def _check_name(self, name: str, node: Node, to: str) -> None:
        definition = self._builtin.get(to)
        known = [field.name for field in definition.fields] if definition else [name]
        if name not in known:
            vi, en = suggestion(name, known)
            node.refuse(f"lớp “{to}” không có trường “{name}”.{vi}", f'layer "{to}" has no field "{name}".{en}')
        if definition is None and (name in RESERVED_NAMES or not re.fullmatch(r"[a-z][a-z0-9_]{0,50}", name)):
            node.refuse(
                "tên trường chỉ gồm a–z, số, gạch dưới và không phải tên hệ thống.",
                "a field name has a-z, digits and _, and is not a reserved word.",
            )

    def _codes(self, members: Table[str, Node], inline: str, table: str) -> Iterator[tuple[str, str]]:
        """Reads pairs written in place, then those of a named code table; the word "-" stands for null."""
        pairs = self._pairs(members[inline]) if inline in members else {}
        if table in members:
            name = members[table].text(longest=100)
            if name not in self._tables:
                vi, en = suggestion(name, self._tables)
                members[table].refuse(f"không có bảng mã “{name}”.{vi}", f'there is no code table "{name}".{en}')
            pairs = {**self._tables[name], **pairs}
        return ((folded(key), "" if code == NULL_WORD else code) for key, code in pairs.items())

    def _generated(self, node: Node) -> Generated:
        members = node.members(
            required=("commune_code", "commune_name", "old_commune_codes", "count"), optional=("seed",)
        )
        old = members["old_commune_codes"].items(most=20)
        return Generated(
            commune_code=members["commune_code"].text(longest=5),
            commune_name=members["commune_name"].text(longest=150),
            old_commune_codes=tuple(item.text(longest=5) for item in old),
            count=members["count"].integer(1, 1_000_000),
            seed=members["seed"].integer(0, 2**31) if "seed" in members else 2026,
        )


def _columns(members: Table[str, Node]) -> tuple[str, ...]:
    if "column" in members:
        return (members["column"].text(longest=300),)
    return tuple(item.text(longest=300) for item in members["columns"].items(most=10))


def _otherwise(members: Table[str, Node]) -> str | None:
    if "otherwise" not in members:
        return None
    text = members["otherwise"].text(longest=300)
    return "" if text == NULL_WORD else text


def _title(members: Table[str, Node]) -> Label | None:
    return _label(members["title"]) if "title" in members else None


def _date_forms(node: Node) -> tuple[str, ...]:
    found = []
    for form in node.items(most=10):
        directive = strptime_form(form.text(longest=40))
        if directive is None:
            form.refuse(
                "chỉ dùng các chữ d m Y y H I M S p và dấu ngăn, ví dụ d/m/Y.",
                "use the letters d m Y y H I M S p and separators only, such as d/m/Y.",
            )
        found.append(directive)
    return tuple(found)


def _pattern(node: Node) -> re.Pattern[str]:
    try:
        pattern = re.compile(node.text(longest=200))
    except re.error as error:
        node.refuse(f"biểu thức chính quy sai ({error}).", f"is not a regular expression ({error}).")
    if pattern.groups < 1:
        node.refuse(
            "phải có một nhóm ( ) để lấy ra, ví dụ ^D([0-9]+).", "needs a group ( ) to keep, such as ^D([0-9]+)."
        )
    return pattern


def _titles(members: Table[str, Node], key: str) -> list[str]:
    """Reads column titles in the form in which the columns of a source are named."""
    items = members[key].items(most=_MOST) if key in members else ()
    return [tidy(item.text(longest=300)) or "" for item in items]


def _within(node: Node) -> Within:
    members = node.members(required=("file", "column", "in"), optional=("margin_m",))
    values = frozenset(folded(value.text()) for value in members["in"].items(most=_MOST))
    return Within(
        path=_relative(members["file"]),
        place=members["file"],
        where=Where(members["column"].text(), values, negated=False),
        margin_m=members["margin_m"].number() if "margin_m" in members else 0.0,
    )


def _where(node: Node) -> Where:
    members = node.members(required=("column",), optional=("in", "not_in"))
    if ("in" in members) == ("not_in" in members):
        node.refuse("phải có đúng một trong: in, not_in.", "needs exactly one of: in, not_in.")
    negated = "not_in" in members
    values = members["not_in" if negated else "in"].items(most=_MOST)
    return Where(members["column"].text(), frozenset(folded(value.text()) for value in values), negated)


def _relative(node: Node) -> str:
    text = node.text(longest=300)
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or ":" in text or "\\" in text:
        node.refuse(
            "phải là đường dẫn nằm trong thư mục dữ liệu, viết bằng dấu “/”.",
            'must be a path inside the data folder, written with "/".',
        )
    return text


def _label(node: Node) -> Label:
    members = node.members(required=("vi", "en"))
    return Label(vi=members["vi"].text(), en=members["en"].text())


def _word(node: Node, vocabulary: type[_Word]) -> _Word:
    written = node.text(longest=100)
    words = [word.value for word in vocabulary]
    if written not in words:
        listing = ", ".join(words)
        node.refuse(f"“{written}” không dùng được; chọn: {listing}.", f'"{written}" is not known; choose: {listing}.')
    return vocabulary(written)
