-- The communes of every province that one of these units belongs to, drawn in Web Mercator metres, north up, y downwards.
-- A drawing of a thousand parts across shows no finer bend than one of them.
WITH shown AS (
    SELECT commune.code, commune.name, ST_Transform(commune.geom, 3857) AS geom FROM features.communes AS commune
    WHERE commune.parent_code = ANY (CAST(:codes AS text[])) OR commune.parent_code IN (
        SELECT parent_code FROM features.communes WHERE code = ANY (CAST(:codes AS text[])))
), frame AS (
    SELECT ST_XMin(extent) AS west, ST_YMin(extent) AS south, ST_XMax(extent) AS east, ST_YMax(extent) AS north,
        greatest(ST_XMax(extent) - ST_XMin(extent), ST_YMax(extent) - ST_YMin(extent)) / 1000 AS step
    FROM (SELECT ST_Extent(geom) AS extent FROM shown) AS whole
)
SELECT shown.code, shown.name, ST_AsSVG(ST_SimplifyPreserveTopology(shown.geom, frame.step), 0, 0) AS path,
    ST_X(ST_PointOnSurface(shown.geom)) AS x, -ST_Y(ST_PointOnSurface(shown.geom)) AS y,
    frame.west, frame.south, frame.east, frame.north
FROM shown CROSS JOIN frame ORDER BY shown.code
