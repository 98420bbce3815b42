-- Idleness counts from here where it is later than the last use: an account that was opened again stays open a while.
ALTER TABLE access.accounts ADD COLUMN active_since timestamptz NOT NULL DEFAULT clock_timestamp();
-- Whoever closes an account must know whether it is the last administrator's; lists show what people hold.
GRANT SELECT ON access.grants, access.roles TO diaban_auth;
