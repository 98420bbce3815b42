ALTER TABLE notifying.outbox DROP CONSTRAINT outbox_source_check;
ALTER TABLE notifying.outbox ADD CONSTRAINT outbox_source_check CHECK (source IN ('notice', 'alert', 'task'));

-- Every alert brings tasks, so that a task is told only where a channel asks for it by name.
CREATE FUNCTION notifying.take_given_tasks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    IF EXISTS (SELECT FROM notifying.channels WHERE removed_at IS NULL AND 'task_given' = ANY (kinds)) THEN
        INSERT INTO notifying.outbox (source, source_id, version, kind, action, target, unit_code, scenario, level,
            link, detail)
        SELECT 'task', task.id, task.version, 'task_given', 'edit', '@alerts', task.unit_code, task.scenario,
            alert.level, '/board?s=' || task.scenario || '&a=' || task.alert_id, jsonb_build_object(
                'alert', task.alert_id, 'step', task.step, 'title_vi', task.title_vi, 'title_en', task.title_en,
                'actor', task.actor, 'due_at', task.due_at)
        FROM new_rows AS task JOIN old_rows AS earlier USING (id) JOIN alerts.alerts AS alert ON alert.id = task.alert_id
        WHERE task.state = 'open' AND task.given_at IS DISTINCT FROM earlier.given_at
        ORDER BY task.id
        ON CONFLICT ON CONSTRAINT told_once DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
ALTER FUNCTION notifying.take_given_tasks() OWNER TO diaban_owner;
REVOKE ALL ON FUNCTION notifying.take_given_tasks() FROM PUBLIC;
-- Every task is made waiting, which is no news; giving it is a change.
CREATE TRIGGER tasks_notify_given AFTER UPDATE ON tasks.tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION notifying.take_given_tasks();
