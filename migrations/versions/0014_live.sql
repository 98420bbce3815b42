CREATE SCHEMA live AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA live TO diaban_writer, diaban_watcher;

-- What has just happened, for those who look on. A reader's place in it is a snapshot of PostgreSQL's own: whatever
-- is not visible in it has been committed since, in whatever order transactions took their numbers.
CREATE TABLE live.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL CHECK (kind ~ '^[a-z]+(_[a-z]+)*$'),
    -- Who is told: one subject, and everybody who may do one of the actions to the target for the unit.
    recipient text,
    actions text[] CHECK (cardinality(actions) > 0),
    target text,
    unit_code text,
    object_id text NOT NULL,
    -- Ids and words of closed lists; nothing personal.
    detail jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT somebody_is_told CHECK (recipient IS NOT NULL OR target IS NOT NULL),
    CHECK ((actions IS NULL) = (target IS NULL))
);
CREATE INDEX events_xid ON live.events (xid);
CREATE INDEX events_at ON live.events (at);

-- The newest transaction whose events have been deleted: a reader's place before it is out of reach.
CREATE TABLE live.horizon (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    xid xid8 NOT NULL
);
INSERT INTO live.horizon (xid) VALUES ('0');

ALTER TABLE live.events OWNER TO diaban_owner;
ALTER TABLE live.horizon OWNER TO diaban_owner;
GRANT SELECT ON live.events, live.horizon TO diaban_watcher;
GRANT SELECT, INSERT, DELETE ON live.events TO diaban_writer;
GRANT SELECT, UPDATE ON live.horizon TO diaban_writer;

CREATE FUNCTION live.notify() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    PERFORM pg_notify('diaban_live', '');
    RETURN NULL;
END $$;
CREATE TRIGGER events_notify AFTER INSERT ON live.events FOR EACH STATEMENT EXECUTE FUNCTION live.notify();

-- Triggers rather than calls: whatever program changes an alert, nobody can forget to tell.
CREATE FUNCTION live.tell_opened_alerts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows) THEN
        INSERT INTO live.events (kind, actions, target, unit_code, object_id, detail)
        SELECT 'alert_opened', '{read}', '@alerts', unit_code, id::text,
            jsonb_build_object('scenario', scenario, 'level', level, 'state', state, 'version', version)
        FROM new_rows ORDER BY id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER alerts_tell_opened AFTER INSERT ON alerts.alerts
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.tell_opened_alerts();

CREATE FUNCTION live.tell_changed_alerts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    -- The version moves when something moves that people act on, not with every figure.
    IF EXISTS (SELECT FROM new_rows JOIN old_rows USING (id) WHERE new_rows.version <> old_rows.version) THEN
        INSERT INTO live.events (kind, actions, target, unit_code, object_id, detail)
        SELECT CASE WHEN later.standing = 'clear' AND earlier.standing <> 'clear'
                THEN 'alert_cleared' ELSE 'alert_changed' END,
            '{read}', '@alerts', later.unit_code, later.id::text, jsonb_build_object(
                'scenario', later.scenario, 'level', later.level, 'state', later.state, 'standing', later.standing,
                'version', later.version)
        FROM new_rows AS later JOIN old_rows AS earlier USING (id)
        WHERE later.version <> earlier.version ORDER BY later.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER alerts_tell_changed AFTER UPDATE ON alerts.alerts
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION live.tell_changed_alerts();

CREATE FUNCTION live.tell_layer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    INSERT INTO live.events (kind, actions, target, object_id, detail)
    VALUES ('layer_published', '{read}', NEW.slug, NEW.slug, jsonb_build_object('revision', NEW.revision));
    RETURN NULL;
END $$;
CREATE TRIGGER layers_tell AFTER UPDATE OF revision ON catalogue.layers
    FOR EACH ROW WHEN (NEW.revision <> OLD.revision) EXECUTE FUNCTION live.tell_layer();

CREATE FUNCTION live.tell_upload() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    INSERT INTO live.events (kind, recipient, actions, target, unit_code, object_id, detail)
    VALUES ('upload_changed', NEW.sender, '{edit,approve,publish,administer}', NEW.layer, NEW.unit_code, NEW.id::text,
        jsonb_build_object('layer', NEW.layer, 'state', NEW.state, 'version', NEW.version));
    RETURN NULL;
END $$;
CREATE TRIGGER uploads_tell AFTER UPDATE OF state ON uploads.uploads
    FOR EACH ROW WHEN (NEW.state <> OLD.state) EXECUTE FUNCTION live.tell_upload();
CREATE TRIGGER uploads_tell_new AFTER INSERT ON uploads.uploads FOR EACH ROW EXECUTE FUNCTION live.tell_upload();

CREATE FUNCTION live.tell_notice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    INSERT INTO live.events (kind, recipient, actions, target, unit_code, object_id, detail)
    VALUES ('notice_added', NEW.recipient, CASE WHEN NEW.action IS NOT NULL THEN ARRAY[NEW.action] END, NEW.target,
        NEW.unit_code, NEW.id::text, jsonb_build_object('kind', NEW.kind));
    RETURN NULL;
END $$;
CREATE TRIGGER notices_tell AFTER INSERT ON uploads.notices FOR EACH ROW EXECUTE FUNCTION live.tell_notice();

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['notify', 'tell_opened_alerts', 'tell_changed_alerts', 'tell_layer', 'tell_upload',
                                'tell_notice'] LOOP
        EXECUTE format('ALTER FUNCTION live.%I() OWNER TO diaban_owner', name);
        EXECUTE format('REVOKE ALL ON FUNCTION live.%I() FROM PUBLIC', name);
    END LOOP;
END $$;
