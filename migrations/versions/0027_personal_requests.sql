-- What persons ask of those who hold their data: with the days within which the law wants an answer and the act.
CREATE TABLE personal.requests (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('see', 'correct', 'export', 'restrict', 'lift', 'erase')),
    person bytea NOT NULL,
    received_at timestamptz NOT NULL,
    answer_due_on date NOT NULL,
    due_on date NOT NULL,
    extended boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'done', 'refused')),
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    received_by text NOT NULL,
    decided_by text,
    decided_at timestamptz,
    CHECK ((state = 'received') = (decided_at IS NULL)),
    CHECK (state <> 'refused' OR reason <> '')
);
CREATE INDEX requests_open ON personal.requests (due_on) WHERE state = 'received';
CREATE INDEX requests_person ON personal.requests (person);

-- How many days personal values of a layer are kept from the publication of the revision that brought them.
CREATE TABLE personal.retention (
    layer text PRIMARY KEY,
    days integer NOT NULL CHECK (days BETWEEN 1 AND 36500),
    basis text NOT NULL CHECK (length(basis) BETWEEN 3 AND 300),
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE personal.requests OWNER TO diaban_owner;
ALTER TABLE personal.retention OWNER TO diaban_owner;
GRANT SELECT ON personal.requests TO diaban_writer;
