CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Row policies switch spatial indexes off unless the index operators' functions are leakproof.
ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
ALTER FUNCTION geography_overlaps(geography, geography) LEAKPROOF;
ALTER FUNCTION geography(geometry) LEAKPROOF;

DO $$
DECLARE login text;
BEGIN
    FOREACH login IN ARRAY ARRAY['diaban_owner', 'diaban_writer', 'diaban_reader', 'diaban_public'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = login) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', login);
        END IF;
    END LOOP;
END $$;

ALTER ROLE diaban_public SET statement_timeout = '30s';
ALTER ROLE diaban_public SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE diaban_reader SET statement_timeout = '30s';
ALTER ROLE diaban_reader SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE diaban_writer SET idle_in_transaction_session_timeout = '60s';

DO $$
BEGIN
    EXECUTE format('REVOKE CREATE ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO diaban_owner, diaban_writer', current_database());
    EXECUTE format('GRANT CREATE ON DATABASE %I TO diaban_owner', current_database());
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

ALTER SCHEMA catalogue OWNER TO diaban_owner;
CREATE SCHEMA access AUTHORIZATION diaban_owner;
CREATE SCHEMA audit AUTHORIZATION diaban_owner;
CREATE SCHEMA jobs AUTHORIZATION diaban_owner;
CREATE SCHEMA features AUTHORIZATION diaban_owner;
CREATE SCHEMA history AUTHORIZATION diaban_owner;
CREATE SCHEMA private AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA catalogue, features, history TO diaban_writer, diaban_reader, diaban_public;
GRANT USAGE ON SCHEMA private TO diaban_writer;

CREATE TABLE catalogue.layers (
    slug text PRIMARY KEY,
    definition jsonb NOT NULL,
    definition_version integer NOT NULL CHECK (definition_version > 0),
    sensitivity text NOT NULL CHECK (sensitivity IN ('public', 'internal', 'restricted')),
    built_in boolean NOT NULL,
    synthetic boolean NOT NULL DEFAULT false,
    revision bigint NOT NULL DEFAULT 0,
    feature_count bigint NOT NULL DEFAULT 0,
    extent double precision[] CHECK (cardinality(extent) = 4),
    newest_data_at date,
    published_at timestamptz
);

CREATE TABLE catalogue.definition_versions (
    slug text NOT NULL REFERENCES catalogue.layers,
    version integer NOT NULL,
    definition jsonb NOT NULL,
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slug, version)
);

CREATE TABLE catalogue.revisions (
    slug text NOT NULL REFERENCES catalogue.layers,
    revision bigint NOT NULL,
    definition_version integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('replace', 'upsert', 'append', 'edit', 'revert')),
    author text NOT NULL,
    approver text,
    message text NOT NULL DEFAULT '',
    source_name text,
    source_sha256 text,
    newest_data_at date,
    inserted bigint NOT NULL,
    updated bigint NOT NULL,
    deleted bigint NOT NULL,
    feature_count bigint NOT NULL,
    reverts_to bigint,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (slug, revision)
);
CREATE INDEX revisions_published ON catalogue.revisions (slug, published_at);

-- How many features of a layer lie in a unit: what numberMatched adds up without reading the features.
CREATE TABLE catalogue.feature_counts (
    slug text NOT NULL REFERENCES catalogue.layers,
    province_code text NOT NULL,
    unit_code text NOT NULL,
    feature_count bigint NOT NULL,
    PRIMARY KEY (slug, province_code, unit_code)
);

-- Newest revision whose delta touches a WebMercatorQuad cell of zoom 12; (-1, -1) stands for all cells.
CREATE TABLE catalogue.changed_cells (
    slug text NOT NULL REFERENCES catalogue.layers,
    x integer NOT NULL,
    y integer NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (slug, x, y)
);

CREATE TABLE catalogue.unit_successions (
    old_level text NOT NULL CHECK (old_level IN ('province', 'district', 'commune', 'hamlet')),
    old_code text NOT NULL,
    new_level text NOT NULL CHECK (new_level IN ('province', 'district', 'commune', 'hamlet')),
    new_code text NOT NULL,
    effective_on date NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (old_level, old_code, new_level, new_code, effective_on)
);
CREATE INDEX unit_successions_new ON catalogue.unit_successions (new_level, new_code);

CREATE TABLE catalogue.settings (
    name text PRIMARY KEY,
    value text NOT NULL
);

ALTER TABLE catalogue.layers OWNER TO diaban_owner;
ALTER TABLE catalogue.definition_versions OWNER TO diaban_owner;
ALTER TABLE catalogue.revisions OWNER TO diaban_owner;
ALTER TABLE catalogue.feature_counts OWNER TO diaban_owner;
ALTER TABLE catalogue.changed_cells OWNER TO diaban_owner;
ALTER TABLE catalogue.unit_successions OWNER TO diaban_owner;
ALTER TABLE catalogue.settings OWNER TO diaban_owner;

GRANT SELECT ON catalogue.layers, catalogue.revisions, catalogue.feature_counts, catalogue.changed_cells,
    catalogue.unit_successions, catalogue.settings, catalogue.definition_versions
    TO diaban_writer, diaban_reader, diaban_public;
GRANT UPDATE (revision, feature_count, extent, newest_data_at, published_at) ON catalogue.layers TO diaban_writer;
GRANT INSERT ON catalogue.revisions TO diaban_writer;
GRANT INSERT, UPDATE, DELETE ON catalogue.feature_counts, catalogue.changed_cells TO diaban_writer;

-- Column and row of the WebMercatorQuad cell of zoom 12 that holds a longitude or latitude (EPSG:4326, degrees).
CREATE FUNCTION catalogue.cell_x(lon double precision) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN greatest(0, least(4095, floor((lon + 180) / 360 * 4096)::integer));
CREATE FUNCTION catalogue.cell_y(lat double precision) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN greatest(0, least(4095, floor(
    (1 - asinh(tan(radians(greatest(-85.0511287, least(85.0511287, lat))))) / pi()) / 2 * 4096)::integer));
