-- Null where another version than the one seen is in force, or there is no such layer.
CREATE FUNCTION catalogue.put_style(layer text, style jsonb, seen integer, author text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    made integer;
BEGIN
    UPDATE catalogue.layers AS l
    SET definition = jsonb_set(l.definition, '{style}', put_style.style), definition_version = l.definition_version + 1
    WHERE l.slug = put_style.layer AND l.definition_version = put_style.seen
    RETURNING l.definition_version INTO made;
    IF made IS NOT NULL THEN
        INSERT INTO catalogue.definition_versions (slug, version, definition, author)
        SELECT l.slug, made, l.definition, put_style.author FROM catalogue.layers AS l WHERE l.slug = put_style.layer;
        PERFORM pg_notify('diaban_layers', put_style.layer);
    END IF;
    RETURN made;
END $$;
ALTER FUNCTION catalogue.put_style(text, jsonb, integer, text) OWNER TO diaban_owner;
REVOKE ALL ON FUNCTION catalogue.put_style(text, jsonb, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION catalogue.put_style(text, jsonb, integer, text) TO diaban_writer;
