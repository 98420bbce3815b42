CREATE SCHEMA tiles AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA tiles TO diaban_writer, diaban_reader, diaban_public;

-- Revision of a layer that its companions show, and the field whose values their main class is.
CREATE TABLE tiles.companions (
    slug text PRIMARY KEY REFERENCES catalogue.layers,
    revision bigint NOT NULL,
    class_field text NOT NULL
);

-- Features by WebMercatorQuad cell of levels 12 to 17; each feature counts in one cell of a level.
CREATE TABLE tiles.cells (
    slug text NOT NULL REFERENCES catalogue.layers,
    level integer NOT NULL,
    x integer NOT NULL,
    y integer NOT NULL,
    feature_count bigint NOT NULL,
    main_class text,
    PRIMARY KEY (slug, level, x, y)
);

-- Simplified copies of features (EPSG:3857); x, y is the zoom-12 cell under which a line was ranked.
CREATE TABLE tiles.shapes (
    slug text NOT NULL REFERENCES catalogue.layers,
    level integer NOT NULL,
    fid bigint NOT NULL,
    x integer NOT NULL,
    y integer NOT NULL,
    geom geometry(Geometry, 3857) NOT NULL,
    PRIMARY KEY (slug, level, fid)
);
CREATE INDEX shapes_place ON tiles.shapes USING gist (slug, level, geom);
CREATE INDEX shapes_cell ON tiles.shapes (slug, x, y);

ALTER TABLE tiles.companions OWNER TO diaban_owner;
ALTER TABLE tiles.cells OWNER TO diaban_owner;
ALTER TABLE tiles.shapes OWNER TO diaban_owner;
GRANT SELECT ON tiles.companions, tiles.cells, tiles.shapes TO diaban_reader, diaban_public;
GRANT SELECT, INSERT, UPDATE, DELETE ON tiles.companions, tiles.cells, tiles.shapes TO diaban_writer;

-- Layers made before this version: new ones get the column with their table.
DO $$
DECLARE layer record;
BEGIN
    FOR layer IN SELECT replace(slug, '-', '_') AS name FROM catalogue.layers
                 WHERE definition->>'geometry' = 'MultiPolygon' AND jsonb_typeof(definition->'tiles') = 'object' LOOP
        EXECUTE format('ALTER TABLE features.%I ADD COLUMN IF NOT EXISTS label_geom geometry(Point, 3857)'
                       ' GENERATED ALWAYS AS (ST_PointOnSurface(ST_Transform(geom, 3857))) STORED', layer.name);
    END LOOP;
END $$;
