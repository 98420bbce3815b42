LEFT JOIN LATERAL (
        SELECT count(*) AS samples, sum(value) AS total, sum(value * value) AS squares, min(at) AS other_at
        FROM (
            SELECT at, {value} FROM observing.observations AS observation
            WHERE observation.series_id = newest.series_id AND at < newest.observed_at
                AND at >= newest.observed_at - CAST(:span AS interval) AND {known}
        ) AS seen
    ) AS past ON true
