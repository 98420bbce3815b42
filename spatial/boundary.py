"""The admin boundary as a condition: by the codes that every feature carries, hamlets by their geometry."""

from __future__ import annotations

from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    not_,
    or_,
)

from spatial.bbox import Envelope
from spatial.errors import InvalidQuestion
from spatial.measures import bound_geometry, envelope, geometry_value, overlaps
from spatial.question_model import BoundaryCondition
from spatial.target import Target

_INSIDES_MEET = literal_column("'T********'", Text)


@dataclass(frozen=True, slots=True)
class BoundaryUnits:
    """The units of a boundary condition, known to exist.

    Attributes:
        provinces: Codes asked as whole provinces.
        communes: Codes asked as communes.
        inner: ``communes`` and all communes of ``provinces``.
        hamlets: Codes asked as hamlets.
        hamlet_zone: The hamlets' polygons as one geometry in EPSG:4326.
        extent: Envelope of all units asked, in EPSG:4326.
    """

    provinces: tuple[str, ...]
    communes: tuple[str, ...]
    inner: tuple[str, ...]
    hamlets: tuple[str, ...]
    hamlet_zone: BaseGeometry | None
    extent: Envelope


def has_hamlets(condition: BoundaryCondition) -> bool:
    """Tell whether a boundary names hamlets, which are met by geometry and not by code."""
    return any("-" in code for code in condition.units)


def boundary_clause(target: Target, condition: BoundaryCondition, prefix: str) -> ColumnElement[bool]:
    """Return the SQL of a boundary; lines and polygons belong to every commune that they lie in.

    Raises:
        InvalidQuestion: hamlets are asked of a layer without geometry.
    """
    own = or_(
        _is_any(target.column("province_code"), f"{prefix}provinces"),
        _is_any(target.column("unit_code"), f"{prefix}communes"),
    )
    exact = own
    if target.spans_units:
        inner = bindparam(f"{prefix}inner", type_=ARRAY(Text))
        exact = or_(own, target.column("unit_codes").op("&&", return_type=Boolean())(inner))
    if has_hamlets(condition):
        exact = or_(exact, _in_hamlets(target, condition, prefix))
    if condition.outside:
        return not_(exact)
    if exact is own:
        return own
    # No index answers the exact test. This one holds wherever the exact one does, and what it asks of indexes is
    # leakproof: that a feature lies in several communes is the condition of an index, not asked of it.
    near = overlaps(target.geom, envelope(prefix))
    if not has_hamlets(condition):
        near = and_(lies_in_several(target.column("unit_codes")), near)
    return and_(or_(own, near), exact)


def lies_in_several(unit_codes: ColumnElement[object]) -> ColumnElement[bool]:
    """Return whether a feature lies in several communes: few do, and an index of their own finds them.

    Args:
        unit_codes: Codes of the communes, ``text[]``.
    """
    return func.cardinality(unit_codes, type_=Integer) > literal_column("1", Integer)


def _in_hamlets(target: Target, condition: BoundaryCondition, prefix: str) -> ColumnElement[bool]:
    if target.geometry_type is None:
        raise InvalidQuestion(
            f"Lớp '{target.slug}' là bảng, không chia được theo thôn. Hãy hỏi theo mã xã.",
            f"Layer '{target.slug}' is a table and cannot be asked by hamlet. Ask by commune code.",
            parameter=f"{condition.path}.units",
        )
    zone = bound_geometry(f"{prefix}hamlets")
    if target.geometry_type == "Point":
        return and_(overlaps(target.geom, zone), func.ST_Intersects(target.geom, zone, type_=Boolean()))
    # A parcel of the next hamlet shares an edge with this one, so touching is not enough.
    inside = func.ST_CoveredBy(target.geom, zone, type_=Boolean())
    meets = func.ST_Relate(target.geom, zone, _INSIDES_MEET, type_=Boolean())
    return and_(overlaps(target.geom, zone), or_(inside, meets))


def boundary_values(condition: BoundaryCondition, units: BoundaryUnits, prefix: str) -> dict[str, object]:
    """Return the parameters of :func:`boundary_clause`."""
    west, south, east, north = units.extent
    values: dict[str, object] = {
        f"{prefix}provinces": list(units.provinces),
        f"{prefix}communes": list(units.communes),
        f"{prefix}inner": list(units.inner),
        f"{prefix}west": west,
        f"{prefix}south": south,
        f"{prefix}east": east,
        f"{prefix}north": north,
    }
    if units.hamlet_zone is not None:
        values[f"{prefix}hamlets"] = geometry_value(units.hamlet_zone)
    return values


def _is_any(column: ColumnElement[object], name: str) -> ColumnElement[bool]:
    return column == any_(bindparam(name, type_=ARRAY(Text)))
