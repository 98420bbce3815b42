CREATE SCHEMA tasks AUTHORIZATION diaban_owner;
GRANT USAGE ON SCHEMA tasks TO diaban_writer;

-- One step of a scenario's workflow for one alert. What the definition said is kept as it was when the alert opened.
CREATE TABLE tasks.tasks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id bigint NOT NULL REFERENCES alerts.alerts,
    scenario text NOT NULL,
    step text NOT NULL,
    number smallint NOT NULL CHECK (number > 0),
    -- Given together with the step before it rather than after that is done.
    is_beside boolean NOT NULL DEFAULT false,
    title_vi text NOT NULL,
    title_en text NOT NULL,
    actor text NOT NULL,
    channel text NOT NULL DEFAULT '',
    unit_code text NOT NULL CHECK (unit_code ~ '^([0-9]{2}|[0-9]{5})$'),
    deadline text NOT NULL
        CHECK (deadline IN ('none', 'at_once', 'promptly', 'within', 'same_day_before', 'daily')),
    hours smallint CHECK (hours > 0),
    before_clock time,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'open', 'done', 'dropped')),
    version integer NOT NULL DEFAULT 1,
    assignee text,
    given_at timestamptz,
    due_at timestamptz,
    ended_at timestamptz,
    -- Who was told last that the task is late, and when the next one is told.
    rung text NOT NULL DEFAULT 'officer' CHECK (rung IN ('officer', 'office', 'leader', 'province')),
    escalates_at timestamptz,
    UNIQUE (alert_id, step),
    CONSTRAINT within_some_hours CHECK ((deadline = 'within') = (hours IS NOT NULL)),
    CONSTRAINT before_some_clock CHECK ((deadline = 'same_day_before') = (before_clock IS NOT NULL)),
    CONSTRAINT given_at_a_moment CHECK (state NOT IN ('open', 'done') OR given_at IS NOT NULL),
    CONSTRAINT ended_at_a_moment CHECK ((state IN ('done', 'dropped')) = (ended_at IS NOT NULL)),
    CONSTRAINT only_open_ones_escalate CHECK (escalates_at IS NULL OR (state = 'open' AND due_at IS NOT NULL))
);
CREATE INDEX tasks_of_unit ON tasks.tasks (unit_code, state, due_at);
CREATE INDEX tasks_escalating ON tasks.tasks (escalates_at) WHERE escalates_at IS NOT NULL;

-- What happened to each task, in order; what people wrote stands here and nowhere else.
CREATE TABLE tasks.steps (
    task_id bigint NOT NULL REFERENCES tasks.tasks,
    number integer NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    to_state text NOT NULL,
    assignee text,
    comment text NOT NULL DEFAULT '' CHECK (length(comment) <= 4000),
    at timestamptz NOT NULL,
    PRIMARY KEY (task_id, number)
);

ALTER TABLE tasks.tasks OWNER TO diaban_owner;
ALTER TABLE tasks.steps OWNER TO diaban_owner;
GRANT SELECT, INSERT, UPDATE ON tasks.tasks TO diaban_writer;
GRANT SELECT, INSERT ON tasks.steps TO diaban_writer;

CREATE FUNCTION live.tell_tasks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows) THEN
        INSERT INTO live.events (kind, recipient, actions, target, unit_code, object_id, detail)
        SELECT 'task_changed', assignee, '{read}', '@alerts', unit_code, id::text, jsonb_build_object(
            'alert', alert_id, 'scenario', scenario, 'step', step, 'state', state, 'rung', rung, 'version', version)
        FROM new_rows ORDER BY id;
    END IF;
    RETURN NULL;
END $$;
ALTER FUNCTION live.tell_tasks() OWNER TO diaban_owner;
REVOKE ALL ON FUNCTION live.tell_tasks() FROM PUBLIC;
-- Every task is made waiting, which is no news; giving it is a change.
CREATE TRIGGER tasks_tell_changed AFTER UPDATE ON tasks.tasks
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.tell_tasks();
