compared AS (
    SELECT newest.*, earlier.value AS other, earlier.at AS other_at, earlier.version AS other_version,
        CAST(NULL AS bigint) AS samples
    FROM newest LEFT JOIN LATERAL (
        SELECT at, version, {value}
        FROM observing.observations AS observation
        WHERE observation.series_id = newest.series_id AND at = (newest.observed_at AT TIME ZONE 'Asia/Ho_Chi_Minh'
                - make_interval(years => :lag_years, days => :lag_days)) AT TIME ZONE 'Asia/Ho_Chi_Minh'
            AND {known}
        ORDER BY at DESC, version DESC LIMIT 1
    ) AS earlier ON true
), figures AS (SELECT {columns}, {compared} AS figure FROM compared)
