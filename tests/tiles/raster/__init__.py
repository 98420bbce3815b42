"""Raster layers."""
