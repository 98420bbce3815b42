"""Answers for a tile of one or several layers, from the cache or from one statement a layer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from layers.access import Gate, Scope
from layers.catalogue import Layer
from layers.definition import Field, FieldType
from layers.reader import Statements
from tiles.address import MAX_ZOOM, TileAddress
from tiles.cache import CachedTile, TileCache, TileKey, gzip_joined
from tiles.content import CELL_COUNT, DENSE_ZOOM, first_zoom, first_zooms, has_cells, label_field, label_layer
from tiles.errors import LayerHasNoTiles, TooManyLayers
from tiles.frame import tile_parameters
from tiles.overview import cell_level
from tiles.vector import tile_statement, version_statement

MAX_LAYERS = 8
# WebMercatorQuad ends here.
MAX_LATITUDE = 85.0511287798
_TILEJSON_TYPES = {FieldType.INTEGER: "Number", FieldType.NUMBER: "Number", FieldType.BOOLEAN: "Boolean"}


@dataclass(frozen=True, slots=True)
class TileAnswer:
    """Bytes of a tile, gzipped where asked for, and the tag that changes exactly when they do.

    Attributes:
        behind: Layers whose counts by cell are of an older revision, because the newest are still being made.
    """

    body: bytes
    etag: str
    behind: tuple[str, ...] = ()


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
        tags = "+".join(f"{layer.edition}-{tile.tag}" for layer, tile in tiles)
        etag = f'"{tags}{"-gz" if gzipped else ""}"'
        filled = [tile for _, tile in tiles if tile.body]
        behind = tuple(layer.slug for layer, tile in tiles if tile.shown is not None)
        if gzipped and filled:
            return TileAnswer(gzip_joined(filled), etag, behind)
        # Protocol buffers of one message may simply be joined.
        return TileAnswer(b"".join(tile.body for tile in filled), etag, behind)

    async def _one(self, layer: Layer, address: TileAddress, scope: Scope) -> CachedTile:
        if layer.definition.tiles is None:
            raise LayerHasNoTiles(layer.slug)
        web_zoom = address.web_zoom
        if not first_zoom(layer.definition) <= web_zoom <= MAX_ZOOM:
            return CachedTile(b"", layer.revision, layer.revision)
        place = (address.matrix.id, address.z, address.x, address.y)
        key: TileKey = (layer.reach, layer.slug, layer.definition_version, *place)
        values = tile_parameters(address, cell_level(web_zoom))

        async def make() -> CachedTile:
            statement = self.statements.get(
                layer,
                ("tile", address.matrix.id, address.z),
                lambda target: tile_statement(target, layer, matrix=address.matrix, z=address.z),
            )
            async with self.gate.read(layer.reader(scope)) as connection:
                row = await connection.fetchrow(statement.text, *statement.args(values))
            return CachedTile(row["body"], row["version"], row["revision"], row["shown"])

        async def recheck() -> tuple[int, int]:
            statement = self.statements.get(
                layer, ("tile version", web_zoom), lambda _: version_statement(layer, web_zoom=web_zoom)
            )
            async with self.gate.read(layer.reader(scope)) as connection:
                row = await connection.fetchrow(statement.text, *statement.args(values))
            return row["version"], row["revision"]

        return await self.cache.get(key, layer.revision, make=make, recheck=recheck)


def tilejson(layers: Sequence[Layer], tiles_url: str, style_url: str) -> bytes:
    """TileJSON 3.0.0 of one or several layers as one tileset.

    Args:
        layers: In the order of the tile's layers.
        tiles_url: Address template with ``{z}``, ``{x}`` and ``{y}``.
        style_url: Address of the MapLibre style of the same layers.

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
        "minzoom": min(first_zoom(layer.definition) for layer in layers),
        "maxzoom": max(layer.definition.tiles.max_zoom for layer in layers if layer.definition.tiles),
        "vector_layers": [entry for layer in layers for entry in _vector_layers(layer)],
        "synthetic": any(layer.synthetic for layer in layers),
        "style": style_url,
    }
    if extents:
        west, south = min(e[0] for e in extents), max(-MAX_LATITUDE, min(e[1] for e in extents))
        east, north = max(e[2] for e in extents), min(MAX_LATITUDE, max(e[3] for e in extents))
        document["bounds"] = [west, south, east, north]
        document["center"] = [(west + east) / 2, (south + north) / 2, document["minzoom"]]
    return json.dumps(document, ensure_ascii=False).encode()


def _vector_layers(layer: Layer) -> list[dict[str, object]]:
    """The layer and its label points; the text of a field says its type and from which zoom a tile carries it."""
    definition = layer.definition
    if definition.tiles is None:
        raise LayerHasNoTiles(layer.slug)
    starts = first_zooms(definition)
    first, last = first_zoom(definition), definition.tiles.max_zoom

    def described(field: Field) -> str:
        kind = _TILEJSON_TYPES.get(field.type, "String")
        start = max(first, starts[field.name])
        return kind if start == first else f"{kind} (z{start}+)"

    fields = {field.name: described(field) for field in definition.public_fields if starts[field.name] <= last}
    if has_cells(definition):
        fields[CELL_COUNT] = f"Number (z{first}-z{DENSE_ZOOM})"
    entry: dict[str, object] = {
        "id": layer.slug,
        "description": definition.title.vi,
        "minzoom": first,
        "maxzoom": last,
        "fields": fields,
    }
    labels, shown = label_layer(definition), label_field(definition)
    if labels is None or shown is None:
        return [entry]
    start = max(definition.tiles.min_zoom, starts[shown.name])
    return [entry, {**entry, "id": labels, "minzoom": min(start, last), "fields": {shown.name: "String"}}]
