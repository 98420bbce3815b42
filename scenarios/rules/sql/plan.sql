compared AS (
    SELECT newest.*, plan.value AS other, plan.period_start AS other_at, plan.version AS other_version,
        CAST(NULL AS bigint) AS samples
    FROM newest LEFT JOIN LATERAL (
        SELECT period_start, version, {value}
        FROM observing.targets AS target
        WHERE target.series_id = newest.series_id AND period_start <= newest.observed_at
            AND (:plan_period = 'running' OR period_start = newest.observed_at)
            AND {known}
        ORDER BY period_start DESC, version DESC LIMIT 1
    ) AS plan ON true
), figures AS (SELECT {columns}, {compared} AS figure FROM compared)
