"""Measures the service against the bare statements and against its peers: ``make bench``."""
