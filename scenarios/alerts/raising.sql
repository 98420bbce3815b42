-- The outcomes come as a JSON array; one row per touched alert goes back.
WITH told AS (
    SELECT DISTINCT ON (scenario, rule, place_kind, place_layer, place_key) *
    FROM jsonb_to_recordset(CAST(:outcomes AS jsonb)) AS outcome (
        scenario text, rule text, rule_version integer, place_kind text, place_layer text, place_key text,
        unit_code text, lon double precision, lat double precision, standing text, level text,
        at timestamptz, since timestamptz, value double precision, threshold double precision, evidence jsonb
    )
    ORDER BY scenario, rule, place_kind, place_layer, place_key, at DESC, since DESC, standing, level
), living AS (
    SELECT told.*, alert.id, alert.state AS old_state, alert.standing AS old_standing,
        told.standing = 'clear' AND alert.state = 'open' AS ends,
        (told.standing, told.level, told.value, told.threshold, told.rule_version)
            IS DISTINCT FROM (alert.standing, alert.level, alert.value, alert.threshold, alert.rule_version) AS differs
    FROM told JOIN alerts.alerts AS alert USING (scenario, rule, place_kind, place_layer, place_key)
    WHERE alert.state <> 'closed' AND alert.evaluated_at < told.at
), updated AS (
    UPDATE alerts.alerts AS alert SET
        standing = living.standing,
        level = CASE living.standing WHEN 'holds' THEN living.level ELSE alert.level END,
        rule_version = living.rule_version,
        value = living.value,
        threshold = living.threshold,
        evaluated_at = living.at,
        since_at = CASE living.standing WHEN 'holds' THEN greatest(alert.since_at, living.since) ELSE alert.since_at END,
        cleared_at = CASE living.standing
            WHEN 'holds' THEN NULL WHEN 'clear' THEN coalesce(alert.cleared_at, living.since) ELSE alert.cleared_at END,
        state = CASE WHEN living.ends THEN 'closed' ELSE alert.state END,
        closed_at = CASE WHEN living.ends THEN :at ELSE alert.closed_at END,
        -- A figure that moves a little must not refuse what somebody decided a moment ago.
        version = alert.version + CASE WHEN living.standing <> alert.standing OR living.level <> alert.level
            THEN 1 ELSE 0 END
    FROM living WHERE alert.id = living.id
    RETURNING alert.id, alert.unit_code, alert.scenario,
        CASE WHEN NOT living.differs THEN 'kept'
            WHEN living.standing = 'clear' AND living.old_standing <> 'clear' THEN 'cleared' ELSE 'updated' END AS act,
        living.old_state AS from_state, alert.state AS to_state, living.differs,
        living.at, living.rule_version, living.standing, living.level, living.value, living.threshold, living.evidence
), opened AS (
    INSERT INTO alerts.alerts (scenario, rule, rule_version, place_kind, place_layer, place_key, unit_code, lon, lat,
        level, standing, since_at, opened_at, evaluated_at, value, threshold)
    SELECT scenario, rule, rule_version, place_kind, place_layer, place_key, unit_code, lon, lat,
        level, standing, since, :at, told.at, value, threshold
    FROM told
    WHERE standing = 'holds' AND NOT EXISTS (
        SELECT FROM alerts.alerts AS earlier
        WHERE (earlier.scenario, earlier.rule, earlier.place_kind, earlier.place_layer, earlier.place_key)
                = (told.scenario, told.rule, told.place_kind, told.place_layer, told.place_key)
            AND (earlier.state <> 'closed' OR earlier.since_at >= told.since OR earlier.evaluated_at >= told.at)
    )
    ON CONFLICT DO NOTHING
    RETURNING id, unit_code, scenario, rule, place_kind, place_layer, place_key, state
), changed AS (
    SELECT * FROM updated
    UNION ALL
    SELECT opened.id, opened.unit_code, opened.scenario, 'opened', NULL, opened.state, true,
        told.at, told.rule_version, told.standing, told.level, told.value, told.threshold, told.evidence
    FROM opened JOIN told USING (scenario, rule, place_kind, place_layer, place_key)
), frozen AS (
    INSERT INTO alerts.evidence (alert_id, at, rule_version, standing, level, value, threshold, evidence)
    SELECT id, at, rule_version, standing, level, value, threshold, evidence FROM changed WHERE differs
), told_of AS (
    INSERT INTO alerts.steps (alert_id, number, actor, act, from_state, to_state, at)
    SELECT id, coalesce((SELECT max(step.number) FROM alerts.steps AS step WHERE step.alert_id = id), 0) + 1,
        'rules', act, from_state, to_state, :at
    FROM changed WHERE differs
)
SELECT id, unit_code, scenario, act, to_state FROM changed ORDER BY id
