"""Asks questions of the known world, and holds its features as shapes for the oracles."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import shapely

from app.database import Database, open_gate
from app.settings import Settings
from app.watcher import CatalogueWatcher
from layers.access import Gate, Scope
from layers.answer_formats import write_answer
from layers.ask import ask
from layers.catalogue import Catalogue
from layers.reader import Statements
from spatial.question import parse_question

Json = dict[str, Any]


@dataclass
class Asker:
    """Asks one database, on an event loop of its own."""

    loop: asyncio.AbstractEventLoop
    gate: Gate
    watcher: CatalogueWatcher
    statements: Statements = field(default_factory=Statements)

    @property
    def catalogue(self) -> Catalogue:
        return self.watcher.catalogue

    def raw(self, document: Json, *, scope: Scope | None = None) -> bytes:
        question = parse_question(document)
        chosen = scope or Scope.public()
        answer = self.loop.run_until_complete(ask(self.gate, self.catalogue, chosen, question, self.statements))
        return write_answer(answer)

    def ask(self, layer: str, *where: Json, scope: Scope | None = None, **more: object) -> Json:
        """The answer as JSON; rows, not GeoJSON, unless the question says so."""
        document: Json = {"layer": layer, "where": list(where), "format": "json", **more}
        found: Json = json.loads(self.raw(document, scope=scope))
        return found

    def fids(self, layer: str, *where: Json, **more: object) -> list[int]:
        """The fids of all features found, in the order of the answer."""
        page = {"limit": 10_000, "geometry": False, "properties": []}
        found = self.ask(layer, *where, features=page, **more)
        assert found["numberMatched"] == len(found["features"]) <= 10_000
        return [row["fid"] for row in found["features"]]

    def figures(self, layer: str, *where: Json, figures: Json, **more: object) -> list[Json]:
        rows: list[Json] = self.ask(layer, *where, figures=figures, **more)["figures"]
        return rows


@contextmanager
def open_asker(database: Database) -> Iterator[Asker]:
    loop = asyncio.new_event_loop()
    watcher = CatalogueWatcher(database.dsn("diaban_watcher"))
    gate_of = open_gate(database, Settings(_env_file=None, pool_public=2, pool_reader=2))
    gate = loop.run_until_complete(gate_of.__aenter__())
    running = watcher.running()
    loop.run_until_complete(running.__aenter__())
    try:
        yield Asker(loop, gate, watcher)
    finally:
        loop.run_until_complete(running.__aexit__(None, None, None))
        loop.run_until_complete(gate_of.__aexit__(None, None, None))
        loop.close()


@dataclass(frozen=True)
class Row:
    """A feature as plain SQL reads it."""

    fid: int
    shape: shapely.Geometry
    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


class Truth:
    """The features of every layer, read by plain SQL as the superuser, once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.known: dict[str, list[Row]] = {}

    def rows(self, layer: str) -> list[Row]:
        if layer not in self.known:
            cursor = self.connection.execute(
                f'SELECT *, ST_AsBinary(geom) AS wkb FROM features."{layer.replace("-", "_")}" ORDER BY fid'
            )
            names = [column.name for column in cursor.description or ()]
            found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            self.known[layer] = [Row(row["fid"], shapely.from_wkb(row["wkb"]), row) for row in found]
        return self.known[layer]

    def shapes(self, layer: str) -> Any:
        import numpy as np

        return np.array([row.shape for row in self.rows(layer)])
