-- Events are written, unchained, in the transaction of their act, so that no act waits for another one. A sequencer
-- under one lock gives them numbers without gaps and hashes each over the one before. docs/audit.md holds the bytes.

-- Which log this is: a database made anew is another log, one restored from a back-up is the same.
CREATE TABLE audit.log (
    log_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    is_only boolean NOT NULL DEFAULT true UNIQUE CHECK (is_only),
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO audit.log DEFAULT VALUES;

CREATE TABLE audit.chain (
    seq bigint PRIMARY KEY CHECK (seq > 0),
    event_id bigint NOT NULL UNIQUE REFERENCES audit.events,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);

-- Events that no number has been given yet, in the order of their ids.
CREATE TABLE audit.waiting (event_id bigint PRIMARY KEY REFERENCES audit.events);
INSERT INTO audit.waiting SELECT id FROM audit.events;

-- Checkpoints as they stand in the file outside: a file that lacks one of them has been cut.
CREATE TABLE audit.checkpoints (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line text NOT NULL UNIQUE
);

CREATE INDEX events_at ON audit.events (at);
CREATE INDEX events_actor ON audit.events (actor, id);
CREATE INDEX events_object ON audit.events (object_kind, object_id, id);

-- A field is its length in bytes, a colon, the bytes, a comma (a netstring); NULL is a tilde and a comma.
CREATE FUNCTION audit.field(value text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN coalesce(
    convert_to(octet_length(convert_to(value, 'UTF8'))::text || ':' || value || ',', 'UTF8'), convert_to('~,', 'UTF8')
);

CREATE FUNCTION audit.genesis(log_id uuid) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN sha256(audit.field('diaban-log/1') || audit.field(log_id::text));

CREATE FUNCTION audit.event_bytes(seq bigint, event audit.events) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN audit.field('diaban-event/1') || audit.field(seq::text) || audit.field(event.id::text)
    || audit.field(((extract(epoch FROM event.at) * 1000000)::bigint)::text)
    || audit.field(event.actor) || audit.field(event.action) || audit.field(event.object_kind)
    || audit.field(event.object_id) || audit.field(event.outcome) || audit.field(event.unit_code)
    || audit.field(event.source) || audit.field(event.detail::text);

-- The sequencer: whoever calls it, one at a time; what another transaction has not committed yet waits for the next.
CREATE FUNCTION audit.seal_events(most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = audit, pg_catalog, pg_temp
AS $$
DECLARE
    previous bytea;
    last_seq bigint;
    sealed integer := 0;
    event audit.events;
BEGIN
    -- Any constant that only this function locks; it is held until the numbers are committed.
    PERFORM pg_advisory_xact_lock(7017280570803617);
    SELECT c.seq, c.hash INTO last_seq, previous FROM audit.chain c ORDER BY c.seq DESC LIMIT 1;
    IF last_seq IS NULL THEN
        last_seq := 0;
        SELECT audit.genesis(l.log_id) INTO previous FROM audit.log l;
    END IF;
    FOR event IN
        SELECT e.* FROM audit.waiting w JOIN audit.events e ON e.id = w.event_id ORDER BY w.event_id LIMIT most
    LOOP
        last_seq := last_seq + 1;
        previous := sha256(previous || audit.event_bytes(last_seq, event));
        INSERT INTO audit.chain (seq, event_id, hash) VALUES (last_seq, event.id, previous);
        DELETE FROM audit.waiting w WHERE w.event_id = event.id;
        sealed := sealed + 1;
    END LOOP;
    RETURN sealed;
END $$;

-- A checkpoint that has been written to the file outside.
CREATE FUNCTION audit.note_checkpoint(line text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = audit, pg_temp
AS $$ INSERT INTO audit.checkpoints (line) VALUES ($1) ON CONFLICT DO NOTHING $$;

CREATE OR REPLACE FUNCTION audit.record_event(
    actor text, action text, object_kind text, object_id text, outcome text, unit_code text, source text, detail jsonb
) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = audit, pg_temp
AS $$
    WITH event AS (
        INSERT INTO audit.events (actor, action, object_kind, object_id, outcome, unit_code, source, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id
    )
    INSERT INTO audit.waiting SELECT id FROM event RETURNING event_id
$$;

-- Nobody changes what is written, not even the superuser without first switching these off.
CREATE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege'; END $$;
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'chain', 'log', 'checkpoints'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.%I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', name);
        EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER append_only', name);
        EXECUTE format('GRANT SELECT ON audit.%I TO diaban_owner, diaban_writer', name);
    END LOOP;
END $$;
GRANT SELECT ON audit.waiting TO diaban_owner, diaban_writer;

REVOKE ALL ON FUNCTION audit.seal_events, audit.note_checkpoint FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.seal_events, audit.note_checkpoint TO diaban_owner, diaban_writer;
