"""Revisions of scenarios: proposed by one person, approved by another, in force from a moment on."""
