CREATE SCHEMA reports AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA reports TO diaban_writer;

-- What somebody saw at a place, and how far its handling has come. Who sent it stands in reports.reporters.
CREATE TABLE reports.reports (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL UNIQUE CHECK (number ~ '^PA[0-9]{6}-[0-9A-HJKMNP-TV-Z]{8}$'),
    -- Of the code that only the sender has; the code itself is nowhere.
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    kind text NOT NULL,
    content text NOT NULL CHECK (content <> '' AND length(content) <= 4000),
    place_text text NOT NULL DEFAULT '' CHECK (length(place_text) <= 300),
    geom public.geometry(Point, 4326),
    unit_code text NOT NULL CHECK (unit_code ~ '^[0-9]{5}$'),
    channel text NOT NULL CHECK (channel <> '' AND length(channel) <= 60),
    state text NOT NULL DEFAULT 'received'
        CHECK (state IN ('received', 'routed', 'in_progress', 'answered', 'closed')),
    ending text CHECK (ending IN ('answered', 'declined', 'duplicate')),
    version integer NOT NULL DEFAULT 1,
    office text NOT NULL CHECK (office <> '' AND length(office) <= 200),
    assignee text,
    -- An ordinary case has the deadline of the scenario; for another the source states none.
    is_ordinary boolean NOT NULL DEFAULT true,
    duplicate_of bigint REFERENCES reports.reports,
    reply text NOT NULL DEFAULT '' CHECK (length(reply) <= 4000),
    rating smallint CHECK (rating BETWEEN 1 AND 5),
    received_at timestamptz NOT NULL,
    due_at timestamptz,
    answered_at timestamptz,
    closed_at timestamptz,
    rated_at timestamptz,
    told_late_at timestamptz,
    CONSTRAINT answered_with_a_reply CHECK (state <> 'answered' OR (answered_at IS NOT NULL AND reply <> '')),
    CONSTRAINT closed_at_a_moment CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CONSTRAINT closed_in_a_way CHECK ((state = 'closed') = (ending IS NOT NULL)),
    CONSTRAINT duplicate_of_another CHECK (((ending IS NOT DISTINCT FROM 'duplicate') = (duplicate_of IS NOT NULL))
        AND duplicate_of <> id),
    CONSTRAINT rated_once_answered CHECK ((rating IS NULL) = (rated_at IS NULL))
);
CREATE INDEX reports_of_unit ON reports.reports (unit_code, state, id);
CREATE INDEX reports_near ON reports.reports USING gist (public.geography(geom));
CREATE INDEX reports_by_time ON reports.reports (received_at, kind);
CREATE INDEX reports_due ON reports.reports (due_at) WHERE told_late_at IS NULL AND state IN ('received', 'routed', 'in_progress');

-- Name and telephone as one sealed text (AES-GCM); the key lies outside the database.
CREATE TABLE reports.reporters (
    report_id bigint PRIMARY KEY REFERENCES reports.reports,
    nonce bytea NOT NULL CHECK (octet_length(nonce) = 12),
    sealed bytea NOT NULL
);

-- What happened to each report, in order; what officers wrote to each other stands here and nowhere else.
CREATE TABLE reports.steps (
    report_id bigint NOT NULL REFERENCES reports.reports,
    number integer NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    comment text NOT NULL DEFAULT '' CHECK (length(comment) <= 4000),
    at timestamptz NOT NULL,
    PRIMARY KEY (report_id, number)
);

-- Senders without an account, by a keyed digest of their address, for as long as their number is counted.
CREATE TABLE reports.attempts (
    mark bytea NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX attempts_of_mark ON reports.attempts (mark, at);
CREATE INDEX attempts_at ON reports.attempts (at);

-- Photos of reports, alerts and tasks; the files lie in the state folder under their digest.
CREATE TABLE reports.photos (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    about text NOT NULL CHECK (about IN ('report', 'alert', 'task')),
    about_id bigint NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('sent', 'result')),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    width integer NOT NULL CHECK (width > 0),
    height integer NOT NULL CHECK (height > 0),
    bytes integer NOT NULL CHECK (bytes > 0),
    added_by text NOT NULL,
    added_at timestamptz NOT NULL
);
CREATE INDEX photos_about ON reports.photos (about, about_id, added_at);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['reports', 'reporters', 'steps', 'attempts', 'photos'] LOOP
        EXECUTE format('ALTER TABLE reports.%I OWNER TO diaban_owner', name);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE ON reports.reports TO diaban_writer;
GRANT SELECT, INSERT ON reports.reporters, reports.steps, reports.photos TO diaban_writer;
GRANT SELECT, INSERT, DELETE ON reports.attempts TO diaban_writer;

CREATE FUNCTION live.tell_reports() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    INSERT INTO live.events (kind, recipient, actions, target, unit_code, object_id, detail)
    SELECT 'report_changed', assignee, '{read}', '@field-reports', unit_code, number,
        jsonb_build_object('state', state, 'kind', kind, 'version', version)
    FROM new_rows ORDER BY id;
    RETURN NULL;
END $$;
ALTER FUNCTION live.tell_reports() OWNER TO diaban_owner;
REVOKE ALL ON FUNCTION live.tell_reports() FROM PUBLIC;
CREATE TRIGGER reports_tell_new AFTER INSERT ON reports.reports
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.tell_reports();
CREATE TRIGGER reports_tell_changed AFTER UPDATE ON reports.reports
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.tell_reports();
