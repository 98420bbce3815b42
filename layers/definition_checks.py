"""What must hold inside a definition or a code list, whichever document it was read from."""

import itertools
import re
from collections.abc import Iterator
from typing import Final

from layers.definition import (
    SYSTEM_COLUMNS,
    CodeList,
    Definition,
    Field,
    FieldType,
)
from layers.definition_problems import Problem, find_field, repeats, unknown_field
from layers.drawing_checks import style_problems, tile_problems
from layers.errors import suggestion

SLUG: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_SLUG: Final = 45
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,50}")
_CATALOGUE_CODE: Final = re.compile(r"L\d{2}")
_POSTGRES_COLUMNS: Final = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
# A property of one of these names could not be told from the parameter in GET /items (OGC API Features
# Part 1, 7.15.5), or from the geometry of a frame.
_REQUEST_WORDS: Final = (
    *("bbox", "crs", "datetime", "f", "filter", "geometry", "lang", "limit", "offset", "properties"),
    *("q", "resulttype", "skipgeometry", "sortby"),
)
RESERVED_NAMES: Final = frozenset((*SYSTEM_COLUMNS, *_POSTGRES_COLUMNS, *_REQUEST_WORDS))
_NUMBERS: Final = (FieldType.INTEGER, FieldType.NUMBER)
_DATES: Final = (FieldType.DATE, FieldType.DATETIME)
_CODED: Final = (FieldType.TEXT, FieldType.TEXT_ARRAY)


def definition_problem(definition: Definition) -> Problem | None:
    """Returns the first rule that the definition breaks, in the order of the document, or None."""
    found = itertools.chain(
        _identity_problems(definition),
        _fields_problems(definition.fields),
        _key_problems(definition),
        _role_problems(definition),
        _geometry_problems(definition),
    )
    return next(found, None)


def code_list_problem(code_list: CodeList) -> Problem | None:
    """Returns the first rule that the code list breaks, or None."""
    return next(_code_list_problems(code_list), None)


def _identity_problems(definition: Definition) -> Iterator[Problem]:
    if not SLUG.fullmatch(definition.slug) or len(definition.slug) > MAX_SLUG:
        yield Problem(
            "slug",
            "slug chỉ gồm a–z, số và dấu gạch nối, bắt đầu bằng chữ, dài nhất 45 ký tự.",
            "a slug has a-z, digits and hyphens, begins with a letter and is at most 45 characters long.",
        )
    for number, code in enumerate(definition.codes):
        if not _CATALOGUE_CODE.fullmatch(code):
            yield Problem(
                f"codes[{number}]",
                f"mã “{code}” phải có dạng L04 (danh mục lớp); lớp riêng của địa phương thì bỏ khóa codes.",
                f'code "{code}" must look like L04 (catalogue of layers); a layer of your own has no codes.',
            )
    yield from repeats("codes[{}]", definition.codes)


def _fields_problems(fields: tuple[Field, ...]) -> Iterator[Problem]:
    if not fields:
        yield Problem("fields", "lớp phải có ít nhất một trường.", "a layer needs at least one field; add it.")
    yield from repeats("fields[{}].name", [field.name for field in fields])
    yield from repeats("fields[{}].id", [field.id for field in fields])
    for number, field in enumerate(fields):
        yield from _name_problems(field, f"fields[{number}]")
        yield from _value_problems(field, f"fields[{number}]")
        yield from _text_problems(field, f"fields[{number}]")


def _name_problems(field: Field, at: str) -> Iterator[Problem]:
    for part, name in (("name", field.name), ("id", field.id)):
        if not _NAME.fullmatch(name):
            yield Problem(
                f"{at}.{part}",
                f"“{name}” không hợp lệ; dùng a–z, số và gạch dưới, bắt đầu bằng chữ, dài nhất 51 ký tự.",
                f'"{name}" is not a field name; use a-z, digits, _, a letter first, at most 51 characters.',
            )
    if field.name in RESERVED_NAMES:
        yield Problem(
            f"{at}.name",
            f"“{field.name}” là tên dành cho hệ thống; hãy chọn tên khác, ví dụ “{field.name}_value”.",
            f'"{field.name}" is reserved for the system; choose another, such as "{field.name}_value".',
        )


def _value_problems(field: Field, at: str) -> Iterator[Problem]:
    if field.codes and field.type not in _CODED:
        yield Problem(
            f"{at}.codes",
            "chỉ trường kiểu text hoặc text[] mới có danh mục mã; hãy đổi type.",
            "only a field of type text or text[] has a code list; change the type.",
        )
    for part, limit in (("minimum", field.minimum), ("maximum", field.maximum)):
        if limit is not None and field.type not in _NUMBERS:
            yield Problem(
                f"{at}.{part}",
                f"“{part}” chỉ dùng cho integer hoặc number; hãy bỏ hoặc đổi type.",
                f'"{part}" is for integer and number only; remove it or change the type.',
            )
        if limit is not None and field.type is FieldType.INTEGER and not float(limit).is_integer():
            yield Problem(
                f"{at}.{part}",
                "giới hạn của trường integer phải là số nguyên.",
                "the limit of an integer field must be a whole number; round it.",
            )
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        yield Problem(
            f"{at}.maximum",
            f"maximum ({field.maximum:g}) nhỏ hơn minimum ({field.minimum:g}); hãy đổi lại.",
            f"maximum ({field.maximum:g}) is below minimum ({field.minimum:g}); exchange them.",
        )
    if field.hidden and field.required:
        yield Problem(
            f"{at}.hidden",
            "trường đã ẩn không thể bắt buộc, vì không ai điền được nữa; hãy bỏ required.",
            "a hidden field cannot be required, since nobody can fill it in; remove required.",
        )
    if field.unit and field.type not in _NUMBERS:
        yield Problem(
            f"{at}.unit",
            "đơn vị đo chỉ dùng cho integer hoặc number; hãy bỏ.",
            "a unit belongs to integer and number only; remove it.",
        )


