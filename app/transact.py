"""One transaction of the service's own, in a worker thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from sqlalchemy import Connection, Engine

_T = TypeVar("_T")


async def transact(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    """Does the work in a transaction that ends with it; whatever it raises takes everything back."""

    def run() -> _T:
        with engine.begin() as connection:
            return work(connection)

    return await anyio.to_thread.run_sync(run)
