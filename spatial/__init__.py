"""Vocabulary and questions of space: CRS, bounding box, geometry, filters and measuring.

This package knows PostGIS, PROJ and the OGC words for asking; it knows nothing of layers, tiles or HTTP.
Coordinates inside are x, y (longitude, latitude) and stored geometries are EPSG:4326.
"""
