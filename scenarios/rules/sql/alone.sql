CAST(NULL AS numeric) AS other, CAST(NULL AS timestamptz) AS other_at, CAST(NULL AS integer) AS other_version,
        CAST(NULL AS bigint) AS samples
