"""Rules over observations: their nine shapes as values, their meaning in plain Python, and SQL that says the same."""
