"""Spatial operators (OGC 21-065r2, 7.6): the envelope first for the index, then the exact predicate."""

from typing import Final

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Boolean, ColumnElement, and_, func, not_, or_

from spatial.cql2.expression import Expr, GeometryLiteral, Operation, Property
from spatial.cql2.fields import Scope, Typed, ValueType, geometry_literal, mismatch
from spatial.errors import InvalidFilter

_FUNCTIONS: Final = {
    "s_equals": "ST_Equals",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
    "s_contains": "ST_Contains",
    "s_crosses": "ST_Crosses",
    "s_overlaps": "ST_Overlaps",
    "s_intersects": "ST_Intersects",
}


def spatial(node: Operation, scope: Scope) -> ColumnElement[bool]:
    """Return the SQL of a spatial operator.

    Raises:
        InvalidFilter: an argument is no geometry, or a collection of mixed dimensions where none can be.
    """
    if node.op == "s_disjoint":
        return not_(spatial(Operation("s_intersects", node.args, node.position), scope))
    first, second = node.args
    if node.op == "s_intersects" and (members := _members(second)):
        return or_(*(_predicate(node.op, first, member, scope) for member in members))
    if node.op == "s_intersects" and (members := _members(first)):
        return or_(*(_predicate(node.op, member, second, scope) for member in members))
    return _predicate(node.op, first, second, scope)


def _predicate(op: str, first: Expr, second: Expr, scope: Scope) -> ColumnElement[bool]:
    left, right = _geometry(first, scope), _geometry(second, scope)
    exact: ColumnElement[bool] = getattr(func, _FUNCTIONS[op])(left.sql, right.sql, type_=Boolean())
    return and_(left.sql.op("&&", return_type=Boolean())(right.sql), exact)


def _members(node: Expr) -> tuple[GeometryLiteral, ...]:
    """Returns the parts of a collection; intersecting it is intersecting one of them."""
    if not isinstance(node, GeometryLiteral) or node.geometry.geom_type != "GeometryCollection":
        return ()
    return tuple(GeometryLiteral(part, node.position) for part in _flat(node.geometry))


def _flat(geometry: BaseGeometry) -> list[BaseGeometry]:
    if geometry.geom_type != "GeometryCollection":
        return [geometry]
    return [part for member in shapely.get_parts(geometry) for part in _flat(member)]


def _geometry(node: Expr, scope: Scope) -> Typed:
    if isinstance(node, GeometryLiteral):
        return geometry_literal(_homogeneous(node, scope))
    if isinstance(node, Property):
        found = scope.property(node)
        if found.type is ValueType.GEOMETRY:
            return found
        raise mismatch(
            found,
            frozenset({ValueType.GEOMETRY}),
            "Hãy dùng trường geometry hoặc một hình học",
            "Use the field geometry, or a geometry literal",
        )
    raise InvalidFilter(
        "Phép không gian cần trường geometry, hình học WKT hoặc BBOX. Hãy sửa đối số",
        "A spatial operator takes the field geometry, a geometry or a BBOX. Correct the argument",
        parameter=scope.parameter,
        position=node.position,
    )


def _homogeneous(node: GeometryLiteral, scope: Scope) -> GeometryLiteral:
    if node.geometry.geom_type != "GeometryCollection":
        return node
    parts = _flat(node.geometry)
    if len({shapely.get_dimensions(part) for part in parts}) == 1:
        return GeometryLiteral(shapely.union_all(parts), node.position)
    raise InvalidFilter(
        "GEOMETRYCOLLECTION trộn điểm, đường và vùng chỉ dùng được với S_INTERSECTS và S_DISJOINT. Hãy tách ra",
        "A GEOMETRYCOLLECTION of mixed dimensions works with S_INTERSECTS and S_DISJOINT only. Split it",
        parameter=scope.parameter,
        position=node.position,
    )
