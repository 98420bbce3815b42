-- What people asked for and how far it is; Procrastinate's own tables beside it say who works on it.
CREATE TABLE jobs.jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('export', 'ask')),
    status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'expired')),
    request jsonb NOT NULL,
    scope jsonb NOT NULL,
    done bigint NOT NULL DEFAULT 0,
    total bigint,
    attempts integer NOT NULL DEFAULT 0,
    result jsonb,
    error jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    expires_at timestamptz
);
CREATE INDEX jobs_waiting ON jobs.jobs (created_at) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_expiring ON jobs.jobs (expires_at) WHERE status = 'succeeded';

-- Written in the transaction that causes a job; the worker moves rows to Procrastinate, each exactly once.
CREATE TABLE jobs.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    task text NOT NULL,
    job_id uuid NOT NULL REFERENCES jobs.jobs ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);

GRANT USAGE ON SCHEMA jobs TO diaban_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO diaban_writer;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA jobs TO diaban_writer;
