"""CQL2 JSON (OGC 21-065r2, annex C)."""

import json
from collections.abc import Mapping

from spatial.cql2.expression import (
    ARRAYS,
    MAX_DEPTH,
    MAX_NODES,
    ArrayLiteral,
    Expr,
    GeometryLiteral,
    IntervalLiteral,
    Literal,
    Property,
    operation,
    too_deep,
    too_large,
)
from spatial.cql2.literals import (
    bbox_literal,
    date_literal,
    instant_literal,
    number_literal,
    number_too_large,
    text_literal,
    timestamp_literal,
)
from spatial.crs import CRS
from spatial.errors import InvalidFilter, shorten
from spatial.geometry import parse_geojson


def load_document(text: str) -> object:
    """Return the JSON value of a text.

    Raises:
        InvalidFilter: the text is not JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidFilter(
            "Bộ lọc không phải là JSON đúng. Hãy kiểm tra dấu ngoặc và dấu phẩy",
            "The filter is not valid JSON. Check its brackets and commas",
            position=error.pos + 1,
        ) from error
    except RecursionError as error:
        raise too_deep("$") from error
    except ValueError as error:
        # Python refuses to read an integer of more than 4,300 digits.
        raise number_too_large("$") from error


def parse_document(document: object, filter_crs: CRS) -> Expr:
    """Return the tree of a CQL2 JSON value; coordinates are in the axis order of ``filter_crs``.

    Raises:
        InvalidFilter: the structure is wrong; ``position`` is a path such as ``$.args[0]``.
        InvalidGeometry: a geometry in it cannot be used.
        InvalidBBox: a bbox in it cannot be used.
    """
    return _Walker(filter_crs).expression(document, "$", 1)


class _Walker:
    """Counts nodes while it builds the tree, so that a huge document stops early."""

    def __init__(self, filter_crs: CRS) -> None:
        self.filter_crs = filter_crs
        self.nodes = 0

    def expression(self, value: object, path: str, depth: int) -> Expr:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise too_large(path)
        if depth > MAX_DEPTH:
            raise too_deep(path)
        if isinstance(value, Mapping):
            return self.member(value, path, depth)
        if isinstance(value, list | tuple):
            return ArrayLiteral(self.items(value, path, depth), path)
        if isinstance(value, bool):
            return Literal(value, path)
        if isinstance(value, int | float):
            return number_literal(value, path)
        if isinstance(value, str):
            return text_literal(value, path)
        raise InvalidFilter(
            "null không so sánh được. Hãy dùng phép isNull",
            "null cannot be compared. Use the operator isNull",
            position=path,
        )

    def items(self, values: list[object] | tuple[object, ...], path: str, depth: int) -> tuple[Expr, ...]:
        return tuple(self.expression(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(values))

    def member(self, value: Mapping[str, object], path: str, depth: int) -> Expr:
        if "op" in value:
            return self.operator(value, path, depth)
        if "type" in value:
            shape = parse_geojson(value, parameter="filter", crs=self.filter_crs)
            return GeometryLiteral(shape, path)
        for name, make in (("date", date_literal), ("timestamp", timestamp_literal)):
            if name in value:
                return make(_string(value[name], f"{path}.{name}"), path)
        if "property" in value:
            return Property(_string(value["property"], f"{path}.property"), path)
        if "interval" in value:
            return self.interval(value["interval"], f"{path}.interval")
        if "bbox" in value:
            return bbox_literal(value["bbox"], self.filter_crs, path)
        known = "op, property, date, timestamp, interval, bbox, type"
        raise InvalidFilter(
            f"Đối tượng phải có một trong các thành phần: {known}",
            f"The object needs one of the members: {known}",
            position=path,
        )

    def operator(self, value: Mapping[str, object], path: str, depth: int) -> Expr:
        op = _string(value["op"], f"{path}.op").lower()
        arguments = value.get("args")
        if not isinstance(arguments, list | tuple):
            raise InvalidFilter(
                f"Phép '{shorten(op)}' thiếu danh sách args. Hãy thêm args: [...]",
                f"Operator '{shorten(op)}' has no list of args. Add args: [...]",
                position=path,
            )
        args = self.items(arguments, f"{path}.args", depth)
        if op in ARRAYS:
            args = tuple(ArrayLiteral((item,), item.position) if isinstance(item, Literal) else item for item in args)
        return operation(op, args, path)

    def interval(self, value: object, path: str) -> IntervalLiteral:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise InvalidFilter(
                'Khoảng thời gian phải có hai đầu. Hãy ghi như ["2025-07-01", ".."]',
                'An interval has two ends. Write it like ["2025-07-01", ".."]',
                position=path,
            )
        start, end = (self.interval_end(item, f"{path}[{index}]") for index, item in enumerate(value))
        return IntervalLiteral(start, end, path)

    def interval_end(self, value: object, path: str) -> Literal | Property | None:
        if isinstance(value, str):
            return instant_literal(value, path)
        end = self.expression(value, path, 1)
        if isinstance(end, Literal | Property):
            return end
        raise InvalidFilter(
            "Đầu khoảng phải là thời gian, '..' hoặc property. Hãy sửa lại",
            "An interval ends with a time, '..' or a property. Correct it",
            position=path,
        )


def _string(value: object, path: str) -> str:
    if isinstance(value, str):
        return value
    raise InvalidFilter(
        "Chỗ này phải là chuỗi. Hãy đặt trong dấu nháy kép",
        "A string is expected here. Put it in double quotes",
        position=path,
    )
