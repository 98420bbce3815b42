"""Answers for a tile of one or several layers, from the cache or from one statement a layer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from layers.access import Gate, Scope
from layers.catalogue import Layer
from layers.definition import FieldType
from layers.reader import Statements
from tiles.address import MAX_ZOOM, TileAddress
from tiles.cache import CachedTile, TileCache, TileKey, gzip_joined
from tiles.errors import LayerHasNoTiles, TooManyLayers
from tiles.vector import tile_fields, tile_parameters, tile_statement, version_statement

MAX_LAYERS = 8
_TILEJSON_TYPES = {FieldType.INTEGER: "Number", FieldType.NUMBER: "Number", FieldType.BOOLEAN: "Boolean"}


@dataclass(frozen=True, slots=True)
class TileAnswer:
    """Bytes of a tile, gzipped where asked for, and the tag that changes exactly when they do."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class TileService:
    """Vector tiles of a catalogue's layers."""

    gate: Gate
    statements: Statements
    cache: TileCache

    async def tile(self, layers: Sequence[Layer], address: TileAddress, scope: Scope, *, gzipped: bool) -> TileAnswer:
        """The tile with one MVT layer per layer, in the order asked for; empty outside a layer's zooms.

        Raises:
            LayerHasNoTiles: A layer has no geometry or offers no tiles.
            TooManyLayers: More layers than :data:`MAX_LAYERS`.
        """
        distinct = {layer.slug: layer for layer in layers}.values()
        if len(distinct) > MAX_LAYERS:
            raise TooManyLayers(len(distinct), MAX_LAYERS)
        tiles = [(layer, await self._one(layer, address, scope)) for layer in distinct]
        tags = "+".join(f"{layer.slug}-{layer.definition_version}-{tile.version}" for layer, tile in tiles)
        etag = f'"{tags}{"-gz" if gzipped else ""}"'
        filled = [tile for _, tile in tiles if tile.body]
        if gzipped and filled:
            return TileAnswer(gzip_joined(filled), etag)
        # Protocol buffers of one message may simply be joined.
        return TileAnswer(b"".join(tile.body for tile in filled), etag)

    async def _one(self, layer: Layer, address: TileAddress, scope: Scope) -> CachedTile:
        options = layer.definition.tiles
        if options is None:
            raise LayerHasNoTiles(layer.slug)
        if not options.min_zoom <= address.z <= max(options.max_zoom, MAX_ZOOM):
            return CachedTile(b"", layer.revision, layer.revision)
        key: TileKey = (scope.cache_key, layer.slug, layer.definition_version, address.z, address.x, address.y)
        values = tile_parameters(address)

        async def make() -> CachedTile:
            statement = self.statements.get(
                layer, ("tile", address.z), lambda target: tile_statement(target, layer, z=address.z)
            )
            async with self.gate.read(scope) as connection:
                row = await connection.fetchrow(statement.text, *statement.args(values))
            return CachedTile(row["body"] or b"", row["version"], row["revision"])

        async def recheck() -> tuple[int, int]:
            statement = self.statements.get(
                layer, ("tile version", address.z), lambda _: version_statement(layer, z=address.z)
            )
            async with self.gate.read(scope) as connection:
                row = await connection.fetchrow(statement.text, *statement.args(values))
            return row["version"], row["revision"]

        return await self.cache.get(key, layer.revision, make=make, recheck=recheck)


def tilejson(layers: Sequence[Layer], tiles_url: str) -> bytes:
    """TileJSON 3.0.0 of one or several layers as one tileset.

    Args:
        layers: In the order of the tile's layers.
        tiles_url: Address template with ``{z}``, ``{x}`` and ``{y}``.

    Raises:
        LayerHasNoTiles: A layer has no geometry or offers no tiles.
    """
    for layer in layers:
        if layer.definition.tiles is None:
            raise LayerHasNoTiles(layer.slug)
    extents = [layer.extent for layer in layers if layer.extent is not None]
    document: dict[str, object] = {
        "tilejson": "3.0.0",
        "name": ", ".join(layer.definition.title.vi for layer in layers),
        "description": ", ".join(layer.definition.title.en for layer in layers),
        "version": ".".join(["1", str(max(layer.revision for layer in layers)), "0"]),
        "scheme": "xyz",
        "tiles": [tiles_url],
        "minzoom": min(layer.definition.tiles.min_zoom for layer in layers if layer.definition.tiles),
        "maxzoom": max(layer.definition.tiles.max_zoom for layer in layers if layer.definition.tiles),
        "vector_layers": [_vector_layer(layer) for layer in layers],
        "synthetic": any(layer.synthetic for layer in layers),
    }
    if extents:
        west, south = min(e[0] for e in extents), min(e[1] for e in extents)
        east, north = max(e[2] for e in extents), max(e[3] for e in extents)
        document["bounds"] = [west, south, east, north]
        document["center"] = [(west + east) / 2, (south + north) / 2, document["minzoom"]]
    return json.dumps(document, ensure_ascii=False).encode()


def _vector_layer(layer: Layer) -> dict[str, object]:
    definition = layer.definition
    options = definition.tiles
    if options is None:
        raise LayerHasNoTiles(layer.slug)
    names = tile_fields(definition, MAX_ZOOM)
    fields = {name: _TILEJSON_TYPES.get(definition.field(name).type, "String") for name in names}
    return {
        "id": layer.slug,
        "description": definition.title.vi,
        "minzoom": options.min_zoom,
        "maxzoom": options.max_zoom,
        "fields": fields,
    }
