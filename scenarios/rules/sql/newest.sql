WITH judged AS (
    SELECT series.id AS series_id, series.place_id, place.kind, place.layer, place.key, place.unit_code, place.lon,
        place.lat, coalesce(commune.parent_code, place.unit_code) AS province, CAST(NULL AS jsonb) AS detail
    FROM observing.series AS series
    JOIN observing.places AS place ON place.id = series.place_id
    LEFT JOIN features.communes AS commune ON commune.code = place.unit_code
    WHERE series.indicator = :indicator AND place.kind = ANY (CAST(:kinds AS text[]))
        AND (CAST(:key_length AS integer) IS NULL OR length(place.key) = :key_length)
), newest AS (
    SELECT judged.*, seen.at AS observed_at, seen.version, seen.value
    FROM judged LEFT JOIN LATERAL (
        SELECT at, version, {value}
        FROM observing.observations AS observation
        WHERE observation.series_id = judged.series_id AND at <= :at AND at > CAST(:at AS timestamptz) - :stale
            AND {known}
        ORDER BY at DESC, version DESC LIMIT 1
    ) AS seen ON true
)
