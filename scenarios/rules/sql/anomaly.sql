spread AS (
    SELECT newest.*, past.samples, past.other_at, CAST(NULL AS integer) AS other_version,
        round(round(past.total, 40) / nullif(past.samples, 0), 9) AS other,
        CASE WHEN past.samples >= :min_samples AND past.samples > 1 THEN round(sqrt(round(
            round(past.samples * past.squares - past.total * past.total, 40)
            / (CAST(past.samples AS numeric) * (past.samples - 1)), 40)), 9) END AS deviation
    FROM newest {window}
), scored AS (
    SELECT {columns}, round(round(value - other, 40) / nullif(deviation, 0), 9) AS score FROM spread
), figures AS (
    SELECT {columns}, CASE :direction WHEN 'up' THEN score WHEN 'down' THEN -score ELSE abs(score) END AS figure FROM scored
)
