"""A database with admin units and one small layer of each kind, made in seconds, for tests of the feature store."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from app.cluster import Cluster
from app.database import Database, cluster_database
from layers.definition import Definition
from layers.definition_reader import load_code_lists, load_definition
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import put_layer
from migrations.run import migrate
from tests.layers.ask_world import definitions, units

NOTE = ChangeNote("test")
PLACES, FIELDS, NUMBERED = "store-places", "store-fields", "store-numbered"
_YAML = """
slug: {slug}
title: {{vi: Lớp thử, en: Test layer}}
description: {{vi: Thử kho đối tượng., en: Tests the feature store.}}
group: sector
geometry: {geometry}
key: [code]
{more}
steward: Sở Thử
frequency: yearly
sensitivity: public
source: Kiểm thử
fields:
  - {{name: code, title: {{vi: Mã, en: Code}}, type: text, required: true, max_length: 20}}
  - {{name: berths, title: {{vi: Chỗ, en: Berths}}, type: integer, minimum: 0, maximum: 500}}
  - {{name: built_on, title: {{vi: Ngày xây, en: Built on}}, type: date}}
  - {{name: tags, title: {{vi: Nhãn, en: Tags}}, type: "text[]"}}
  - {{name: owner, title: {{vi: Chủ, en: Owner}}, type: text, personal: true}}
"""
_KINDS = {
    PLACES: ("Point", "tiles: {min_zoom: 8, max_zoom: 16, max_features: 1000}"),
    FIELDS: ("MultiPolygon", ""),
    NUMBERED: ("Point", "key_ordinals: true"),
}


def store_definitions(folder: Path) -> dict[str, Definition]:
    """The layers of this world, read from YAML as an operator's would be."""
    found = {}
    for slug, (geometry, more) in _KINDS.items():
        path = folder / f"{slug}.yaml"
        path.write_text(_YAML.format(slug=slug, geometry=geometry, more=more), encoding="utf-8")
        found[slug] = load_definition(path, load_code_lists())
    return found


@contextmanager
def store_database(cluster: Cluster, folder: Path) -> Iterator[Database]:
    """A migrated database with provinces, communes and the empty layers of this world; dropped afterwards."""
    database = cluster_database(cluster, f"clone_{secrets.token_hex(4)}")
    name = database.superuser_url.database
    try:
        migrate(database.superuser_engine(), database.passwords)
        _fill(database.engine("diaban_owner"), folder)
        yield database
    finally:
        admin = cluster_database(cluster, "postgres").superuser_engine()
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def _fill(owner: Engine, folder: Path) -> None:
    built_in = definitions()
    with owner.begin() as connection:
        for slug in ("provinces", "communes", "hamlets"):
            put_layer(connection, built_in[slug], author="test")
        for definition in store_definitions(folder).values():
            put_layer(connection, definition, author="test")
        for slug, rows in units().items():
            publish_rows(connection, slug, [rows], mode=Mode.REPLACE, note=NOTE)


def renamed(definition: Definition, slug: str, **changes: object) -> Definition:
    """The same layer under another slug, for a test of its own."""
    return dataclasses.replace(definition, slug=slug, **changes)  # type: ignore[arg-type]
