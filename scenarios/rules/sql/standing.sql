, before AS (
    SELECT * FROM judging.standings WHERE scenario = :scenario AND rule = :rule
), seen AS (
    SELECT coalesce(now.kind, before.place_kind) AS kind, coalesce(now.layer, before.place_layer) AS layer,
        coalesce(now.key, before.place_key) AS key, coalesce(now.unit_code, before.unit_code) AS unit_code,
        CASE WHEN now.key IS NULL THEN before.lon ELSE now.lon END AS lon,
        CASE WHEN now.key IS NULL THEN before.lat ELSE now.lat END AS lat,
        now.series_id, now.observed_at, now.version, now.value, now.other, now.other_at, now.other_version,
        now.samples, now.detail, now.figure,
        before.standing AS old_standing, before.since_at AS old_since_at, before.condition_since_at AS begun_at,
        coalesce(before.is_engaged, false) AS was_engaged, before.told_at AS old_told_at,
        CASE
            WHEN now.key IS NULL AND :absent_is_clear THEN false
            WHEN now.figure IS NULL THEN NULL
            WHEN CAST(:operator AS text) IS NULL THEN true
            ELSE CASE CAST(:operator AS text)
                WHEN '<' THEN now.figure < bound.figure
                WHEN '<=' THEN now.figure <= bound.figure
                WHEN '>' THEN now.figure > bound.figure
                WHEN '>=' THEN now.figure >= bound.figure
            END
        END AS condition
    FROM figures AS now
    FULL JOIN before ON (before.place_kind, before.place_layer, before.place_key) = (now.kind, now.layer, now.key)
    CROSS JOIN LATERAL (SELECT round(CAST(CASE WHEN before.condition_since_at IS NULL THEN :limit
        ELSE coalesce(CAST(:clear AS double precision), :limit) END AS numeric), 9) AS figure) AS bound
), timed AS (
    SELECT seen.*, CASE WHEN condition THEN coalesce(begun_at, :at)
        WHEN condition IS NULL AND was_engaged THEN begun_at END AS condition_since_at
    FROM seen
), engaged AS (
    SELECT timed.*, CASE WHEN condition IS NULL THEN was_engaged WHEN NOT condition THEN false
        ELSE was_engaged OR (CAST(:at AS timestamptz) - condition_since_at >= :min_duration AND NOT :is_quiet
            AND (old_told_at IS NULL OR CAST(:at AS timestamptz) - old_told_at >= :rate_limit)) END AS is_engaged
    FROM timed
), stood AS (
    SELECT engaged.*, CASE WHEN condition IS NULL THEN 'no_signal' WHEN is_engaged THEN 'holds' ELSE 'clear' END
            AS standing,
        CASE WHEN is_engaged AND NOT was_engaged THEN CAST(:at AS timestamptz) ELSE old_told_at END AS told_at
    FROM engaged
), next AS (
    SELECT stood.*, CASE WHEN standing = 'holds' THEN condition_since_at WHEN standing = old_standing THEN old_since_at
        ELSE CAST(:at AS timestamptz) END AS since_at
    FROM stood
), kept AS (
    INSERT INTO judging.standings AS standing (scenario, rule, place_kind, place_layer, place_key, unit_code, lon, lat,
        standing, since_at, condition_since_at, is_engaged, told_at)
    SELECT :scenario, :rule, kind, layer, key, unit_code, lon, lat, standing, since_at, condition_since_at, is_engaged,
        told_at
    FROM next
    WHERE (standing, since_at, condition_since_at, is_engaged, told_at)
        IS DISTINCT FROM (old_standing, old_since_at, begun_at, was_engaged, old_told_at)
    ON CONFLICT (scenario, rule, place_kind, place_layer, place_key) DO UPDATE SET
        unit_code = excluded.unit_code, lon = excluded.lon, lat = excluded.lat, standing = excluded.standing,
        since_at = excluded.since_at, condition_since_at = excluded.condition_since_at,
        is_engaged = excluded.is_engaged, told_at = excluded.told_at
)
SELECT * FROM next WHERE standing = 'holds' OR standing <> old_standing ORDER BY kind, layer, key
