-- Who may do what: roles are sets of rights; a grant gives a role, or one right of its own, to an account or an agency.
GRANT USAGE ON SCHEMA access TO diaban_writer, diaban_reader, diaban_public;

CREATE TABLE access.roles (
    slug text PRIMARY KEY CHECK (slug ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' AND length(slug) <= 60),
    title_vi text NOT NULL CHECK (title_vi <> ''),
    title_en text NOT NULL CHECK (title_en <> ''),
    rights jsonb NOT NULL CHECK (jsonb_typeof(rights) = 'array'),
    built_in boolean NOT NULL DEFAULT false
);

-- A grant holds on the days [starts_on, ends_on) in Vietnam; units NULL is every commune, a province's code all of its.
CREATE TABLE access.grants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    holder_kind text NOT NULL CHECK (holder_kind IN ('account', 'agency')),
    holder uuid NOT NULL,
    role text REFERENCES access.roles,
    own_right jsonb CHECK (jsonb_typeof(own_right) = 'object'),
    units text[] CHECK (cardinality(units) > 0),
    starts_on date NOT NULL,
    ends_on date CHECK (ends_on > starts_on),
    reason text NOT NULL DEFAULT '',
    given_by text NOT NULL,
    given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    taken_by text,
    taken_at timestamptz,
    CHECK ((role IS NULL) <> (own_right IS NULL)),
    CHECK ((taken_by IS NULL) = (taken_at IS NULL))
);
CREATE INDEX grants_holder ON access.grants (holder) WHERE taken_at IS NULL;
ALTER TABLE access.roles OWNER TO diaban_owner;
ALTER TABLE access.grants OWNER TO diaban_owner;
GRANT SELECT ON access.roles, access.grants TO diaban_writer;
GRANT INSERT ON access.grants TO diaban_writer;
GRANT UPDATE (taken_by, taken_at) ON access.grants TO diaban_writer;

-- Today's grants of an account and of its agencies, provinces spelled out as their communes; and all layers' classes.
CREATE FUNCTION access.scope_of(account uuid, agencies uuid[]) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    today date := (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
    communes jsonb := '{}';
    given jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('role', g.role, 'units', to_jsonb(g.units),
                                        'rights', coalesce(r.rights, jsonb_build_array(g.own_right))) ORDER BY g.id)
    INTO given
    FROM access.grants g LEFT JOIN access.roles r ON r.slug = g.role
    WHERE g.taken_at IS NULL AND g.starts_on <= today AND (g.ends_on IS NULL OR today < g.ends_on)
      AND ((g.holder_kind = 'account' AND g.holder = account)
           OR (g.holder_kind = 'agency' AND g.holder = ANY (agencies)));
    IF to_regclass('features.communes') IS NOT NULL
       AND jsonb_path_exists(given, '$[*].units[*] ? (@ like_regex "^[0-9]{2}$")') THEN
        EXECUTE 'SELECT jsonb_object_agg(parent_code, codes) FROM (SELECT parent_code, jsonb_agg(code) AS codes'
                ' FROM features.communes WHERE parent_code IN (SELECT jsonb_path_query($1, ''$[*].units[*]'') #>> ''{}'')'
                ' GROUP BY parent_code) found'
        INTO communes USING given;
    END IF;
    RETURN jsonb_build_object(
        'grants', coalesce(given, '[]'), 'communes', coalesce(communes, '{}'),
        'layers', (SELECT coalesce(jsonb_object_agg(slug, sensitivity), '{}') FROM catalogue.layers));
END $$;
REVOKE ALL ON FUNCTION access.scope_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.scope_of TO diaban_owner, diaban_writer;

-- What the gate has set for this transaction: communes by layer's slug and by '#' and its class; '*' is every commune.
CREATE FUNCTION access.units_set(setting text, slug text, class text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT string_to_array(concat_ws(',', held ->> ('#' || class), held ->> slug), ',')
        FROM (SELECT nullif(current_setting(setting, true), '')::jsonb AS held) found);

