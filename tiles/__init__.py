"""Pictures of layers: vector tiles from PostGIS, TileJSON, and the tile cache of a process."""
