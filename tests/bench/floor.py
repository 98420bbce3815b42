"""The floor: the bare items statement behind the least that speaks HTTP, ``uvicorn tests.bench.floor:app``.

It parses nothing, refuses nothing and links nowhere; what a real service takes more is the price of being one.
"""

from __future__ import annotations

import os

import asyncpg

from layers.definition_reader import load_builtin
from tests.bench.bare import items_sql

DSN_VARIABLE = "BENCH_FLOOR_DSN"
HEADERS = [(b"content-type", b"application/geo+json")]
STATEMENT = items_sql(load_builtin()["parcels"], boxed=False)


class Floor:
    """A bare ASGI application that answers ``/items/{limit}``."""

    def __init__(self) -> None:
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def __call__(self, scope: dict[str, object], receive, send) -> None:  # type: ignore[no-untyped-def]
        """Answers one request, or opens and closes the pool."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        assert self._pool is not None
        limit = int(str(scope["path"]).rpartition("/")[2])
        async with self._pool.acquire() as connection:
            body = await connection.fetchval(STATEMENT, limit)
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, length]})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive, send) -> None:  # type: ignore[no-untyped-def]
        await receive()
        self._pool = await asyncpg.create_pool(os.environ[DSN_VARIABLE], min_size=4, max_size=8)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


app = Floor()
