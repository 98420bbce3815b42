"""Signing in over HTTP: whose request it is, the session, tokens, and the pages for people."""
