CREATE SCHEMA scenarios AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA scenarios TO diaban_writer;

-- Version 1 of a scenario is the one that comes with the program; it is not kept here. A revision holds the whole
-- document, so that what was in force at any moment can be read again as it was written.
CREATE TABLE scenarios.revisions (
    code text NOT NULL CHECK (code ~ '^S[0-9]{2,3}$'),
    version integer NOT NULL CHECK (version > 1),
    document text NOT NULL CHECK (octet_length(document) <= 262144),
    state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'approved', 'refused', 'withdrawn')),
    -- Why, and by whose decision.
    reason text NOT NULL,
    author text NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    comment text NOT NULL DEFAULT '',
    in_force_at timestamptz,
    PRIMARY KEY (code, version),
    CONSTRAINT four_eyes CHECK (state <> 'approved' OR decided_by <> author),
    CONSTRAINT decided_by_somebody CHECK ((state = 'proposed') = (decided_by IS NULL)),
    CONSTRAINT decided_at_some_time CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT in_force_when_approved CHECK ((state = 'approved') = (in_force_at IS NOT NULL)),
    CONSTRAINT never_in_force_before_it_was_approved CHECK (in_force_at >= decided_at)
);
CREATE INDEX revisions_in_force ON scenarios.revisions (code, in_force_at DESC, version DESC) WHERE state = 'approved';

ALTER TABLE scenarios.revisions OWNER TO diaban_owner;
-- What was proposed stays as it was written; only what comes of it is added.
GRANT SELECT, INSERT, UPDATE (state, decided_by, decided_at, comment, in_force_at) ON scenarios.revisions TO diaban_writer;
