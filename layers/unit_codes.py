"""Gives every staged row the admin unit that it belongs to."""

from __future__ import annotations

from sqlalchemy import Connection, func, text, update

from layers.definition import Definition
from layers.staging import stage_table
from layers.tables import has_unit_codes

NO_UNIT = "00000"
NO_PROVINCE = "00"
PROVINCES, COMMUNES, HAMLETS, FORMER_UNITS = "provinces", "communes", "hamlets", "former-units"

# A commune that covers a feature wholly needs no intersection to be computed.
_SHARES = """
UPDATE stage SET unit_code = owner.codes[1], unit_codes = owner.codes, province_code = owner.provinces[1]
FROM (
    SELECT row_no, array_agg(code ORDER BY share DESC, code) AS codes,
           array_agg(parent_code ORDER BY share DESC, code) AS provinces
    FROM (
        SELECT s.row_no, c.code, c.parent_code,
               CASE WHEN ST_CoveredBy(s.geom, c.geom) THEN 'Infinity'::double precision
                    WHEN ST_Dimension(s.geom) = 2 THEN ST_Area(ST_Intersection(s.geom, c.geom))
                    ELSE ST_Length(ST_Intersection(s.geom, c.geom)) END AS share
        FROM stage s JOIN features.communes c ON c.geom && s.geom AND ST_Intersects(c.geom, s.geom)
        WHERE s.unit_code IS NULL AND s.geom IS NOT NULL
    ) shares WHERE share > 0 GROUP BY row_no
) owner WHERE stage.row_no = owner.row_no
"""
_CONTAINING = """
UPDATE stage SET unit_code = owner.code, province_code = owner.parent_code
FROM (
    SELECT DISTINCT ON (s.row_no) s.row_no, c.code, c.parent_code
    FROM stage s JOIN features.communes c ON c.geom && s.geom AND ST_Intersects(c.geom, s.geom)
    WHERE s.unit_code IS NULL AND s.geom IS NOT NULL
    ORDER BY s.row_no, c.code
) owner WHERE stage.row_no = owner.row_no
"""
_PROVINCE_OF_UNIT = """
UPDATE stage SET province_code = c.parent_code FROM features.communes c
WHERE stage.province_code IS NULL AND c.code = stage.unit_code
"""


def assign_units(connection: Connection, definition: Definition) -> None:
    """Fills ``province_code``, ``unit_code`` and ``unit_codes`` of the staged rows.

    The declared field wins; else the commune that contains a point (of two that share its edge, the lower
    code) or holds the largest share of a line or polygon; else ``00000``. A commune that a feature only touches
    has no share of it. Shares are compared in degrees,
    which within one feature differ from metres by less than the tolerance of a boundary.
    """
    stage = stage_table(definition)
    if definition.slug == PROVINCES:
        connection.execute(update(stage).values(province_code=stage.c.code, unit_code=NO_UNIT))
    elif definition.slug == COMMUNES:
        connection.execute(update(stage).values(province_code=stage.c.parent_code, unit_code=stage.c.code))
    elif definition.unit_field is not None:
        declared = stage.c[definition.unit_field]
        connection.execute(update(stage).values(unit_code=declared).where(stage.c.unit_code.is_(None)))
    if definition.geometry is not None and definition.slug not in (PROVINCES, COMMUNES, FORMER_UNITS):
        connection.execute(text("ANALYZE stage"))
        connection.execute(text(_SHARES if has_unit_codes(definition) else _CONTAINING))
    connection.execute(text(_PROVINCE_OF_UNIT))
    values = {
        "province_code": func.coalesce(stage.c.province_code, NO_PROVINCE),
        "unit_code": func.coalesce(stage.c.unit_code, NO_UNIT),
    }
    connection.execute(update(stage).values(values))
    if has_unit_codes(definition):
        codes = func.coalesce(stage.c.unit_codes, func.array_append(text("'{}'::text[]"), stage.c.unit_code))
        connection.execute(update(stage).values(unit_codes=codes))
