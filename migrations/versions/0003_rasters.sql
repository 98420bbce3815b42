CREATE TABLE catalogue.rasters (
    slug text PRIMARY KEY CHECK (slug ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' AND length(slug) <= 60),
    title_vi text NOT NULL CHECK (title_vi <> ''),
    title_en text NOT NULL CHECK (title_en <> ''),
    kind text NOT NULL CHECK (kind IN ('drawing', 'photo', 'elevation', 'surface')),
    data_group text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('public', 'internal', 'restricted')),
    steward text NOT NULL,
    source text NOT NULL,
    unit text,
    ramp text NOT NULL,
    low double precision,
    high double precision,
    revision bigint NOT NULL DEFAULT 0,
    CHECK (low IS NULL OR high IS NULL OR low < high)
);

-- A scene is in force on the revisions [from_revision, to_revision) of its layer.
CREATE TABLE catalogue.raster_scenes (
    scene_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL REFERENCES catalogue.rasters,
    dated_on date NOT NULL,
    bounds double precision[] NOT NULL CHECK (cardinality(bounds) = 4),
    crs text NOT NULL,
    width integer NOT NULL CHECK (width > 0),
    height integer NOT NULL CHECK (height > 0),
    bands integer NOT NULL CHECK (bands > 0),
    dtype text NOT NULL,
    nodata double precision,
    resolution_m double precision NOT NULL,
    low double precision,
    high double precision,
    file text NOT NULL,
    source_name text NOT NULL,
    source_sha256 text NOT NULL,
    author text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_revision bigint NOT NULL,
    to_revision bigint,
    CHECK (to_revision > from_revision)
);
CREATE INDEX raster_scenes_slug ON catalogue.raster_scenes (slug, dated_on) WHERE to_revision IS NULL;

ALTER TABLE catalogue.rasters OWNER TO diaban_owner;
ALTER TABLE catalogue.raster_scenes OWNER TO diaban_owner;

-- Layers that are not public exist only for readers whose scope names their sensitivity.
ALTER TABLE catalogue.rasters ENABLE ROW LEVEL SECURITY;
ALTER TABLE catalogue.raster_scenes ENABLE ROW LEVEL SECURITY;
CREATE POLICY public_rasters ON catalogue.rasters FOR SELECT TO diaban_public USING (sensitivity = 'public');
CREATE POLICY scoped_rasters ON catalogue.rasters FOR SELECT TO diaban_reader
    USING (sensitivity = ANY (string_to_array(current_setting('diaban.classes', true), ',')));
CREATE POLICY scenes_of_rasters ON catalogue.raster_scenes FOR SELECT TO diaban_public, diaban_reader
    USING (EXISTS (SELECT 1 FROM catalogue.rasters r WHERE r.slug = raster_scenes.slug));
GRANT SELECT ON catalogue.rasters, catalogue.raster_scenes TO diaban_reader, diaban_public;
