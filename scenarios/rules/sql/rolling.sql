compared AS (
    SELECT newest.*, past.samples, past.other_at, CAST(NULL AS integer) AS other_version,
        CASE WHEN past.samples >= :min_samples THEN round(round(past.total, 40) / nullif(past.samples, 0), 9) END
            AS other
    FROM newest {window}), figures AS (SELECT {columns}, {compared} AS figure FROM compared)
