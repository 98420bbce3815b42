-- Layers from before get the index that new ones are made with (layers/ddl.py).
CREATE OR REPLACE FUNCTION pg_temp.short(name text) RETURNS text LANGUAGE sql
RETURN CASE WHEN length(name) <= 63 THEN name
    ELSE left(name, 54) || '_' || left(encode(sha256(convert_to(name, 'UTF8')), 'hex'), 8) END;

DO $$
DECLARE
    place text;
BEGIN
    FOR place IN
        SELECT relname FROM pg_class
        JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'unit_codes'
        WHERE relnamespace = 'features'::regnamespace AND relkind = 'r'
        ORDER BY relname
    LOOP
        EXECUTE format('CREATE INDEX %I ON features.%I USING gist (geom) WHERE cardinality(unit_codes) > 1',
            pg_temp.short(place || '_several'), place);
    END LOOP;
END
$$;

DROP FUNCTION pg_temp.short;
