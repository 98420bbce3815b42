-- Rules over features: which edition of each layer a scenario was last evaluated with ({"slug": [definition version,
-- revision]}), and which of its rules could not be evaluated as the layers are defined ([{"rule", "vi", "en"}]).
ALTER TABLE judging.evaluations
    ADD COLUMN layers jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN refused jsonb NOT NULL DEFAULT '[]';
