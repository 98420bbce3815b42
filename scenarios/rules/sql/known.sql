received_at <= :known_at AND (superseded_at IS NULL OR superseded_at > :known_at)
            AND value > '-Infinity' AND value < 'Infinity'
