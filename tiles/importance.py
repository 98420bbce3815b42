"""The order of features in a tile: what a cap keeps, and what is drawn first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case

from layers.definition import Definition, GeometryType
from layers.tables import measure_column
from tiles.content import class_field


def importance(definition: Definition, columns: Any) -> list[ColumnElement[Any]]:
    """What features are ordered by: polygons by size; others by their class's place in the style, then length."""
    measure = measure_column(definition)
    ordered: list[ColumnElement[Any]] = []
    by, style = class_field(definition), definition.style
    if definition.geometry is not GeometryType.MULTIPOLYGON and by is not None and style is not None and style.classes:
        ranks = {entry.value: rank for rank, entry in enumerate(style.classes)}
        ordered.append(case(ranks, value=columns[by.name], else_=len(ranks)))
    if measure is not None:
        ordered.append(columns[measure[0]].desc())
    return [*ordered, columns.fid]
