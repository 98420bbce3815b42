pairs AS (
    SELECT newest.*, earlier.value AS before, earlier.at AS other_at, earlier.version AS other_version
    FROM newest {before}
), now_ranks AS (
    SELECT series_id, rank() OVER (PARTITION BY province, kind, layer ORDER BY value * :sign DESC) AS place
    FROM pairs WHERE value IS NOT NULL
), then_ranks AS (
    SELECT series_id, rank() OVER (PARTITION BY province, kind, layer ORDER BY before * :sign DESC) AS place
    FROM pairs WHERE before IS NOT NULL
), compared AS (
    SELECT pairs.*, now_ranks.place AS samples, CAST(then_ranks.place AS numeric) AS other
    FROM pairs LEFT JOIN now_ranks USING (series_id) LEFT JOIN then_ranks USING (series_id)
), figures AS (SELECT {columns}, CAST(samples AS numeric) - other AS figure FROM compared)
