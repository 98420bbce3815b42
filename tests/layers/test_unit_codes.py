"""Whose feature: the unit of a published row, held against shapely over the same communes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sqlalchemy import Engine, text

from layers.publish import Mode, publish_rows
from tests.layers.ask_world import SIZE, SOUTH, WEST, units
from tests.layers.conftest import MakeLayer
from tests.layers.store_world import FIELDS, NOTE, PLACES

pytestmark = pytest.mark.db
NUMBER = 200


def publish(engine: Engine, slug: str, shapes: list[shapely.Geometry]) -> None:
    codes = [f"C{n:03d}" for n in range(len(shapes))]
    frame = gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs=4326, index=range(1, len(shapes) + 1))
    with engine.begin() as connection:
        publish_rows(connection, slug, [frame], mode=Mode.REPLACE, note=NOTE)


def corners(seed: int) -> np.ndarray:
    """Places in and round the province, off its grid."""
    return np.random.default_rng(seed).random((NUMBER, 2)) * SIZE * 1.2 + [WEST - SIZE * 0.1, SOUTH - SIZE * 0.1]


def test_a_point_belongs_to_the_commune_that_contains_it(store_writer: Engine, make_layer: MakeLayer) -> None:
    layer, communes = make_layer(PLACES), units()["communes"]
    points = [shapely.Point(x, y) for x, y in corners(1)]
    publish(store_writer, layer.slug, points)
    with store_writer.connect() as connection:
        found = connection.execute(
            text(f"SELECT unit_code, province_code FROM features.{layer.table} ORDER BY code")
        ).all()
    expected = []
    for point in points:
        holding = communes[communes.contains(point)]
        expected.append((holding["code"].iloc[0], "99") if len(holding) else ("00000", "00"))
    assert [tuple(row) for row in found] == expected
    assert ("00000", "00") in expected


def test_a_polygon_belongs_to_the_commune_with_most_of_it_and_lists_the_others(
    store_writer: Engine, make_layer: MakeLayer
) -> None:
    layer, communes = make_layer(FIELDS), units()["communes"]
    places = np.asarray(communes.geometry, dtype=object)
    shapes = [shapely.Point(x, y).buffer(SIZE / 10, quad_segs=4) for x, y in corners(2)]
    publish(store_writer, layer.slug, shapes)
    with store_writer.connect() as connection:
        found = connection.execute(
            text(f"SELECT unit_code, unit_codes FROM features.{layer.table} ORDER BY code")
        ).all()
    crossing = 0
    for (unit, listed), shape in zip(found, shapes, strict=True):
        shares = dict(zip(communes["code"], shapely.area(shapely.intersection(places, shape)), strict=True))
        held = {code for code, share in shares.items() if share > 0}
        assert set(listed) == (held or {"00000"})
        assert unit == listed[0]
        if held:
            assert shares[unit] == pytest.approx(max(shares.values()), rel=1e-9)
        crossing += len(held) > 1
    assert crossing > NUMBER / 4


def test_a_declared_unit_wins_over_the_place(store_writer: Engine, make_layer: MakeLayer) -> None:
    layer = make_layer(PLACES, unit_field="code")
    frame = gpd.GeoDataFrame({"code": ["99916"]}, geometry=[shapely.Point(WEST + 0.01, SOUTH + 0.01)], crs=4326)
    frame.index = [1]
    with store_writer.begin() as connection:
        publish_rows(connection, layer.slug, [frame], mode=Mode.REPLACE, note=NOTE)
        row = connection.execute(text(f"SELECT unit_code, province_code FROM features.{layer.table}")).one()
    assert tuple(row) == ("99916", "99")


def test_a_neighbour_that_is_only_touched_has_no_share(store_writer: Engine, make_layer: MakeLayer) -> None:
    layer = make_layer(FIELDS)
    first, second = units()["communes"].geometry.iloc[0], units()["communes"].geometry.iloc[1]
    assert first.touches(second)
    publish(store_writer, layer.slug, [first])
    with store_writer.connect() as connection:
        listed = connection.execute(text(f"SELECT unit_codes FROM features.{layer.table}")).scalar_one()
    assert listed == [units()["communes"]["code"].iloc[0]]
