-- One indicator at every admin unit at once. What is observed at places inside a unit is added up or averaged there, as
-- the indicator says; against plan and same period only those places count that have both figures.
WITH unit AS (
    SELECT code, name, coalesce(parent_code, code) AS province, 'commune' AS level FROM features.communes
    UNION ALL
    SELECT code, name, code, 'province' FROM features.provinces
), held AS (
    SELECT series.id AS series_id, place.unit_code
    FROM observing.series AS series JOIN observing.places AS place ON place.id = series.place_id
    WHERE series.indicator = :indicator AND (place.kind, place.layer) = (:kind, :layer)
), seen AS (
    SELECT held.unit_code, newest.*, coalesce(newest.at >= :since, false) AS counts,
        plan.value AS target, earlier.value AS earlier, earlier.at AS earlier_at
    FROM held
    LEFT JOIN LATERAL (
        SELECT at, version, received_at, split_part(source, ':', 1) AS channel, round(CAST(value AS numeric), 9) AS value
        FROM observing.observations AS observation
        WHERE observation.series_id = held.series_id AND at >= :oldest AND at < :until AND received_at <= :known_at
            AND (superseded_at IS NULL OR superseded_at > :known_at)
        ORDER BY at DESC, version DESC LIMIT 1
    ) AS newest ON true
    CROSS JOIN LATERAL (
        SELECT CASE WHEN newest.at >= :since THEN newest.at ELSE :expected END AS at
    ) AS wanted
    LEFT JOIN LATERAL (
        SELECT round(CAST(value AS numeric), 9) AS value
        FROM observing.targets AS target
        WHERE target.series_id = held.series_id AND period_start <= wanted.at
            AND (:is_plan_running OR period_start = wanted.at) AND received_at <= :known_at
            AND (superseded_at IS NULL OR superseded_at > :known_at)
        ORDER BY period_start DESC, version DESC LIMIT 1
    ) AS plan ON true
    -- A week has the week that holds its day a year before.
    LEFT JOIN LATERAL (
        SELECT at, round(CAST(value AS numeric), 9) AS value
        FROM observing.observations AS observation
        WHERE observation.series_id = held.series_id AND received_at <= :known_at
            AND (superseded_at IS NULL OR superseded_at > :known_at)
            AND at = CASE WHEN :is_weekly THEN date_trunc('week', newest.at AT TIME ZONE 'Asia/Ho_Chi_Minh'
                        - interval '1 year') ELSE newest.at AT TIME ZONE 'Asia/Ho_Chi_Minh' - interval '1 year'
                END AT TIME ZONE 'Asia/Ho_Chi_Minh'
        ORDER BY version DESC LIMIT 1
    ) AS earlier ON true
), summed AS (
    SELECT unit_code, count(*) AS places, count(*) FILTER (WHERE counts) AS observed,
        max(at) AS at, max(version) AS version, max(received_at) AS received_at,
        string_agg(DISTINCT channel, ', ') AS channel, max(earlier_at) FILTER (WHERE counts) AS same_period_at,
        round(round(sum(value) FILTER (WHERE counts), 40)
            / CASE WHEN :is_sum THEN 1 ELSE nullif(count(*) FILTER (WHERE counts), 0) END, 9) AS counted,
        round(round(sum(value), 40) / CASE WHEN :is_sum THEN 1 ELSE nullif(count(value), 0) END, 9) AS known,
        round(round(sum(target), 40) / CASE WHEN :is_sum THEN 1 ELSE nullif(count(target), 0) END, 9) AS target,
        round(round(sum(earlier) FILTER (WHERE counts), 40)
            / CASE WHEN :is_sum THEN 1 ELSE nullif(count(earlier) FILTER (WHERE counts), 0) END, 9) AS same_period,
        round(round(sum(value) FILTER (WHERE counts AND target IS NOT NULL) * 100, 40)
            / nullif(sum(target) FILTER (WHERE counts), 0), 9) AS plan_percent,
        round(round(sum(value - earlier) FILTER (WHERE counts), 40)
            / CASE WHEN :is_sum THEN 1 ELSE nullif(count(earlier) FILTER (WHERE counts), 0) END, 9) AS same_period_gap,
        round(round(sum(value - earlier) FILTER (WHERE counts) * 100, 40)
            / nullif(abs(sum(earlier) FILTER (WHERE counts)), 0), 9) AS same_period_percent
    FROM seen GROUP BY unit_code
), ranked AS (
    SELECT unit.*, summed.*, count(counted) OVER kin AS ranked,
        round(round(sum(counted) OVER kin, 40) / nullif(count(counted) OVER kin, 0), 9) AS mean,
        rank() OVER (kin ORDER BY counted * :sign DESC NULLS LAST) AS rank
    FROM unit LEFT JOIN summed ON summed.unit_code = unit.code
    WHERE unit.level = :level OR summed.unit_code IS NOT NULL
    WINDOW kin AS (PARTITION BY unit.level, CASE WHEN unit.level = 'commune' THEN unit.province END)
), points AS (
    SELECT held.unit_code, observation.at,
        round(CASE WHEN :is_sum THEN sum(CAST(value AS numeric)) ELSE avg(CAST(value AS numeric)) END, 9) AS value,
        row_number() OVER (PARTITION BY held.unit_code ORDER BY observation.at DESC) AS back
    FROM held JOIN observing.observations AS observation ON observation.series_id = held.series_id
    WHERE observation.at >= :trend_since AND observation.at < :until AND observation.received_at <= :known_at
        AND (observation.superseded_at IS NULL OR observation.superseded_at > :known_at)
        AND (CAST(:units AS text[]) IS NULL OR held.unit_code = ANY (CAST(:units AS text[])))
    GROUP BY held.unit_code, observation.at
), trend AS (
    SELECT unit_code, array_agg(at ORDER BY at) AS moments, array_agg(value ORDER BY at) AS amounts
    FROM points WHERE back <= :trend GROUP BY unit_code
)
SELECT code, name, level, province, coalesce(counted, known) AS value, target, plan_percent, same_period, same_period_at,
    same_period_gap, same_period_percent, ranked, CASE WHEN counted IS NOT NULL THEN rank END AS rank, mean,
    round(counted - mean, 9) AS mean_gap, round(round((counted - mean) * 100, 40) / nullif(abs(mean), 0), 9) AS mean_percent,
    at, received_at, version, channel, coalesce(places, 0) AS places, coalesce(observed, 0) AS observed,
    trend.moments, trend.amounts
FROM ranked LEFT JOIN trend ON trend.unit_code = ranked.code
WHERE CAST(:units AS text[]) IS NULL OR code = ANY (CAST(:units AS text[]))
ORDER BY level DESC, code
