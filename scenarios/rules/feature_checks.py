"""Whether the layers, fields and values that a rule over features names are there and serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from layers.definition import Definition, Field, FieldType
from layers.errors import suggestion
from scenarios.rules.errors import UnusableTest
from scenarios.rules.feature_shape import Deadline, FeatureTest, Match, Scalar, layers_of

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
    if isinstance(test, Deadline):
        _check_deadline(test, layers[test.layer])
    else:
        check_values(layers[test.layer], test.field, test.values, "values")
    _check_where(layers[test.layer], test.where, "where")


def _check_deadline(test: Deadline, definition: Definition) -> None:
    if (test.due is None) == (test.since is None):
        raise UnusableTest(
            "due",
            "phải có đúng một trong “due” (hạn) và “since” (lúc bắt đầu).",
            'exactly one of "due" (the deadline) and "since" (the start) must be given.',
        )
    name = test.due or test.since or ""
    field = usable_field(definition, name, "due" if test.due else "since")
    if field.type not in _MOMENTS:
        raise UnusableTest(
            "due" if test.due else "since",
            f"trường “{name}” của lớp {definition.slug} không phải ngày hoặc thời điểm.",
            f'field "{name}" of layer {definition.slug} is no date or time.',
        )
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
