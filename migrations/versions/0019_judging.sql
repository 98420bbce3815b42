CREATE SCHEMA judging AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA judging TO diaban_writer;

-- What each rule says of each place, and what it needs to remember in order to say it; rows of places whose
-- condition was never met are kept for rules over observations only.
CREATE TABLE judging.standings (
    scenario text NOT NULL,
    rule text NOT NULL,
    place_kind text NOT NULL CHECK (place_kind IN ('unit', 'feature', 'node', 'project', 'sensor', 'cluster')),
    place_layer text NOT NULL DEFAULT '',
    place_key text NOT NULL,
    unit_code text NOT NULL,
    lon double precision,
    lat double precision,
    standing text NOT NULL CHECK (standing IN ('holds', 'clear', 'no_signal')),
    since_at timestamptz NOT NULL,
    condition_since_at timestamptz,
    is_engaged boolean NOT NULL DEFAULT false,
    told_at timestamptz,
    PRIMARY KEY (scenario, rule, place_kind, place_layer, place_key),
    CONSTRAINT holds_when_told CHECK (standing <> 'holds' OR (is_engaged AND condition_since_at IS NOT NULL)),
    CONSTRAINT told_of_a_condition CHECK (NOT is_engaged OR condition_since_at IS NOT NULL)
);

-- When each scenario was last evaluated, and what was refused or failed since.
CREATE TABLE judging.evaluations (
    scenario text PRIMARY KEY,
    version integer NOT NULL,
    evaluated_at timestamptz,
    problem jsonb,
    problem_at timestamptz,
    failures integer NOT NULL DEFAULT 0
);

-- What has changed since the last evaluation; many changes make one row each, one evaluation answers all.
CREATE TABLE judging.changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('indicator', 'layer')),
    name text NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE judging.standings OWNER TO diaban_owner;
ALTER TABLE judging.evaluations OWNER TO diaban_owner;
ALTER TABLE judging.changes OWNER TO diaban_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON judging.standings, judging.evaluations, judging.changes TO diaban_writer;
