LEFT JOIN LATERAL (
        SELECT at, version, {value}
        FROM observing.observations AS observation
        WHERE observation.series_id = newest.series_id AND at < newest.observed_at
            AND at > newest.observed_at - CAST(:stale AS interval) AND {known}
        ORDER BY at DESC, version DESC LIMIT 1
    ) AS earlier ON true
