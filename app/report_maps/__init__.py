"""Reads what report maps show, through the one gate for reading, and makes them in worker threads."""
