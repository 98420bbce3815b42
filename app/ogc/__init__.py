"""The OGC API: documents by pygeoapi, features and tiles by our own statements."""
