"""Tiles of one process, kept by scope and definition, valid as long as their version stands."""

from __future__ import annotations

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field

RAW_DEFLATE = -15  # zlib's number for the largest window and no header
GZIP_LEVEL = 5
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
LAST_BLOCK = b"\x03\x00"
ENTRY_BYTES = 256

TileKey = tuple[str, str, int, str, int, int, int]
"""Which part of the layer the reader sees, slug, definition version, tile matrix set, z, x, y."""


@dataclass(slots=True)
class CachedTile:
    """Bytes of a tile.

    Attributes:
        version: Newest revision whose delta touches the tile.
        checked_revision: Newest revision of the layer at which ``version`` is known to stand.
        shown: Revision that the bytes show, where that is older than ``version``; such a tile is not kept.
    """

    body: bytes
    version: int
    checked_revision: int
    shown: int | None = None
    _deflated: bytes | None = None

    @property
    def tag(self) -> str:
        """What tells these bytes from those of the same tile at other times."""
        return str(self.version) if self.shown is None else f"{self.version}b{self.shown}"

    def deflated(self) -> bytes:
        """The tile as blocks of a deflate stream that ends on a byte, compressed once."""
        if self._deflated is None:
            packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, RAW_DEFLATE)
            self._deflated = packer.compress(self.body) + packer.flush(zlib.Z_FULL_FLUSH)
        return self._deflated


def gzip_joined(tiles: Sequence[CachedTile]) -> bytes:
    """The joined bodies as one gzip member (RFC 1952), put together from blocks that are compressed already.

    Members must not simply follow one another: browsers and most HTTP clients stop after the first.
    """
    checksum = size = 0
    for tile in tiles:
        checksum = zlib.crc32(tile.body, checksum)
        size += len(tile.body)
    trailer = checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
    return b"".join((GZIP_HEADER, *(tile.deflated() for tile in tiles), LAST_BLOCK, trailer))


@dataclass(slots=True)
class _Making:
    task: asyncio.Task[CachedTile]
    waiting: int = 0


@dataclass
class TileCache:
    """Least recently used tiles within a number of bytes; one maker per tile at a time."""

    max_bytes: int
    hits: int = 0
    misses: int = 0
    _bytes: int = 0
    _tiles: OrderedDict[TileKey, CachedTile] = field(default_factory=OrderedDict)
    _weights: dict[TileKey, int] = field(default_factory=dict)
    _making: dict[TileKey, _Making] = field(default_factory=dict)

    async def get(
        self,
        key: TileKey,
        revision: int,
        *,
        make: Callable[[], Coroutine[object, object, CachedTile]],
        recheck: Callable[[], Awaitable[tuple[int, int]]],
    ) -> CachedTile:
        """The tile as it is at ``revision`` of the layer or later.

        Args:
            key: What tells the tile from others; part of it is what the reader's scope can see.
            revision: The layer's revision that this process has been told of.
            make: Reads the tile from the database.
            recheck: Reads the tile's version and the layer's revision, at a fraction of the cost.
        """
        known = self._tiles.get(key)
        if known is not None:
            self._tiles.move_to_end(key)
            if known.checked_revision >= revision:
                self.hits += 1
                return known
            version, checked = await recheck()
            if version == known.version:
                known.checked_revision = max(known.checked_revision, checked)
                self.hits += 1
                return known
        self.misses += 1
        tile = await self._make_once(key, make)
        if tile.checked_revision < revision:
            # It was already being made when the newer revision was announced.
            tile = await self._make_once(key, make)
        return tile

    async def _make_once(self, key: TileKey, make: Callable[[], Coroutine[object, object, CachedTile]]) -> CachedTile:
        """Lets all who wait for one tile share one statement, which is cancelled when the last has gone."""
        making = self._making.get(key)
        if making is None or making.task.done():
            # One that has ended may still stand here until the last of those who waited for it runs.
            making = _Making(asyncio.ensure_future(make()))
            self._making[key] = making
        making.waiting += 1
        try:
            tile = await asyncio.shield(making.task)
        finally:
            making.waiting -= 1
            if making.waiting == 0:
                making.task.cancel()
                if self._making.get(key) is making:
                    del self._making[key]
        self._put(key, tile)
        return tile

    def _put(self, key: TileKey, tile: CachedTile) -> None:
        # A compressed copy may come later; it is smaller than the body, which so is counted twice.
        weight = 2 * len(tile.body) + ENTRY_BYTES
        if key in self._tiles:
            self._bytes -= self._weights.pop(key)
            del self._tiles[key]
        if weight > self.max_bytes // 4 or tile.shown is not None:
            return
        self._tiles[key] = tile
        self._weights[key] = weight
        self._bytes += weight
        while self._bytes > self.max_bytes:
            oldest, _ = self._tiles.popitem(last=False)
            self._bytes -= self._weights.pop(oldest)

    @property
    def bytes_held(self) -> int:
        """Bytes that the tiles may take, compressed copies included."""
        return self._bytes
