-- An alert that is worked on with another one is closed, keeps its history, and says which.
ALTER TABLE alerts.alerts ADD COLUMN merged_into bigint REFERENCES alerts.alerts;
ALTER TABLE alerts.alerts ADD CONSTRAINT merged_into_another
    CHECK (merged_into IS NULL OR (state = 'closed' AND merged_into <> id));
CREATE INDEX alerts_merged ON alerts.alerts (merged_into) WHERE merged_into IS NOT NULL;
