-- The secret is encrypted with a key outside the database; last_step is the newest time step ever accepted.
CREATE TABLE access.totp_devices (
    account uuid PRIMARY KEY REFERENCES access.accounts,
    secret bytea NOT NULL,
    last_step bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    confirmed_at timestamptz
);
CREATE TABLE access.recovery_codes (
    account uuid NOT NULL REFERENCES access.accounts,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    used_at timestamptz,
    PRIMARY KEY (account, hash)
);
ALTER TABLE access.totp_devices OWNER TO diaban_owner;
ALTER TABLE access.recovery_codes OWNER TO diaban_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON access.totp_devices, access.recovery_codes TO diaban_auth;
