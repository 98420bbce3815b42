CREATE SCHEMA uploads AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA uploads TO diaban_writer;

-- One row for everything on its way into a layer: a file, one owner's record, or the return of a revision.
CREATE TABLE uploads.uploads (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('file', 'record', 'revert')),
    layer text NOT NULL REFERENCES catalogue.layers,
    unit_code text CHECK (unit_code ~ '^([0-9]{2}|[0-9]{5})$'),
    mode text NOT NULL CHECK (mode IN ('replace', 'upsert', 'append')),
    state text NOT NULL CHECK (state IN ('receiving', 'received', 'checking', 'checked', 'submitted', 'sent-back',
        'approved', 'publishing', 'published', 'refused', 'withdrawn', 'superseded')),
    version integer NOT NULL DEFAULT 1,
    sender text NOT NULL,
    scope jsonb NOT NULL,
    wish jsonb NOT NULL DEFAULT '{}',
    file_name text NOT NULL DEFAULT '',
    file_bytes bigint NOT NULL DEFAULT 0 CHECK (file_bytes >= 0),
    file_sha256 text CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    watched_path text,
    reverts_to bigint CHECK (reverts_to >= 0),
    base_revision bigint,
    definition_version integer,
    report jsonb,
    change jsonb,
    digest text,
    is_deletion_confirmed boolean NOT NULL DEFAULT false,
    approver text,
    publish_at timestamptz,
    revision bigint,
    problem jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    submitted_at timestamptz,
    approved_at timestamptz,
    published_at timestamptz,
    expires_at timestamptz,
    CONSTRAINT four_eyes CHECK (approver IS NULL OR approver <> sender),
    CONSTRAINT approved_by_somebody CHECK (state NOT IN ('approved', 'publishing', 'published') OR approver IS NOT NULL),
    CONSTRAINT reverts_name_a_revision CHECK ((kind = 'revert') = (reverts_to IS NOT NULL))
);
CREATE INDEX uploads_layer ON uploads.uploads (layer, unit_code, created_at);
CREATE INDEX uploads_sender ON uploads.uploads (sender, created_at);
CREATE INDEX uploads_waiting ON uploads.uploads (state, publish_at)
    WHERE state NOT IN ('published', 'refused', 'withdrawn', 'superseded');

-- Every step of every upload, with what people said about it.
CREATE TABLE uploads.steps (
    upload_id uuid NOT NULL REFERENCES uploads.uploads ON DELETE CASCADE,
    number integer NOT NULL,
    actor text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    comment text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (upload_id, number)
);

-- The first findings of each upload, for looking through; all of them are in its file.
CREATE TABLE uploads.findings (
    upload_id uuid NOT NULL REFERENCES uploads.uploads ON DELETE CASCADE,
    number integer NOT NULL,
    severity text NOT NULL CHECK (severity IN ('error', 'warning', 'repair', 'info')),
    code text NOT NULL,
    vi text NOT NULL,
    en text NOT NULL,
    remedy_vi text NOT NULL,
    remedy_en text NOT NULL,
    row_number bigint,
    key text,
    field text,
    value text NOT NULL,
    lon double precision,
    lat double precision,
    count bigint NOT NULL,
    PRIMARY KEY (upload_id, number)
);

-- Answers already given to requests that change something, so that a request sent twice acts once.
CREATE TABLE uploads.answers (
    subject text NOT NULL,
    key text NOT NULL,
    request text NOT NULL,
    upload_id uuid NOT NULL REFERENCES uploads.uploads ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, key)
);

-- Which features a revision made of which: parcels split, merged or renumbered.
CREATE TABLE uploads.lineage (
    layer text NOT NULL REFERENCES catalogue.layers,
    revision bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('split', 'merged', 'renamed')),
    old_fid bigint NOT NULL,
    new_fid bigint NOT NULL,
    old_share double precision NOT NULL,
    new_share double precision NOT NULL,
    PRIMARY KEY (layer, revision, old_fid, new_fid)
);

