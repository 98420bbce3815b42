"""Whether the layers, fields and values that a rule over features names are there and serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from layers.definition import Definition, Field, FieldType, GeometryType
from layers.errors import suggestion
from scenarios.definition import RuleScope
from scenarios.rules.errors import UnusableTest
from scenarios.rules.feature_shape import (
    Category,
    Deadline,
    FeatureTest,
    Match,
    NewEvent,
    Relation,
    Scalar,
    Spatial,
    layers_of,
)

_MOMENTS: Final = (FieldType.DATE, FieldType.DATETIME)
_VALUES: Final[Mapping[FieldType, type | tuple[type, ...]]] = {
    FieldType.TEXT: str,
    FieldType.BOOLEAN: bool,
    FieldType.INTEGER: int,
    FieldType.NUMBER: (int, float),
}


def check_test(test: FeatureTest, layers: Mapping[str, Definition]) -> None:
    """Holds a test against the definitions in force.

    Args:
        test: What the rule looks at.
        layers: The definitions by slug.

    Raises:
        UnusableTest: A layer is not there; a field is not there, removed, personal or of another type; or a value is
            none that the field can have.
    """
    for slug in layers_of(test):
        if slug not in layers:
            vi, en = suggestion(slug, layers)
            raise UnusableTest("layer", f"không có lớp “{slug}”.{vi}", f'there is no layer "{slug}".{en}')
    own = layers[test.layer]
    match test:
        case Deadline():
            _check_deadline(test, own)
        case Category():
            check_values(own, test.field, test.values, "values")
        case NewEvent():
            _check_moment(own, test.at, "at")
            _check_finished(test, own)
        case Spatial():
            _check_spatial(test, layers)
    _check_where(own, test.where, "where")


def check_scope(test: FeatureTest, scope: RuleScope, layers: Mapping[str, Definition]) -> None:
    """Holds a test against the places that its rule judges.

    Raises:
        UnusableTest: The shape is not told of such places, or what it needs for them is missing or has no geometry.
    """
    if scope is not RuleScope.ITEM and not isinstance(test, (Category, NewEvent)):
        raise UnusableTest(
            "layer",
            "dạng này chỉ xét từng đối tượng; hãy đặt scope: item.",
            "this shape judges items; set scope: item.",
        )
    if not isinstance(test, (Category, NewEvent)):
        return
    around = scope in (RuleScope.NODE, RuleScope.ZONE)
    if around != (test.places is not None):
        raise UnusableTest(
            "places",
            "“places” (lớp điểm nút hoặc vùng) đi cùng scope node hoặc zone và chỉ với chúng.",
            '"places" (the layer of nodes or zones) belongs to the scopes node and zone and only to them.',
        )
    is_cluster = scope is RuleScope.ITEM and isinstance(test, NewEvent)
    if (test.metres is not None) != (scope is RuleScope.NODE) and not is_cluster:
        raise UnusableTest(
            "metres",
            "“metres” (bán kính) đi cùng scope node, hoặc với cụm sự kiện ở scope item.",
            '"metres" (the radius) belongs to scope node, or to clusters of events at scope item.',
        )
    _check_geometries(test, scope, layers)


def _check_geometries(test: Category | NewEvent, scope: RuleScope, layers: Mapping[str, Definition]) -> None:
    if test.places is None and test.metres is None:
        return
    own = layers[test.layer].geometry
    if own is None or (test.places is None and own is not GeometryType.POINT):
        raise UnusableTest(
            "layer",
            f"lớp {test.layer} không có điểm trên bản đồ để xét xa gần.",
            f"layer {test.layer} has no points on the map to be near to anything.",
        )
    if test.places is None:
        return
    zones = layers[test.places].geometry
    if zones is None or (scope is RuleScope.ZONE and zones is not GeometryType.MULTIPOLYGON):
        raise UnusableTest(
            "places",
            f"lớp {test.places} không có vùng (hoặc không có hình học) để làm điểm nút hay vùng.",
            f"layer {test.places} has no polygons (or no geometry) to be zones or nodes.",
        )


def _check_spatial(test: Spatial, layers: Mapping[str, Definition]) -> None:
    for member, slug in (("layer", test.layer), ("other", test.other)):
        if layers[slug].geometry is None:
            raise UnusableTest(
                member, f"lớp {slug} là bảng, không có hình học.", f"layer {slug} is a table without geometry."
            )
    if (test.relation is Relation.NEAR) != (test.metres is not None):
        raise UnusableTest(
            "metres",
            "“metres” đi cùng relation “near” và chỉ với nó; hãy thêm hoặc bỏ.",
            '"metres" belongs to the relation "near" and only to it; add or remove it.',
        )
    if test.relation is Relation.WITHIN and layers[test.other].geometry is not GeometryType.MULTIPOLYGON:
        raise UnusableTest(
            "other",
            f"lớp {test.other} không có vùng; hãy dùng “crossing” hoặc “near”.",
            f'layer {test.other} holds no polygons; use "crossing" or "near".',
        )
    _check_where(layers[test.other], test.other_where, "other_where")


def _check_deadline(test: Deadline, definition: Definition) -> None:
    if (test.due is None) == (test.since is None):
        raise UnusableTest(
            "due",
            "phải có đúng một trong “due” (hạn) và “since” (lúc bắt đầu).",
            'exactly one of "due" (the deadline) and "since" (the start) must be given.',
        )
    _check_moment(definition, test.due or test.since or "", "due" if test.due else "since")
    _check_finished(test, definition)


def _check_moment(definition: Definition, name: str, member: str) -> None:
    if usable_field(definition, name, member).type not in _MOMENTS:
        raise UnusableTest(
            member,
            f"trường “{name}” của lớp {definition.slug} không phải ngày hoặc thời điểm.",
            f'field "{name}" of layer {definition.slug} is no date or time.',
        )


def _check_finished(test: Deadline | NewEvent, definition: Definition) -> None:
    if test.finished:
        usable_field(definition, test.finished, "finished")
    if (test.state is None) != (not test.finished_states):
        raise UnusableTest(
            "state",
            "“state” và “finished_states” đi cùng nhau; hãy thêm hoặc bỏ một.",
            '"state" and "finished_states" belong together; add or remove one.',
        )
    if test.state:
        check_values(definition, test.state, test.finished_states, "finished_states")


def _check_where(definition: Definition, where: tuple[Match, ...], member: str) -> None:
    for match in where:
        check_values(definition, match.field, match.values, member)


def check_values(definition: Definition, name: str, values: tuple[Scalar, ...], member: str) -> None:
    """Holds values against the field that should have them.

    Raises:
        UnusableTest: The field does not serve, or cannot have one of the values.
    """
    field = usable_field(definition, name, member)
    kind = _VALUES.get(field.type)
    if kind is None:
        raise UnusableTest(
            member,
            f"trường “{name}” của lớp {definition.slug} (kiểu {field.type.value}) không so với danh sách giá trị được.",
            f'field "{name}" of layer {definition.slug} (type {field.type.value}) cannot be held against values.',
        )
    for value in values:
        fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not fits or (field.codes is not None and value not in field.codes.codes):
            vi, en = suggestion(str(value), field.codes.codes if field.codes else ())
            raise UnusableTest(
                member,
                f"trường “{name}” của lớp {definition.slug} không có giá trị “{value}”.{vi}",
                f'field "{name}" of layer {definition.slug} has no value "{value}".{en}',
            )


def usable_field(definition: Definition, name: str, member: str) -> Field:
    """The field, if it is there for everybody who may read the layer.

    Raises:
        UnusableTest: It is not there, was removed, or is personal.
    """
    field = definition.find(name)
    if field is not None and field.personal:
        raise UnusableTest(
            member,
            f"trường “{name}” của lớp {definition.slug} là dữ liệu cá nhân; quy tắc không được dùng.",
            f'field "{name}" of layer {definition.slug} is personal; no rule may look at it.',
        )
    if field is None or field.hidden:
        vi, en = suggestion(name, (other.name for other in definition.public_fields))
        raise UnusableTest(
            member,
            f"lớp {definition.slug} không có trường “{name}”, hoặc trường đã bị bỏ.{vi} Hãy sửa quy tắc.",
            f'layer {definition.slug} has no field "{name}", or it was removed.{en} Change the rule.',
        )
    return field
