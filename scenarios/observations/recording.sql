-- Rows come as a JSON array, each place, indicator and moment once. Earlier versions stay; what is known already is left.
WITH told AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row (
        indicator text, kind text, layer text, key text, unit_code text, lon double precision, lat double precision,
        at timestamptz, value double precision
    )
), new_places AS (
    INSERT INTO observing.places (kind, layer, key, unit_code, lon, lat)
    SELECT kind, layer, key, unit_code, coalesce(lon, ST_X(inside)), coalesce(lat, ST_Y(inside))
    FROM (
        SELECT DISTINCT ON (kind, layer, key) kind, layer, key, unit_code, lon, lat FROM told
        WHERE NOT EXISTS (SELECT 1 FROM observing.places AS held
            WHERE (held.kind, held.layer, held.key) = (told.kind, told.layer, told.key))
        ORDER BY kind, layer, key, lon NULLS LAST, lat
    ) AS missing
    -- An alert about a unit stands on the map where the unit is.
    LEFT JOIN LATERAL (
        SELECT ST_PointOnSurface(geom) AS inside FROM features.communes WHERE kind = 'unit' AND code = missing.key
        UNION ALL
        SELECT ST_PointOnSurface(geom) FROM features.provinces WHERE kind = 'unit' AND code = missing.key
    ) AS unit ON true
    ON CONFLICT (kind, layer, key) DO NOTHING
    RETURNING id, kind, layer, key
), placed AS (
    SELECT told.*, coalesce(place.id, new_places.id) AS place_id FROM told
    LEFT JOIN observing.places AS place USING (kind, layer, key)
    LEFT JOIN new_places USING (kind, layer, key)
), new_series AS (
    INSERT INTO observing.series (indicator, place_id)
    SELECT DISTINCT indicator, place_id FROM placed ORDER BY place_id, indicator
    ON CONFLICT (indicator, place_id) DO NOTHING
    RETURNING id, indicator, place_id
), named AS (
    SELECT placed.*, coalesce(series.id, new_series.id) AS series_id FROM placed
    LEFT JOIN observing.series AS series USING (indicator, place_id)
    LEFT JOIN new_series USING (indicator, place_id)
), compared AS (
    SELECT named.*, standing.version, standing.received_at AS known_since,
        standing.value IS NOT DISTINCT FROM named.value AS is_same
    FROM named LEFT JOIN {table} AS standing
        ON standing.series_id = named.series_id AND standing.{moment} = named.at AND standing.superseded_at IS NULL
), ended AS (
    UPDATE {table} AS standing SET superseded_at = greatest(CAST(:received_at AS timestamptz), compared.known_since)
    FROM compared
    WHERE standing.series_id = compared.series_id AND standing.{moment} = compared.at
        AND standing.version = compared.version AND NOT compared.is_same
), kept AS (
    INSERT INTO {table} (series_id, {moment}, version, value, received_at, source)
    SELECT series_id, at, coalesce(version, 0) + 1, value, greatest(CAST(:received_at AS timestamptz), known_since), :source
    FROM compared WHERE NOT coalesce(is_same AND version IS NOT NULL, false)
    RETURNING version
)
SELECT count(*) FILTER (WHERE version IS NULL) AS added,
    count(*) FILTER (WHERE version IS NOT NULL AND NOT is_same) AS corrected,
    count(*) FILTER (WHERE version IS NOT NULL AND is_same) AS same,
    array_agg(DISTINCT indicator) FILTER (WHERE version IS NULL OR NOT is_same) AS indicators
FROM compared
