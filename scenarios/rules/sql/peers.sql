compared AS (
    SELECT newest.*, CAST(NULL AS timestamptz) AS other_at, CAST(NULL AS integer) AS other_version,
        CASE :peers WHEN 'all' THEN round(round(sum(value) OVER kin, 40) / nullif(count(value) OVER kin, 0), 9)
            ELSE round(round(sum(value) OVER kin - value, 40) / nullif(count(value) OVER kin - 1, 0), 9)
        END AS other, count(value) OVER kin AS samples
    FROM newest WINDOW kin AS (PARTITION BY province, kind, layer)
), figures AS (SELECT {columns}, {compared} AS figure FROM compared)
