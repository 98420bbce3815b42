"""What a file leaves unsaid or says within tolerance stays as it is: staged rows settled on their features."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, update

from layers.definition import Definition, FieldType
from layers.personal.sealing import keep_personal
from layers.staging import stage_table
from layers.tables import feature_table, has_unit_codes

# The Hausdorff distance costs the product of both numbers of vertices.
MAX_COMPARED_VERTICES: Final = 4000


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far values may differ and still mean the same.

    Attributes:
        degrees: Largest distance between two shapes; 1e-7 is about 1 cm.
        relative: Largest difference of two numbers, as a share of the larger.
    """

    degrees: float = 1e-7
    relative: float = 1e-9


DEFAULT: Final = Tolerance()


def keep_geometry(connection: Connection, definition: Definition) -> None:
    """Gives rows that name their feature, but bring no geometry, the feature's own."""
    stage, features = stage_table(definition), feature_table(definition)
    values: dict[str, ColumnElement[object]] = {"geom": features.c.geom}
    connection.execute(update(stage).values(values).where(stage.c.fid == features.c.fid, stage.c.geom.is_(None)))


def keep_unsaid(connection: Connection, definition: Definition, said: Collection[str]) -> None:
    """Fills the fields that the file has no column for with what the matched features hold.

    A file without the owners' names must not erase them.

    Args:
        connection: The transaction that holds ``stage``, matched.
        definition: The layer.
        said: Names of the fields that the file brings.
    """
    stage, features = stage_table(definition), feature_table(definition)
    unsaid = [field for field in definition.fields if field.name not in said]
    shown = {field.name: features.c[field.name] for field in unsaid if not field.personal}
    if shown:
        connection.execute(update(stage).values(shown).where(stage.c.fid == features.c.fid))
    keep_personal(connection, definition, said)


def settle_rows(connection: Connection, definition: Definition, tolerance: Tolerance) -> None:
    """Puts the current value in place of each staged one that differs from it by less than the tolerance."""
    stage, features = stage_table(definition), feature_table(definition)
    numbers = [field.name for field in definition.fields if field.type is FieldType.NUMBER and not field.personal]
    near = {name: _is_near(stage.c[name], features.c[name], tolerance) for name in numbers}
    if near:
        settled = {name: case((is_near, features.c[name]), else_=stage.c[name]) for name, is_near in near.items()}
        connection.execute(update(stage).values(settled).where(stage.c.fid == features.c.fid, or_(*near.values())))
    if definition.geometry is None:
        return
    values: dict[str, ColumnElement[object]] = {"geom": features.c.geom}
    if definition.unit_field is None:
        values |= {"unit_code": features.c.unit_code, "province_code": features.c.province_code}
    if has_unit_codes(definition):
        values["unit_codes"] = features.c.unit_codes
    connection.execute(
        update(stage)
        .values(values)
        .where(stage.c.fid == features.c.fid, _is_same_place(stage.c.geom, features.c.geom, tolerance))
    )


def _is_near(new: ColumnElement[float], old: ColumnElement[float], tolerance: Tolerance) -> ColumnElement[bool]:
    larger = func.greatest(func.abs(new), func.abs(old))
    return and_(new != old, func.abs(new - old) <= tolerance.relative * larger)


def _is_same_place(new: ColumnElement[object], old: ColumnElement[object], tolerance: Tolerance) -> ColumnElement[bool]:
    differs = func.ST_AsBinary(new) != func.ST_AsBinary(old)
    small = func.greatest(func.ST_NPoints(new), func.ST_NPoints(old)) <= MAX_COMPARED_VERTICES
    apart = func.ST_HausdorffDistance(new, old)
    # A shape of very many vertices is compared vertex by vertex, on a grid of the tolerance.
    gridded = func.ST_AsBinary(func.ST_SnapToGrid(new, tolerance.degrees)) == func.ST_AsBinary(
        func.ST_SnapToGrid(old, tolerance.degrees)
    )
    return and_(differs, case((small, apart <= tolerance.degrees), else_=gridded))
