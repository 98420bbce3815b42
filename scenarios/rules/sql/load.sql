compared AS (
    SELECT newest.*, capacity.value AS other, capacity.at AS other_at, capacity.version AS other_version,
        CAST(NULL AS bigint) AS samples
    FROM newest LEFT JOIN observing.series AS limits
        ON limits.place_id = newest.place_id AND limits.indicator = :capacity
    LEFT JOIN LATERAL (
        SELECT at, version, {value}
        FROM observing.observations AS observation
        WHERE observation.series_id = limits.id AND at <= :at AND at > CAST(:at AS timestamptz) - :capacity_stale
            AND {known}
        ORDER BY at DESC, version DESC LIMIT 1
    ) AS capacity ON true
), figures AS (SELECT {columns}, round(round(value * 100, 40) / nullif(other, 0), 9) AS figure FROM compared)
