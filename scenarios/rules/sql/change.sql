compared AS (
    SELECT newest.*, earlier.value AS other, earlier.at AS other_at, earlier.version AS other_version,
        CAST(NULL AS bigint) AS samples
    FROM newest {before}
), moved AS (SELECT {columns}, {compared} AS figure FROM compared
), figures AS (
    SELECT {columns}, CASE :direction WHEN 'up' THEN figure WHEN 'down' THEN -figure ELSE abs(figure) END AS figure FROM moved
)
