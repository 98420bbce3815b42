"""Layers with people in them."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import Connection, Engine, text

from layers.definition import Definition, Field, FieldType, Label
from layers.publish import Mode, Published, publish_rows
from tests.layers.ask_world import SOUTH, WEST
from tests.layers.conftest import MakeLayer
from tests.layers.store_world import NOTE, PLACES

HERE = shapely.Point(WEST + 0.05, SOUTH + 0.05)


def personal(name: str, kind: FieldType = FieldType.TEXT) -> Field:
    return Field(name, name, Label(name, name), kind, personal=True)


@pytest.fixture
def layer(make_layer: MakeLayer) -> Definition:
    return make_layer(PLACES)


@pytest.fixture
def known_people(make_layer: MakeLayer) -> Definition:
    """A layer whose people are told by their identification numbers."""
    plain = make_layer(PLACES)
    more = (personal("owner_id_number"), personal("phone"), personal("born_on", FieldType.DATE))
    return make_layer(PLACES, fields=(*plain.fields, *more))


def publish(engine: Engine, layer: Definition, mode: Mode = Mode.REPLACE, **columns: list[object]) -> Published:
    frame = gpd.GeoDataFrame(columns, geometry=[HERE] * len(columns["code"]), crs=4326)
    frame.index += 1
    with engine.begin() as connection:
        return publish_rows(connection, layer.slug, [frame], mode=mode, note=NOTE)


def everything(connection: Connection) -> str:
    """Every row of every table, as text."""
    tables = connection.execute(
        text(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public') AND tablename <> 'alembic_version'"
        )
    ).scalars()
    rows = (connection.execute(text(f"SELECT string_agg(t::text, E'\\n') FROM {name} t")).scalar() for name in tables)
    return "\n".join(row or "" for row in rows)
