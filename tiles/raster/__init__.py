"""Raster layers: plan drawings, photographs, elevations and surfaces, kept as COGs and served as tiles."""
