"""Styles of layers as documents that map programs read: MapLibre for browsers, SLD for QGIS and ArcGIS."""
