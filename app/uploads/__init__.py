"""Uploads over HTTP, from the command line, from a watched folder, and in the worker."""
