"""What a printed sheet of a scenario holds: figures, open alerts, late tasks, and a map of the units."""
