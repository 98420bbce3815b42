"""Reads the JSON document of a spatial question into values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from spatial.crs import CRS, parse_crs
from spatial.document import Node
from spatial.errors import InvalidCRS
from spatial.question_conditions import (
    read_boundary,
    read_filter,
    read_nearest,
    read_point,
    read_radius,
    read_route,
    read_zone,
)
from spatial.question_model import (
    Condition,
    FeaturesPage,
    Figures,
    Format,
    Level,
    NearestCondition,
    Op,
    Question,
    RouteCondition,
    Value,
    ZoneCondition,
)

MAX_PAGE: Final = 10_000
DEFAULT_PAGE: Final = 100
MAX_CONDITIONS: Final = 20
MAX_VALUES: Final = 30
MAX_BY: Final = 5
MAX_PROPERTIES: Final = 300
# Words kept clear of the features' own names, because a revision is a bigint.
_MAX_REVISION: Final = 2**63 - 1
_MEMBERS: Final = (
    "layer", "where", "filter", "filter_lang", "figures", "features",
    "crs", "coordinates_crs", "revision", "at", "format",
)  # fmt: skip
_CONDITIONS: Final[Mapping[str, Callable[[Node, Node, CRS], Condition]]] = {
    "point": read_point,
    "nearest": read_nearest,
    "radius": read_radius,
    "zone": read_zone,
    "route": read_route,
    "boundary": read_boundary,
}
_OVER_FIELD: Final = frozenset({Op.SUM, Op.MEAN, Op.MIN, Op.MAX, Op.MEDIAN})
_SHARED: Final = frozenset({Op.COUNT, Op.SUM, Op.AREA_M2, Op.LENGTH_M, Op.PART_AREA_M2, Op.PART_LENGTH_M})


def parse_question(document: object) -> Question:
    """Return the question of a decoded JSON document; unknown members are refused.

    Coordinates are in the axis order of ``coordinates_crs`` (CRS84 where it is absent) and are kept in EPSG:4326.

    Raises:
        InvalidQuestion: a member is unknown, missing or out of range; ``parameter`` is its path.
        InvalidGeometry: a geometry cannot be used.
        InvalidFilter: a filter cannot be parsed.
        InvalidCRS: a CRS is not served.
    """
    root = Node("", document).members(*_MEMBERS)
    if not root.has("layer"):
        raise root.at("layer").refuse(
            "Thiếu tên lớp. Hãy ghi 'layer', ví dụ \"schools\".",
            "The layer is missing. Write 'layer', such as \"schools\".",
        )
    coordinates_crs = _crs(root.at("coordinates_crs"))
    where = _conditions(root, coordinates_crs)
    figures = _figures(root.at("figures"), where) if root.has("figures") else None
    features = _features(root, default=figures is None)
    question = Question(
        layer=root.at("layer").text(at_most=100),
        where=where,
        filter=read_filter(root, coordinates_crs),
        figures=figures,
        features=features,
        crs=_crs(root.at("crs")),
        coordinates_crs=coordinates_crs,
        revision=root.at("revision").integer(1, _MAX_REVISION) if root.has("revision") else None,
        at=root.at("at").instant() if root.has("at") else None,
        format=_format(root, listed=features is not None),
    )
    _check_whole(question, root)
    return question


def _crs(node: Node) -> CRS:
    if node.value is not None and not isinstance(node.value, str):
        raise InvalidCRS(
            "Tên hệ tọa độ phải là chuỗi, ví dụ EPSG:5897.",
            "A CRS is named by a text, such as EPSG:5897.",
            parameter=node.path,
        )
    return parse_crs(node.value, parameter=node.path)


def _conditions(root: Node, crs: CRS) -> tuple[Condition, ...]:
    if not root.has("where"):
        return ()
    nodes = root.at("where").items(at_least=0, at_most=MAX_CONDITIONS)
    found = tuple(_condition(node, crs) for node in nodes)
    ordered = [item for item in found if isinstance(item, NearestCondition | RouteCondition)]
    if len(ordered) > 1:
        raise Node(ordered[1].path, None).refuse(
            "Chỉ một điều kiện được quyết định thứ tự (nearest hoặc route). Hãy bỏ bớt một điều kiện.",
            "Only one condition may set the order (nearest or route). Remove one of them.",
        )
    parted = [item for item in found if isinstance(item, ZoneCondition) and item.parts]
    if len(parted) > 1:
        raise Node(f"{parted[1].path}.parts", None).refuse(
            "Chỉ đo được phần nằm trong của một vùng. Hãy bỏ 'parts' ở một điều kiện.",
            "The part inside is measured for one zone only. Remove 'parts' from one condition.",
        )
    return found


def _condition(node: Node, crs: CRS) -> Condition:
    node.members(*_CONDITIONS, "tolerance_m")
    kinds = [kind for kind in _CONDITIONS if node.has(kind)]
    if len(kinds) != 1:
        names = ", ".join(_CONDITIONS)
        raise node.refuse(
            f"Mỗi điều kiện có đúng một loại. Hãy dùng một trong: {names}.",
            f"A condition is of exactly one kind. Use one of: {names}.",
        )
    if node.has("tolerance_m") and kinds[0] != "point":
        raise node.at("tolerance_m").refuse(
            "'tolerance_m' chỉ dùng với 'point'. Hãy bỏ mục này.",
            "'tolerance_m' goes with 'point' only. Remove it.",
        )
    return _CONDITIONS[kinds[0]](node, node.at(kinds[0]), crs)


def _figures(node: Node, where: tuple[Condition, ...]) -> Figures:
    node.members("by", "level", "values")
    by = tuple(item.text() for item in node.at("by").items(at_least=0, at_most=MAX_BY)) if node.has("by") else ()
    if len(set(by)) < len(by):
        raise node.at("by").refuse("Có trường lặp lại. Hãy bỏ bớt.", "A field is repeated. Remove it.")
    parts = any(isinstance(item, ZoneCondition) and item.parts for item in where)
    values = [Value(node.at("values").path, Op.COUNT, None, None)]
    if node.has("values"):
        values = [_value(item, parts=parts) for item in node.at("values").items(at_least=1, at_most=MAX_VALUES)]
    names = [value.name for value in values]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise Node(values[index].path, None).refuse(
                f"Số liệu '{name}' lặp lại. Hãy bỏ bớt.", f"The figure '{name}' is repeated. Remove it."
            )
    level = node.at("level").choice(Level) if node.has("level") else None
    return Figures(by=by, level=level, values=tuple(values))


def _value(node: Node, *, parts: bool) -> Value:
    node.members("op", "field", "of")
    op = node.at("op").choice(Op)
    of = _shared(node) if op is Op.SHARE else None
    if op is not Op.SHARE and node.has("of"):
        raise node.at("of").refuse("'of' chỉ dùng với 'share'. Hãy bỏ mục này.", "'of' goes with 'share'. Remove it.")
    measured = of or op
    if (measured in _OVER_FIELD) != node.has("field"):
        raise node.at("field").refuse(
            f"'{measured}' {'cần một trường số' if measured in _OVER_FIELD else 'không có trường'}. Hãy sửa 'field'.",
            f"'{measured}' takes {'a field of numbers' if measured in _OVER_FIELD else 'no field'}. Correct 'field'.",
        )
    if measured in (Op.PART_AREA_M2, Op.PART_LENGTH_M) and not parts:
        raise node.at("op").refuse(
            f"'{measured}' cần điều kiện 'zone' có \"parts\": true. Hãy thêm điều kiện đó.",
            f"'{measured}' needs a 'zone' condition with \"parts\": true. Add it.",
        )
    return Value(node.path, op, node.at("field").text() if node.has("field") else None, of)


def _shared(node: Node) -> Op:
    of = node.at("of")
    if of.value is None:
        raise of.refuse(
            "Hãy ghi 'of': tỷ trọng của count, sum, area_m2 hay length_m.",
            "Write 'of': a share of count, sum, area_m2 or length_m.",
        )
    measured = of.choice(Op)
    if measured not in _SHARED:
        raise of.refuse(
            "Tỷ trọng chỉ tính được của count, sum, area_m2, length_m. Hãy sửa 'of'.",
            "A share is one of count, sum, area_m2 or length_m. Correct 'of'.",
        )
    return measured


def _features(root: Node, *, default: bool) -> FeaturesPage | None:
    node = root.at("features")
    if node.value is False:
        return None
    if node.value is None or node.value is True:
        wanted = default or node.value is True
        return FeaturesPage(DEFAULT_PAGE, None, None, geometry=True) if wanted else None
    node.members("limit", "cursor", "properties", "geometry")
    names = None
    if node.has("properties"):
        names = tuple(i.text() for i in node.at("properties").items(at_least=0, at_most=MAX_PROPERTIES))
    return FeaturesPage(
        limit=node.at("limit").integer(1, MAX_PAGE) if node.has("limit") else DEFAULT_PAGE,
        cursor=node.at("cursor").text(at_most=400) if node.has("cursor") else None,
        properties=names,
        geometry=node.at("geometry").boolean() if node.has("geometry") else True,
    )


def _format(root: Node, *, listed: bool) -> Format:
    if root.has("format"):
        return root.at("format").choice(Format)
    return Format.GEOJSON if listed else Format.JSON


def _check_whole(question: Question, root: Node) -> None:
    if question.revision is not None and question.at is not None:
        raise root.at("at").refuse(
            "Chỉ dùng một trong 'revision' và 'at'. Hãy bỏ một mục.", "Use one of 'revision' and 'at'. Remove one."
        )
    if question.format is Format.CSV and question.figures is not None and question.features is not None:
        raise root.at("format").refuse(
            "CSV chỉ chứa một bảng. Hãy đặt features: false, hoặc dùng json.",
            "CSV holds one table. Set features: false, or use json.",
        )
