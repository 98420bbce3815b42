CREATE SCHEMA notifying AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA notifying TO diaban_writer;

-- Where messages go: of one account, or (without one) of an office. A channel is never changed, only removed.
CREATE TABLE notifying.channels (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL CHECK (name <> '' AND length(name) <= 100),
    kind text NOT NULL CHECK (kind IN ('email', 'webhook', 'zalo', 'sms', 'loudspeaker')),
    address text NOT NULL CHECK (address <> '' AND length(address) <= 500),
    language text NOT NULL DEFAULT 'vi' CHECK (language IN ('vi', 'en')),
    account uuid REFERENCES access.accounts,
    -- What it is told of: of one unit, one scenario, from a level, of some kinds; NULL leaves all.
    unit_code text CHECK (unit_code ~ '^([0-9]{2}|[0-9]{5})$'),
    scenario text CHECK (scenario ~ '^S[0-9]{2,3}$'),
    least_level text NOT NULL DEFAULT 'notice' CHECK (least_level IN ('notice', 'warning', 'alarm')),
    kinds text[] CHECK (cardinality(kinds) > 0),
    -- Hours in Vietnam in which only the highest level gets through; they may span midnight.
    quiet_from time,
    quiet_until time,
    -- One message in so long; what comes meanwhile waits and goes together.
    gap interval NOT NULL DEFAULT '1 minute' CHECK (gap BETWEEN '0' AND '1 day'),
    next_at timestamptz NOT NULL DEFAULT '-infinity',
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_by text,
    removed_at timestamptz,
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL)),
    CHECK ((removed_by IS NULL) = (removed_at IS NULL))
);
CREATE UNIQUE INDEX channels_once ON notifying.channels
    (kind, address, coalesce(account::text, ''), coalesce(unit_code, ''), coalesce(scenario, ''))
    WHERE removed_at IS NULL;

-- What happened, written by triggers in the transaction in which it happened.
CREATE TABLE notifying.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL CHECK (source IN ('notice', 'alert')),
    source_id bigint NOT NULL,
    version integer NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z]+(_[a-z]+)*$'),
    recipient text,
    action text,
    target text,
    unit_code text,
    scenario text,
    level text,
    -- The words of a notice; an alert is put into words from its figures when it is sent.
    vi text NOT NULL DEFAULT '',
    en text NOT NULL DEFAULT '',
    link text NOT NULL DEFAULT '',
    detail jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    spread_at timestamptz,
    CONSTRAINT told_once UNIQUE (source, source_id, version),
    CHECK ((recipient IS NULL) <> (action IS NULL)),
    CHECK ((action IS NULL) = (target IS NULL))
);
CREATE INDEX outbox_waiting ON notifying.outbox (id) WHERE spread_at IS NULL;
CREATE INDEX outbox_at ON notifying.outbox (at);

-- One message to one channel, with everything that was waiting for it.
CREATE TABLE notifying.deliveries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    channel_id uuid NOT NULL REFERENCES notifying.channels,
    state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sent', 'failed', 'skipped')),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    leased_until timestamptz,
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    is_test boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    CHECK ((state = 'due') = (ended_at IS NULL))
);
CREATE INDEX deliveries_due ON notifying.deliveries (due_at, id) WHERE state = 'due';
CREATE INDEX deliveries_of_channel ON notifying.deliveries (channel_id, created_at);
CREATE INDEX deliveries_created ON notifying.deliveries (created_at);

-- What each channel is told of: no channel and no address is told of one thing twice.
CREATE TABLE notifying.parts (
    outbox_id bigint NOT NULL REFERENCES notifying.outbox ON DELETE CASCADE,
    channel_id uuid NOT NULL REFERENCES notifying.channels,
    kind text NOT NULL,
    address text NOT NULL,
    level text,
    delivery_id uuid REFERENCES notifying.deliveries ON DELETE CASCADE,
    PRIMARY KEY (outbox_id, channel_id),
    CONSTRAINT address_told_once UNIQUE (outbox_id, kind, address)
);
CREATE INDEX parts_waiting ON notifying.parts (channel_id, outbox_id) WHERE delivery_id IS NULL;
CREATE INDEX parts_of_delivery ON notifying.parts (delivery_id, outbox_id) WHERE delivery_id IS NOT NULL;

