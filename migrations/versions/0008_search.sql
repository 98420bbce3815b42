-- The search box: text without case and Vietnamese marks, and what finds it again.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Only the beginning counts: nobody types more, and an index entry stays small whatever a field holds.
CREATE FUNCTION catalogue.folded(given text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(
    regexp_replace(normalize(lower(left(given, 200)), NFD), '[̀-ͯ]', '', 'g'), 'đ', 'd'
);
ALTER FUNCTION catalogue.folded OWNER TO diaban_owner;
GRANT EXECUTE ON FUNCTION catalogue.folded TO diaban_owner, diaban_writer, diaban_reader, diaban_public;

-- Layers from before get the indexes that new ones are made with (layers/ddl.py).
CREATE FUNCTION pg_temp.short(name text) RETURNS text LANGUAGE sql
RETURN CASE WHEN length(name) <= 63 THEN name
    ELSE left(name, 54) || '_' || left(encode(sha256(convert_to(name, 'UTF8')), 'hex'), 8) END;

DO $$
DECLARE
    held record;
    field text;
    key jsonb;
    place text;
BEGIN
    FOR held IN SELECT slug, definition FROM catalogue.layers ORDER BY slug LOOP
        place := replace(held.slug, '-', '_');
        key := held.definition -> 'key';
        SELECT wanted.name INTO field
        FROM unnest(ARRAY[held.definition -> 'style' ->> 'label_field', 'name', 'title']) WITH ORDINALITY wanted (name, rank)
        WHERE NOT key ? wanted.name AND EXISTS (
            SELECT FROM jsonb_array_elements(held.definition -> 'fields') item
            WHERE item ->> 'name' = wanted.name AND item ->> 'type' = 'text'
                AND NOT (item ->> 'personal')::boolean AND NOT (item ->> 'hidden')::boolean
        )
        ORDER BY wanted.rank LIMIT 1;
        IF field IS NOT NULL THEN
            EXECUTE format('CREATE INDEX %I ON features.%I USING gin (catalogue.folded(%I) gin_trgm_ops)',
                pg_temp.short(place || '_words'), place, field);
        END IF;
        IF key ?& ARRAY['sheet', 'parcel'] THEN
            EXECUTE format('CREATE INDEX %I ON features.%I (upper(parcel), upper(sheet))',
                pg_temp.short(place || '_numbers'), place);
        END IF;
    END LOOP;
END
$$;
