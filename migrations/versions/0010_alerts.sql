CREATE SCHEMA alerts AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA alerts TO diaban_writer;

-- What a rule says of a place for as long as it says so, and what people do about it.
CREATE TABLE alerts.alerts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scenario text NOT NULL,
    rule text NOT NULL,
    rule_version integer NOT NULL,
    place_kind text NOT NULL CHECK (place_kind IN ('unit', 'feature', 'node', 'project', 'sensor', 'cluster')),
    place_layer text NOT NULL DEFAULT '',
    place_key text NOT NULL,
    unit_code text NOT NULL CHECK (unit_code ~ '^([0-9]{2}|[0-9]{5})$'),
    lon double precision CHECK (lon BETWEEN -180 AND 180),
    lat double precision CHECK (lat BETWEEN -90 AND 90),
    level text NOT NULL CHECK (level IN ('notice', 'warning', 'alarm')),
    standing text NOT NULL CHECK (standing IN ('holds', 'clear', 'no_signal')),
    state text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'acknowledged', 'assigned', 'in_progress', 'resolved', 'closed')),
    version integer NOT NULL DEFAULT 1,
    since_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    evaluated_at timestamptz NOT NULL,
    cleared_at timestamptz,
    closed_at timestamptz,
    value double precision,
    threshold double precision,
    assignee text,
    rating smallint CHECK (rating BETWEEN 1 AND 5),
    CONSTRAINT place_has_both_coordinates CHECK ((lon IS NULL) = (lat IS NULL)),
    CONSTRAINT closed_at_a_moment CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CONSTRAINT cleared_at_a_moment CHECK ((standing = 'clear') <= (cleared_at IS NOT NULL)),
    CONSTRAINT assigned_to_somebody CHECK (state NOT IN ('assigned', 'in_progress', 'resolved') OR assignee IS NOT NULL),
    CONSTRAINT rated_when_closed CHECK (rating IS NULL OR state = 'closed')
);
CREATE UNIQUE INDEX alerts_one_per_place ON alerts.alerts (scenario, rule, place_kind, place_layer, place_key)
    WHERE state <> 'closed';
CREATE INDEX alerts_of_place ON alerts.alerts (scenario, rule, place_kind, place_layer, place_key, since_at);
CREATE INDEX alerts_of_unit ON alerts.alerts (unit_code, state, id);

-- What the rule was told by when the alert opened and each time it changed; never changed afterwards.
CREATE TABLE alerts.evidence (
    alert_id bigint NOT NULL REFERENCES alerts.alerts,
    at timestamptz NOT NULL,
    rule_version integer NOT NULL,
    standing text NOT NULL,
    level text NOT NULL,
    value double precision,
    threshold double precision,
    evidence jsonb NOT NULL,
    PRIMARY KEY (alert_id, at)
);

-- What happened to each alert, in order; what people wrote stands here and nowhere else.
CREATE TABLE alerts.steps (
    alert_id bigint NOT NULL REFERENCES alerts.alerts,
    number integer NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    comment text NOT NULL DEFAULT '' CHECK (length(comment) <= 4000),
    at timestamptz NOT NULL,
    PRIMARY KEY (alert_id, number)
);

ALTER TABLE alerts.alerts OWNER TO diaban_owner;
ALTER TABLE alerts.evidence OWNER TO diaban_owner;
ALTER TABLE alerts.steps OWNER TO diaban_owner;
GRANT SELECT, INSERT, UPDATE ON alerts.alerts TO diaban_writer;
GRANT SELECT, INSERT ON alerts.evidence, alerts.steps TO diaban_writer;