-- How the file of a unit was read when it was last accepted, for the next one.
CREATE TABLE uploads.mappings (
    layer text NOT NULL REFERENCES catalogue.layers,
    unit_code text NOT NULL,
    upload_id uuid NOT NULL REFERENCES uploads.uploads ON DELETE CASCADE,
    mapping jsonb NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (layer, unit_code, upload_id)
);

-- When each unit's part of a layer last changed, and in which revision.
CREATE TABLE catalogue.unit_changes (
    slug text NOT NULL REFERENCES catalogue.layers,
    unit_code text NOT NULL,
    revision bigint NOT NULL,
    changed bigint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (slug, unit_code, revision)
);
-- What was published before this table is taken as of each layer's newest revision.
INSERT INTO catalogue.unit_changes (slug, unit_code, revision, changed, changed_at)
SELECT c.slug, c.unit_code, l.revision, sum(c.feature_count), l.published_at
FROM catalogue.feature_counts c JOIN catalogue.layers l USING (slug)
WHERE l.published_at IS NOT NULL GROUP BY c.slug, c.unit_code, l.revision, l.published_at;

-- A unit has looked, and its part of the layer stands as it is.
CREATE TABLE uploads.confirmations (
    layer text NOT NULL REFERENCES catalogue.layers,
    unit_code text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    subject text NOT NULL,
    upload_id uuid REFERENCES uploads.uploads ON DELETE SET NULL,
    note text NOT NULL DEFAULT '',
    PRIMARY KEY (layer, unit_code, at)
);

-- Reminders already given, so that each is given once for its period.
CREATE TABLE uploads.reminders (
    layer text NOT NULL REFERENCES catalogue.layers,
    subject_id text NOT NULL,
    period_start timestamptz NOT NULL,
    state text NOT NULL,
    reminded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (layer, subject_id, period_start, state)
);

-- To whom a feature belongs as its own record to keep.
CREATE TABLE uploads.own_records (
    subject text NOT NULL,
    layer text NOT NULL REFERENCES catalogue.layers,
    fid bigint NOT NULL,
    assigned_by text NOT NULL,
    assigned_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, layer, fid)
);
CREATE INDEX own_records_feature ON uploads.own_records (layer, fid);

-- Figures of own records by period, the newest of which stand in the feature itself.
CREATE TABLE uploads.period_figures (
    layer text NOT NULL REFERENCES catalogue.layers,
    fid bigint NOT NULL,
    period text NOT NULL CHECK (period ~ '^[0-9]{4}(-[0-9]{2})?$'),
    figures jsonb NOT NULL,
    upload_id uuid REFERENCES uploads.uploads ON DELETE SET NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (layer, fid, period)
);

-- Notices inside the service: to one person, or to everybody who may do something to a layer in a unit.
CREATE TABLE uploads.notices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    recipient text,
    action text,
    target text,
    unit_code text,
    vi text NOT NULL,
    en text NOT NULL,
    link text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT notices_have_an_audience CHECK ((recipient IS NULL) <> (action IS NULL)),
    CHECK ((action IS NULL) = (target IS NULL))
);
CREATE INDEX notices_recipient ON uploads.notices (recipient, id);
CREATE TABLE uploads.notices_read (
    notice_id bigint NOT NULL REFERENCES uploads.notices ON DELETE CASCADE,
    subject text NOT NULL,
    read_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (notice_id, subject)
);

DO $$
DECLARE held record;
BEGIN
    FOR held IN SELECT tablename FROM pg_tables WHERE schemaname = 'uploads' LOOP
        EXECUTE format('ALTER TABLE uploads.%I OWNER TO diaban_owner', held.tablename);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON uploads.%I TO diaban_writer', held.tablename);
    END LOOP;
END $$;
ALTER TABLE catalogue.unit_changes OWNER TO diaban_owner;
GRANT SELECT, INSERT ON catalogue.unit_changes TO diaban_writer;
