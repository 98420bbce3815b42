"""Rules: their thirteen shapes as values, what they mean in plain Python, and the SQL that says the same."""
