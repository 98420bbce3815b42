-- Who may sign in. What proves it (hashes) is read by diaban_auth alone, which reads no features.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'diaban_auth') THEN
        CREATE ROLE diaban_auth LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
END $$;
ALTER ROLE diaban_auth SET statement_timeout = '10s';
ALTER ROLE diaban_auth SET idle_in_transaction_session_timeout = '30s';
GRANT USAGE ON SCHEMA access, audit TO diaban_auth;
GRANT EXECUTE ON FUNCTION audit.record_event TO diaban_auth;

-- The user name is folded (NFKC, case), so that two that look alike to a reader of one script are one.
CREATE TABLE access.accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    username text NOT NULL UNIQUE CHECK (username <> '' AND length(username) <= 100),
    display_name text NOT NULL CHECK (display_name <> '' AND length(display_name) <= 200),
    unit_code text CHECK (unit_code ~ '^([0-9]{2}|[0-9]{5})$'),
    kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service')),
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    must_change_password boolean NOT NULL DEFAULT true,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_used_at timestamptz
);

CREATE TABLE access.passwords (
    account uuid PRIMARY KEY REFERENCES access.accounts,
    hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- A one-time password that nobody has used by then opens nothing.
    expires_at timestamptz
);

CREATE TABLE access.sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    account uuid NOT NULL REFERENCES access.accounts,
    address text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    idle interval NOT NULL CHECK (idle > '0'),
    ends_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX sessions_account ON access.sessions (account, created_at);

CREATE TABLE access.tokens (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    account uuid NOT NULL REFERENCES access.accounts,
    name text NOT NULL CHECK (name <> '' AND length(name) <= 100),
    may_edit boolean NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    revoked_at timestamptz,
    revoked_by text
);
CREATE INDEX tokens_account ON access.tokens (account, created_at);

-- Failures to sign in, under hashes of what was tried: no typed name stands here, of whomever it may be.
CREATE TABLE access.failures (
    key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
    failure_count integer NOT NULL,
    last_at timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL
);
CREATE INDEX failures_last ON access.failures (last_at);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['accounts', 'passwords', 'sessions', 'tokens', 'failures'] LOOP
        EXECUTE format('ALTER TABLE access.%I OWNER TO diaban_owner', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON access.%I TO diaban_auth', name);
    END LOOP;
END $$;
GRANT DELETE ON access.failures TO diaban_auth;
-- Names beside ids, for those who show who did what.
GRANT SELECT ON access.accounts TO diaban_writer;
