"""Styles against the definitions and the tiles that they draw, and as documents that programs can read."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from layers.definition import DRAWN, GeometryType
from layers.definition_reader import load_builtin
from tests.conftest import Service
from tiles.content import has_cells, label_field, label_layer
from tiles.styles.qml import qml_style
from tiles.styles.sld import sld_style

pytestmark = [pytest.mark.db, pytest.mark.ogc]
SLD = "{http://www.opengis.net/sld}"
OGC = "{http://www.opengis.net/ogc}"
# Root members and the paint properties of MapLibre's style specification, version 8.
PAINT = {
    "fill": {"fill-color", "fill-opacity"},
    "line": {"line-color", "line-width"},
    "circle": {
        "circle-color",
        "circle-radius",
        "circle-opacity",
        "circle-stroke-color",
        "circle-stroke-width",
    },
    "symbol": {"text-color", "text-halo-color", "text-halo-width"},
}
DEFINITIONS = load_builtin()
PUBLIC = sorted(slug for slug, d in DEFINITIONS.items() if d.tiles and d.style and d.sensitivity == "public")


def check_structure(style: dict) -> None:
    assert style["version"] == 8
    ids = [layer["id"] for layer in style["layers"]]
    assert len(ids) == len(set(ids))
    for layer in style["layers"]:
        assert layer["source"] in style["sources"]
        assert set(layer["paint"]) <= PAINT[layer["type"]], layer["id"]
        for value in (*layer["paint"].values(), *layer.get("layout", {}).values(), layer.get("filter", ["all"])):
            check_expression(value)
    json.dumps(style, allow_nan=False)


def check_expression(value: object) -> None:
    if not isinstance(value, list) or not value:
        return
    if value[0] == "match":
        values = value[2:-1:2]
        assert len(value) % 2 == 1, "pairs, then one default"
        assert len(values) == len(set(values)), "each value once"
    if value[0] == "interpolate":
        stops = value[3::2]
        assert stops == sorted(set(stops)), "stops rise"
    for part in value:
        check_expression(part)


class TestMapLibreStyle:
    @pytest.mark.parametrize("slug", PUBLIC)
    def test_of_every_public_layer_is_well_formed(self, service: Service, slug: str) -> None:
        answer = service.client.get(f"/ogc/styles/{slug}")
        assert answer.headers["content-type"] == "application/vnd.mapbox.style+json"
        style, definition = answer.json(), DEFINITIONS[slug]
        check_structure(style)
        names = {layer["source-layer"] for layer in style["layers"]}
        assert names <= {slug, label_layer(definition) or slug}
        assert any(layer["type"] == DRAWN[definition.style.type] for layer in style["layers"])
        assert (label_field(definition) is not None) == any(layer["type"] == "symbol" for layer in style["layers"])
        assert has_cells(definition) == any(layer["id"].endswith("-cells") for layer in style["layers"])

    def test_draws_each_class_in_its_colour_with_a_vietnamese_legend(self, service: Service) -> None:
        style = service.client.get("/ogc/collections/parcels/styles/parcels").json()
        fill = next(layer for layer in style["layers"] if layer["id"] == "parcels-fill")
        match = fill["paint"]["fill-color"]
        classes = DEFINITIONS["parcels"].style.classes
        assert match[:2] == ["match", ["to-string", ["get", "land_use_main"]]]
        assert match[2:-1] == [part for entry in classes for part in (entry.value, entry.color)]
        assert style["metadata"]["diaban:legend"]["parcels"][0]["vi"] == "Đất chuyên trồng lúa"

    def test_of_a_map_draws_areas_below_lines_below_points_below_labels(self, service: Service) -> None:
        style = service.client.get("/ogc/styles/schools,roads,communes").json()
        check_structure(style)
        order = [(layer["type"], layer["source-layer"]) for layer in style["layers"]]
        kinds = [kind for kind, _ in order]
        assert kinds.index("fill") < kinds.index("circle") < kinds.index("symbol")
        assert max(i for i, item in enumerate(order) if item[1] == "roads" and item[0] == "line") < kinds.index(
            "circle"
        )
        tilejson = service.client.get(style["sources"]["diaban"]["url"].partition("/tiles/")[2].join(["/tiles/", ""]))
        assert {entry["id"] for entry in tilejson.json()["vector_layers"]} >= {s for _, s in order}
        assert tilejson.json()["style"].endswith("/ogc/styles/schools,roads,communes")


class TestSLD:
    @pytest.mark.parametrize("slug", PUBLIC)
    def test_has_a_rule_for_every_class_in_its_colour(self, slug: str) -> None:
        definition = DEFINITIONS[slug]
        root = ET.fromstring(sld_style(definition))  # noqa: S314 - our own text
        assert root.find(f"{SLD}NamedLayer/{SLD}Name").text == slug
        found = {}
        for rule in root.iter(f"{SLD}Rule"):
            value = rule.find(f".//{OGC}Literal")
            if value is not None:
                colours = [p.text for p in rule.iter(f"{SLD}CssParameter") if p.get("name") in ("fill", "stroke")]
                found[value.text] = (rule.find(f"{SLD}Title").text, colours[0])
        assert found == {entry.value: (entry.label.vi, entry.color) for entry in definition.style.classes}
        symbolizer = {
            GeometryType.POINT: "PointSymbolizer",
            GeometryType.MULTILINESTRING: "LineSymbolizer",
            GeometryType.MULTIPOLYGON: "PolygonSymbolizer",
        }[definition.geometry]
        assert root.find(f".//{SLD}{symbolizer}") is not None

    def test_is_served_by_format_and_by_accept(self, service: Service) -> None:
        by_format = service.client.get("/ogc/styles/roads?f=sld10")
        by_accept = service.client.get("/ogc/styles/roads", headers={"Accept": "application/vnd.ogc.sld+xml"})
        assert by_format.content == by_accept.content == sld_style(DEFINITIONS["roads"])
        assert by_format.headers["content-type"].startswith("application/vnd.ogc.sld+xml")


class TestQML:
    @pytest.mark.parametrize("slug", PUBLIC)
    def test_has_every_class_in_its_colour_and_every_title(self, slug: str) -> None:
        definition = DEFINITIONS[slug]
        root = ET.fromstring(qml_style(definition))  # noqa: S314 - our own text
        renderer = root.find("renderer-v2")
        colours = {
            symbol.get("name"): next(
                option.get("value") for option in symbol.iter("Option") if option.get("name") in ("color", "line_color")
            )
            for symbol in renderer.iter("symbol")
        }
        found = {
            entry.get("value"): (entry.get("label"), colours[entry.get("symbol")].split(",")[:3])
            for entry in renderer.iter("category")
        }
        wanted = {
            entry.value: (entry.label.vi, [str(part) for part in bytes.fromhex(entry.color[1:])])
            for entry in definition.style.classes
        }
        assert wanted.items() <= found.items()
        assert len(found) == (len(wanted) + 1 if wanted else 0)
        titles = {alias.get("field"): alias.get("name") for alias in root.iter("alias")}
        assert titles == {field.name: field.title.vi for field in definition.public_fields}
        assert (root.find("labeling") is not None) == (label_field(definition) is not None)

    def test_is_served_by_format_and_by_accept_and_not_for_a_map(self, service: Service) -> None:
        by_format = service.client.get("/ogc/styles/roads?f=qml")
        by_accept = service.client.get("/ogc/styles/roads", headers={"Accept": "application/vnd.qgis.qml+xml"})
        assert by_format.content == by_accept.content == qml_style(DEFINITIONS["roads"])
        assert service.client.get("/ogc/styles/roads,schools?f=qml").status_code == 400


class TestStylesAPI:
    def test_lists_only_layers_the_reader_may_know_of(self, service: Service) -> None:
        styles = service.client.get("/ogc/styles").json()["styles"]
        assert [entry["id"] for entry in styles] == PUBLIC
        links = {link["rel"] for link in styles[0]["links"]}
        assert links == {"stylesheet", "describedby"}
        assert service.client.get("/ogc/collections/roads/styles").json()["default"] == "roads"
        metadata = service.client.get("/ogc/styles/roads/metadata").json()
        assert [sheet["link"]["type"] for sheet in metadata["stylesheets"]] == [
            "application/vnd.mapbox.style+json",
            "application/vnd.ogc.sld+xml;version=1.0",
            "application/vnd.qgis.qml+xml",
        ]

    def test_refuses_what_is_not_there(self, service: Service) -> None:
        client = service.client
        for path, status in {
            "/ogc/styles/security-cameras": 404,
            "/ogc/styles/nothing": 404,
            "/ogc/styles/budgets": 404,
            "/ogc/styles/roads?f=png": 400,
            "/ogc/styles/roads,communes?f=sld10": 400,
            "/ogc/styles/roads?colour=red": 400,
            "/ogc/collections/roads/styles/communes": 404,
        }.items():
            answer = client.get(path)
            assert answer.status_code == status, path
            assert answer.headers["content-type"] == "application/problem+json"

    def test_answers_304_to_a_known_tag(self, service: Service) -> None:
        first = service.client.get("/ogc/styles/roads")
        again = service.client.get("/ogc/styles/roads", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