CREATE FUNCTION access.read_units(slug text, class text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN access.units_set('diaban.read', slug, class);

CREATE FUNCTION access.reads_all(slug text, class text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN '*' = ANY (access.units_set('diaban.read', slug, class));

-- Slugs and '#class' that the reader sees anything of, or all of.
CREATE FUNCTION access.read_keys() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ARRAY(SELECT jsonb_object_keys(nullif(current_setting('diaban.read', true), '')::jsonb));

CREATE FUNCTION access.whole_keys() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ARRAY(SELECT key FROM jsonb_each_text(nullif(current_setting('diaban.read', true), '')::jsonb)
             WHERE '*' = ANY (string_to_array(value, ',')));

-- Refuses, whatever program writes, a change of a feature outside the communes that the writer's scope holds.
-- A trigger, because a policy would let a DELETE pass over such rows in silence, and would burden reading.
CREATE FUNCTION access.guard_write() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    allowed text[] := access.units_set('diaban.write', TG_ARGV[0], TG_ARGV[1]);
    spans boolean := TG_ARGV[2] = 'spans';
    is_within boolean := true;
BEGIN
    IF nullif(current_setting('diaban.write', true), '') IS NULL THEN
        RAISE insufficient_privilege USING MESSAGE = 'the writer login has set no scope in this transaction';
    END IF;
    IF NOT '*' = ANY (allowed) THEN
        IF TG_OP <> 'INSERT' THEN
            is_within := CASE WHEN spans THEN OLD.unit_codes <@ allowed ELSE OLD.unit_code = ANY (allowed) END;
        END IF;
        IF TG_OP <> 'DELETE' AND is_within THEN
            is_within := CASE WHEN spans THEN NEW.unit_codes <@ allowed ELSE NEW.unit_code = ANY (allowed) END;
        END IF;
        IF NOT is_within THEN
            RAISE insufficient_privilege USING
                MESSAGE = 'a feature lies outside the communes of the writer''s scope', TABLE = TG_TABLE_NAME;
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;

-- The catalogue as the process needs it to know all layers: nothing of features.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'diaban_watcher') THEN
        CREATE ROLE diaban_watcher LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
END $$;
ALTER ROLE diaban_watcher SET statement_timeout = '30s';
GRANT USAGE ON SCHEMA catalogue TO diaban_watcher;
GRANT SELECT ON catalogue.layers TO diaban_watcher;

ALTER TABLE catalogue.layers ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_layers ON catalogue.layers TO diaban_writer, diaban_watcher USING (true);
CREATE POLICY public_layers ON catalogue.layers FOR SELECT TO diaban_public USING (sensitivity = 'public');
CREATE POLICY scoped_layers ON catalogue.layers FOR SELECT TO diaban_reader USING (
    sensitivity = 'public'
    OR '#' || sensitivity = ANY ((SELECT access.read_keys())::text[])
    OR slug = ANY ((SELECT access.read_keys())::text[])
);

-- Rows about a layer are there for whom the layer is there; the look-up obeys the policy above.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['definition_versions', 'revisions', 'changed_cells'] LOOP
        EXECUTE format('ALTER TABLE catalogue.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY all_rows ON catalogue.%I TO diaban_writer USING (true)', name);
        EXECUTE format('CREATE POLICY rows_of_layers ON catalogue.%I FOR SELECT TO diaban_public, diaban_reader'
                       ' USING (slug IN (SELECT l.slug FROM catalogue.layers l))', name);
    END LOOP;
END $$;

ALTER TABLE catalogue.feature_counts ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON catalogue.feature_counts TO diaban_writer USING (true);
CREATE POLICY public_counts ON catalogue.feature_counts FOR SELECT TO diaban_public
    USING (slug IN (SELECT l.slug FROM catalogue.layers l));
CREATE POLICY scoped_counts ON catalogue.feature_counts FOR SELECT TO diaban_reader USING (EXISTS (
    SELECT 1 FROM catalogue.layers l WHERE l.slug = feature_counts.slug
    AND (l.sensitivity = 'public'
         OR access.reads_all(l.slug, l.sensitivity)
         OR feature_counts.unit_code = ANY (access.read_units(l.slug, l.sensitivity)))
));

-- Companions of tiles are made of all features: only who sees all of a layer sees them.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['companions', 'cells', 'shapes'] LOOP
        EXECUTE format('ALTER TABLE tiles.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY all_rows ON tiles.%I TO diaban_writer USING (true)', name);
        EXECUTE format('CREATE POLICY public_companions ON tiles.%I FOR SELECT TO diaban_public'
                       ' USING (slug IN (SELECT l.slug FROM catalogue.layers l))', name);
        EXECUTE format('CREATE POLICY whole_companions ON tiles.%I FOR SELECT TO diaban_reader'
                       ' USING (slug IN (SELECT l.slug FROM catalogue.layers l WHERE l.sensitivity = ''public'''
                       ' OR ''#'' || l.sensitivity = ANY ((SELECT access.whole_keys())::text[])'
                       ' OR l.slug = ANY ((SELECT access.whole_keys())::text[])))', name);
    END LOOP;
END $$;

-- A raster is one picture of many communes: it is there for who may read every commune of it.
DROP POLICY scoped_rasters ON catalogue.rasters;
CREATE POLICY scoped_rasters ON catalogue.rasters FOR SELECT TO diaban_reader USING (
    sensitivity = 'public'
    OR '#' || sensitivity = ANY ((SELECT access.whole_keys())::text[])
    OR slug = ANY ((SELECT access.whole_keys())::text[])
);
