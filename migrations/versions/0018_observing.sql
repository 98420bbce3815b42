CREATE SCHEMA observing AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA observing TO diaban_writer;

-- What is observed: the same five members that say which place an alert is about.
CREATE TABLE observing.places (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('unit', 'feature', 'node', 'project', 'sensor', 'cluster')),
    layer text NOT NULL DEFAULT '',
    key text NOT NULL,
    unit_code text NOT NULL CHECK (unit_code ~ '^([0-9]{2}|[0-9]{5})$'),
    lon double precision CHECK (lon BETWEEN -180 AND 180),
    lat double precision CHECK (lat BETWEEN -90 AND 90),
    UNIQUE (kind, layer, key),
    CONSTRAINT place_has_both_coordinates CHECK ((lon IS NULL) = (lat IS NULL)),
    CONSTRAINT units_answer_for_themselves CHECK (kind <> 'unit' OR (layer = '' AND key = unit_code))
);

-- One indicator at one place. The catalogue of indicators is data of the program, so that nothing refers to it here.
CREATE TABLE observing.series (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    indicator text NOT NULL,
    place_id bigint NOT NULL REFERENCES observing.places,
    UNIQUE (indicator, place_id)
);

-- A value of a period stands at its first moment, Vietnamese time. A correction is a further version; the one before
-- is kept with the moment at which it was superseded, so that what was known at any moment can be read again.
CREATE TABLE observing.observations (
    series_id bigint NOT NULL REFERENCES observing.series,
    at timestamptz NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    value double precision NOT NULL CHECK (value > '-Infinity' AND value < 'Infinity'),
    received_at timestamptz NOT NULL,
    superseded_at timestamptz,
    source text NOT NULL,
    PRIMARY KEY (series_id, at, version)
) PARTITION BY RANGE (at);

CREATE TABLE observing.targets (
    series_id bigint NOT NULL REFERENCES observing.series,
    period_start timestamptz NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    value double precision NOT NULL CHECK (value > '-Infinity' AND value < 'Infinity'),
    received_at timestamptz NOT NULL,
    superseded_at timestamptz,
    source text NOT NULL,
    PRIMARY KEY (series_id, period_start, version)
);

ALTER TABLE observing.places OWNER TO diaban_owner;
ALTER TABLE observing.series OWNER TO diaban_owner;
ALTER TABLE observing.observations OWNER TO diaban_owner;
ALTER TABLE observing.targets OWNER TO diaban_owner;
GRANT SELECT, INSERT, UPDATE ON observing.places TO diaban_writer;
GRANT SELECT, INSERT ON observing.series TO diaban_writer;
GRANT SELECT, INSERT, UPDATE (superseded_at) ON observing.observations, observing.targets TO diaban_writer;

-- Makes the partitions of these months (first days), where they are missing. Attaching lets readers and writers go on.
CREATE FUNCTION observing.keep_months(months date[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    month date;
    name text;
    first timestamptz;
    following timestamptz;
BEGIN
    FOREACH month IN ARRAY months LOOP
        month := date_trunc('month', month);
        name := 'observations_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass('observing.' || name) IS NOT NULL;
        IF month < '1900-01-01' OR month > now() + interval '2 years' THEN
            RAISE invalid_parameter_value USING MESSAGE = 'a month beyond what observations are kept for';
        END IF;
        PERFORM pg_advisory_xact_lock(hashtextextended('observing.keep_months', 0));
        CONTINUE WHEN to_regclass('observing.' || name) IS NOT NULL;
        first := month::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh';
        following := (month + interval '1 month') AT TIME ZONE 'Asia/Ho_Chi_Minh';
        EXECUTE format('CREATE TABLE observing.%I (LIKE observing.observations INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE observing.observations ATTACH PARTITION observing.%I FOR VALUES FROM (%L) TO (%L)',
                       name, first, following);
    END LOOP;
END $$;
ALTER FUNCTION observing.keep_months(date[]) OWNER TO diaban_owner;
REVOKE ALL ON FUNCTION observing.keep_months(date[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observing.keep_months(date[]) TO diaban_writer;
