"""Uploads: what people send, from the first byte to the published revision."""
