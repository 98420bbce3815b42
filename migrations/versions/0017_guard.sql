-- One expression that named both unit_code and unit_codes could not be planned for tables that have only the first:
-- whoever might write in some communes only met an error there. Statements of their own are planned when they are reached.
CREATE OR REPLACE FUNCTION access.guard_write() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    allowed text[] := coalesce(access.units_set('diaban.write', TG_ARGV[0], TG_ARGV[1]), '{}');
    is_within boolean := true;
BEGIN
    IF nullif(current_setting('diaban.write', true), '') IS NULL THEN
        RAISE insufficient_privilege USING MESSAGE = 'the writer login has set no scope in this transaction';
    END IF;
    IF '*' = ANY (allowed) THEN
        is_within := true;
    ELSIF TG_ARGV[2] = 'spans' THEN
        IF TG_OP <> 'INSERT' THEN
            is_within := OLD.unit_codes <@ allowed;
        END IF;
        IF TG_OP <> 'DELETE' AND is_within THEN
            is_within := NEW.unit_codes <@ allowed;
        END IF;
    ELSE
        IF TG_OP <> 'INSERT' THEN
            is_within := OLD.unit_code = ANY (allowed);
        END IF;
        IF TG_OP <> 'DELETE' AND is_within THEN
            is_within := NEW.unit_code = ANY (allowed);
        END IF;
    END IF;
    IF NOT is_within THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'a feature lies outside the communes of the writer''s scope', TABLE = TG_TABLE_NAME;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
