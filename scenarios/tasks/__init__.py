"""Tasks: steps of a scenario's workflow that somebody must do by a moment, because an alert stands."""
