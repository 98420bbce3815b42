"""The gate's sessions: who is asked, how statements are planned, and that nothing of a reader stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from app.database import PLAN_ONCE, Database, open_gate
from app.settings import Settings
from layers.access import Gate, Scope

SESSION = "SELECT current_user, current_setting('plan_cache_mode'), current_setting('diaban.classes', true)"


def _through(database: Database, look: Callable[[Gate], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_gate(database, Settings(database_url=None)) as gate:
            await look(gate)

    asyncio.run(run())


class TestPlanning:
    def test_statements_are_planned_once_only_where_that_is_asked_for(self, shared_database: Database) -> None:
        async def look(gate: Gate) -> None:
            assert gate.planned is not None
            for scope, user in ((Scope.public(), "diaban_public"), (Scope.local_admin(), "diaban_reader")):
                async with gate.read(scope) as connection:
                    assert tuple(await connection.fetchrow(SESSION))[:2] == (user, "auto")
                async with gate.planned.read(scope) as connection:
                    assert tuple(await connection.fetchrow(SESSION))[:2] == (user, PLAN_ONCE["plan_cache_mode"])

        _through(shared_database, look)


class TestSessions:
    def test_a_scope_ends_with_its_transaction(self, shared_database: Database) -> None:
        async def look(gate: Gate) -> None:
            async with gate.read(Scope.local_admin()) as connection:
                assert (await connection.fetchrow(SESSION))[2]
            async with gate.reader.acquire() as connection:
                assert not (await connection.fetchrow(SESSION))[2]

        _through(shared_database, look)

    def test_a_transaction_left_open_does_not_outlive_its_reader(self, shared_database: Database) -> None:
        async def look(gate: Gate) -> None:
            async with gate.read(Scope.public()) as connection:
                pid = await connection.fetchval("SELECT pg_backend_pid()")
                await connection.execute("BEGIN")
            async with gate.read(Scope.public()) as connection:
                assert await connection.fetchval("SELECT pg_backend_pid()") == pid
                assert not connection.is_in_transaction()

        _through(shared_database, look)