def _text_problems(field: Field, at: str) -> Iterator[Problem]:
    for part, given in (("max_length", field.max_length is not None), ("pattern", field.pattern is not None)):
        if given and field.type is not FieldType.TEXT:
            yield Problem(
                f"{at}.{part}",
                f"“{part}” chỉ dùng cho kiểu text; hãy bỏ hoặc đổi type.",
                f'"{part}" is for type text only; remove it or change the type.',
            )
    if field.pattern is not None:
        try:
            re.compile(field.pattern)
        except re.error as error:
            yield Problem(
                f"{at}.pattern",
                f"biểu thức chính quy không hợp lệ ({error}); hãy sửa.",
                f"is not a regular expression ({error}); correct it.",
            )
    if field.pattern is not None and re.search(r"\(\?[^:=!]|\\[pPbBAZ]", field.pattern):
        yield Problem(
            f"{at}.pattern",
            "chỉ dùng cú pháp mà Python và PostgreSQL hiểu như nhau (không \\b, \\A, \\Z, \\p, (?P…)).",
            "use only what Python and PostgreSQL both read alike (no \\b, \\A, \\Z, \\p or (?P…)).",
        )
    yield from repeats(at + ".aliases[{}]", field.aliases)


def _key_problems(definition: Definition) -> Iterator[Problem]:
    if not definition.key:
        yield Problem(
            "key",
            "phải có khóa nghiệp vụ; không có mã chính thức thì khai trường source_id và key: [source_id].",
            "a business key is needed; without an official code use a field source_id: key: [source_id].",
        )
    yield from repeats("key[{}]", definition.key)
    for number, name in enumerate(definition.key):
        at = f"key[{number}]"
        field = find_field(definition, name)
        if field is None:
            yield unknown_field(at, name, definition)
        elif field.personal or field.hidden:
            yield Problem(
                at,
                f"“{name}” là dữ liệu cá nhân hoặc đã ẩn nên không làm khóa được; hãy chọn trường khác.",
                f'"{name}" is personal or hidden and cannot be part of the key; choose another field.',
            )
        elif not field.required:
            yield Problem(
                at,
                f"trường khóa “{name}” phải có required: true.",
                f'field "{name}" is part of the key and needs required: true.',
            )
        elif field.type is FieldType.TEXT_ARRAY:
            yield Problem(
                at,
                "trường text[] không làm khóa được.",
                "a text[] field cannot be part of the key; choose another.",
            )


def _role_problems(definition: Definition) -> Iterator[Problem]:
    yield from _role(definition, "unit_field", definition.unit_field, (FieldType.TEXT,))
    yield from _role(definition, "data_date_field", definition.data_date_field, _DATES)


def _role(definition: Definition, path: str, name: str | None, types: tuple[FieldType, ...]) -> Iterator[Problem]:
    if name is None:
        return
    field = find_field(definition, name)
    if field is None:
        yield unknown_field(path, name, definition)
        return
    if field.type not in types:
        words = " / ".join(types)
        yield Problem(
            path,
            f"trường “{name}” phải có kiểu {words}.",
            f'field "{name}" must be of type {words}; change its type or choose another.',
        )
    if field.personal or field.hidden:
        yield Problem(
            path,
            f"“{name}” là dữ liệu cá nhân hoặc đã ẩn; hãy chọn trường khác.",
            f'"{name}" is personal or hidden; choose another field.',
        )


def _geometry_problems(definition: Definition) -> Iterator[Problem]:
    if definition.geometry is None:
        parts = (
            ("geometry_required", definition.geometry_required),
            ("tiles", definition.tiles is not None),
            ("style", definition.style is not None),
        )
        for part, given in parts:
            if given:
                yield Problem(
                    part,
                    f"lớp không có hình học thì không có “{part}”; hãy bỏ hoặc khai geometry.",
                    f'a layer without geometry has no "{part}"; remove it or declare a geometry.',
                )
        return
    if definition.tiles:
        yield from tile_problems(definition, definition.tiles)
    if definition.style:
        yield from style_problems(definition, definition.style)


def _code_list_problems(code_list: CodeList) -> Iterator[Problem]:
    if not code_list.entries:
        yield Problem("entries", "danh mục phải có ít nhất một mã.", "a code list needs at least one code; add it.")
    yield from repeats("entries[{}].code", code_list.codes)
    for number, entry in enumerate(code_list.entries):
        if entry.valid_from and entry.valid_to and entry.valid_from >= entry.valid_to:
            yield Problem(
                f"entries[{number}].valid_to",
                "valid_to (ngày đầu tiên hết hiệu lực) phải sau valid_from.",
                "valid_to (the first day no longer in force) must be after valid_from; correct it.",
            )
        if entry.replaced_by is not None and entry.replaced_by not in code_list.codes:
            vi, en = suggestion(entry.replaced_by, code_list.codes)
            yield Problem(
                f"entries[{number}].replaced_by",
                f"mã thay thế “{entry.replaced_by}” không có trong danh mục.{vi} Hãy thêm hoặc sửa.",
                f'replacement "{entry.replaced_by}" is not in the list.{en} Add or correct it.',
            )
        if entry.replaced_by == entry.code:
            yield Problem(
                f"entries[{number}].replaced_by",
                "mã không thể tự thay thế chính nó; hãy sửa.",
                "a code cannot replace itself; correct it.",
            )
