"""Personal fields: sealed with a key for each person, opened with the right to and a reason, erased with the key."""
