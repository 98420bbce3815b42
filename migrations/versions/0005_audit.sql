-- Who did what, when, to what: ids only, never values. Nobody but this function writes; nobody changes or deletes.
-- Schema and table belong to the superuser, so that no login of the service owns them.
ALTER SCHEMA audit OWNER TO CURRENT_USER;
GRANT USAGE ON SCHEMA audit TO diaban_owner, diaban_writer;

CREATE TABLE audit.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL CHECK (action ~ '^[a-z][a-z0-9_]*$'),
    object_kind text NOT NULL,
    object_id text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'refused')),
    unit_code text,
    source text,
    detail jsonb NOT NULL DEFAULT '{}'
);

CREATE FUNCTION audit.record_event(
    actor text, action text, object_kind text, object_id text, outcome text, unit_code text, source text, detail jsonb
) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = audit, pg_temp
AS $$
    INSERT INTO audit.events (actor, action, object_kind, object_id, outcome, unit_code, source, detail)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id
$$;
REVOKE ALL ON FUNCTION audit.record_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.record_event TO diaban_owner, diaban_writer;

-- Which kinds of job there are is the program's own list; the database keeps their form.
ALTER TABLE jobs.jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs.jobs ADD CONSTRAINT jobs_kind_check CHECK (kind ~ '^[a-z][a-z0-9-]*$');