ALTER TABLE notifying.channels OWNER TO diaban_owner;
ALTER TABLE notifying.outbox OWNER TO diaban_owner;
ALTER TABLE notifying.deliveries OWNER TO diaban_owner;
ALTER TABLE notifying.parts OWNER TO diaban_owner;
GRANT SELECT, INSERT ON notifying.channels TO diaban_writer;
GRANT UPDATE (next_at, removed_by, removed_at) ON notifying.channels TO diaban_writer;
GRANT SELECT, DELETE ON notifying.outbox TO diaban_writer;
GRANT UPDATE (spread_at) ON notifying.outbox TO diaban_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON notifying.deliveries, notifying.parts TO diaban_writer;

-- Triggers rather than calls: whatever program gives a notice or opens an alert, nobody can forget to tell. Where no
-- channel exists nothing is kept, so that evaluations pay nothing for it.
CREATE FUNCTION notifying.take_notice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    of_alert text[] := regexp_match(NEW.link, '^/board\?s=(S[0-9]{2,3})&a=([0-9]{1,18})$');
BEGIN
    IF EXISTS (SELECT FROM notifying.channels WHERE removed_at IS NULL) THEN
        INSERT INTO notifying.outbox (source, source_id, version, kind, recipient, action, target, unit_code, scenario,
            level, vi, en, link)
        VALUES ('notice', NEW.id, 0, NEW.kind, NEW.recipient, NEW.action, NEW.target, NEW.unit_code, of_alert[1],
            (SELECT level FROM alerts.alerts WHERE id = of_alert[2]::bigint), NEW.vi, NEW.en, NEW.link);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER notices_notify AFTER INSERT ON uploads.notices FOR EACH ROW EXECUTE FUNCTION notifying.take_notice();

CREATE FUNCTION notifying.put_alerts(ids bigint[], kind text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
    INSERT INTO notifying.outbox (source, source_id, version, kind, action, target, unit_code, scenario, level, link,
        detail)
    SELECT 'alert', id, version, put_alerts.kind, 'read', '@alerts', unit_code, scenario, level,
        '/board?s=' || scenario || '&a=' || id, jsonb_build_object(
            'rule', rule, 'place_kind', place_kind, 'place_layer', place_layer, 'place_key', place_key,
            'value', value, 'threshold', threshold, 'since_at', since_at)
    FROM alerts.alerts WHERE id = ANY (ids) ORDER BY id
    ON CONFLICT ON CONSTRAINT told_once DO NOTHING
$$;

CREATE FUNCTION notifying.take_opened_alerts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    IF EXISTS (SELECT FROM notifying.channels WHERE removed_at IS NULL) THEN
        PERFORM notifying.put_alerts(ARRAY(SELECT id FROM new_rows WHERE state <> 'closed'), 'alert_opened');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER alerts_notify_opened AFTER INSERT ON alerts.alerts
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION notifying.take_opened_alerts();

CREATE FUNCTION notifying.take_raised_alerts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    levels text[] := ARRAY['notice', 'warning', 'alarm'];
BEGIN
    IF EXISTS (SELECT FROM notifying.channels WHERE removed_at IS NULL) THEN
        PERFORM notifying.put_alerts(ARRAY(
            SELECT later.id FROM new_rows AS later JOIN old_rows AS earlier USING (id)
            WHERE later.standing = 'holds' AND later.version <> earlier.version
              AND array_position(levels, later.level) > array_position(levels, earlier.level)), 'alert_raised');
        PERFORM notifying.put_alerts(ARRAY(
            SELECT later.id FROM new_rows AS later JOIN old_rows AS earlier USING (id)
            WHERE later.standing = 'holds' AND earlier.standing = 'clear' AND later.version <> earlier.version
              AND array_position(levels, later.level) <= array_position(levels, earlier.level)), 'alert_back');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER alerts_notify_raised AFTER UPDATE ON alerts.alerts
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION notifying.take_raised_alerts();

DO $$
DECLARE signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY['take_notice()', 'put_alerts(bigint[], text)', 'take_opened_alerts()',
                                     'take_raised_alerts()'] LOOP
        EXECUTE format('ALTER FUNCTION notifying.%s OWNER TO diaban_owner', signature);
        EXECUTE format('REVOKE ALL ON FUNCTION notifying.%s FROM PUBLIC', signature);
    END LOOP;
END $$;
