"""Styles that colour a number by range: in MapLibre's document, in SLD, in the cells of low zooms, and refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from shapely import Point

from app.database import Database
from layers.definition import Definition
from layers.definition_json import from_json, to_json
from layers.definition_reader import load_definition
from layers.errors import InvalidDefinition
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import put_layer
from tests.tiles.world import addresses, make_tile
from tiles.address import TileAddress
from tiles.companions import refresh_companions
from tiles.styles.maplibre import color_of, legend
from tiles.styles.sld import sld_style

OGC = "{http://www.opengis.net/ogc}"
SLD = "{http://www.opengis.net/sld}"
TEXT = """\
slug: wells
title: {vi: Giếng, en: Wells}
description: {vi: Giếng đo., en: Measured wells.}
group: sector
geometry: Point
key: [code]
steward: Sở Xây dựng
frequency: yearly
sensitivity: public
source: TQ-2.3
fields:
  - name: code
    title: {vi: Mã, en: Code}
    type: text
    required: true
  - name: depth
    title: {vi: Độ sâu, en: Depth}
    type: number
    unit: m
tiles: {min_zoom: 12, max_zoom: 16, max_features: 1000}
style:
  type: circle
  color: "#999999"
  by: depth
  breaks:
    - {at_least: -5, color: "#ffffcc", label: {vi: Nông, en: Shallow}}
    - {at_least: 10.5, color: "#41b6c4", label: {vi: Vừa, en: Medium}}
    - {at_least: 40, color: "#253494", label: {vi: Sâu, en: Deep}}
"""
CLASSES = """  classes: [{value: "1", color: "#000000", label: {vi: a, en: b}}]
"""


def define(folder: Path, text: str = TEXT) -> Definition:
    path = folder / "wells.yaml"
    path.write_text(text)
    return load_definition(path, {})


class TestDocuments:
    def test_maplibre_steps_through_the_ranges_and_has_a_colour_for_no_value(self, tmp_path: Path) -> None:
        definition = define(tmp_path)
        assert definition.style is not None
        assert color_of(definition, definition.style) == [
            "case",
            ["has", "depth"],
            ["step", ["to-number", ["get", "depth"]], "#999999", -5, "#ffffcc", 10.5, "#41b6c4", 40, "#253494"],
            "#999999",
        ]
        assert [(entry["at_least"], entry["vi"]) for entry in legend(definition)] == [
            (-5, "Nông"),
            (10.5, "Vừa"),
            (40, "Sâu"),
        ]

    def test_sld_filters_each_range_without_a_gap(self, tmp_path: Path) -> None:
        root = ET.fromstring(sld_style(define(tmp_path)))  # noqa: S314 - our own text
        ranges = []
        for rule in root.iter(f"{SLD}Rule"):
            both = rule.find(f"{SLD}Filter/{OGC}And") or rule.find(f"{OGC}Filter/{OGC}And")
            if both is not None:
                ranges.append([(part.tag.removeprefix(OGC), part[0].text, part[1].text) for part in both])
        low, high = "PropertyIsGreaterThanOrEqualTo", "PropertyIsLessThan"
        assert ranges == [
            [(low, "depth", "-5"), (high, "depth", "10.5")],
            [(low, "depth", "10.5"), (high, "depth", "40")],
            [(low, "depth", "40")],
        ]
        assert root.find(f".//{SLD}ElseFilter") is not None

    def test_survives_the_catalogue_and_older_rows_have_none(self, tmp_path: Path) -> None:
        definition = define(tmp_path)
        document = to_json(definition)
        assert from_json(document) == definition
        style = document["style"]
        assert isinstance(style, dict)
        del style["breaks"]
        style["by"] = None
        old = from_json(document)
        assert old.style is not None
        assert old.style.breaks == ()


class TestRefused:
    @pytest.mark.parametrize(
        ("old", "new", "path"),
        [
            ("at_least: 40", "at_least: 10.5", "style.breaks[2].at_least"),
            ("at_least: 40", "at_least: .nan", "style.breaks[2].at_least"),
            ("by: depth", "by: code", "style.by"),
            ("  by: depth\n", "", "style.breaks"),
            (
                "  breaks:",
                '  classes: [{value: "1", color: "#000000", label: {vi: a, en: b}}]\n  breaks:',
                "style.breaks",
            ),
        ],
    )
    def test_with_the_place_of_the_fault(self, tmp_path: Path, old: str, new: str, path: str) -> None:
        assert old in TEXT
        with pytest.raises(InvalidDefinition) as refused:
            define(tmp_path, TEXT.replace(old, new))
        assert path in refused.value.en


@pytest.mark.db
class TestCells:
    def test_count_by_range_and_are_counted_anew_when_the_breaks_change(
        self, make_clone: Callable[[], Database], tmp_path: Path
    ) -> None:
        database = make_clone()
        engine = database.engine("diaban_owner")
        place = Point(105.85, 21.02)
        rows = pd.DataFrame({"code": ["a", "b", "c"], "depth": [10.5, 12.0, None], "geometry": [place] * 3})
        with engine.begin() as connection:
            put_layer(connection, define(tmp_path), author="test")
            note = ChangeNote("test", "test")
            publish_rows(connection, "wells", [rows], mode=Mode.REPLACE, note=note)
            refresh_companions(connection, "wells")
        tile = next(addresses((105.85, 21.02, 105.85, 21.02), 8))
        assert classes(database, tile) == [("10.5", 3)]
        with engine.begin() as connection:
            put_layer(connection, define(tmp_path, TEXT.replace("10.5", "12")), author="test")
            refresh_companions(connection, "wells")
        found = classes(database, tile)
        assert [count for _, count in found] == [3]
        assert found[0][0] in ("-5", "12", None)
        assert found != [("10.5", 3)]
        engine.dispose()


def classes(database: Database, tile: TileAddress) -> list[tuple[object, int]]:
    features = make_tile(database, "wells", tile)[1]["wells"]["features"]
    return [(item["properties"].get("depth"), item["properties"]["_count"]) for item in features]
