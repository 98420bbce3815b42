"""Pages of the OGC API's documents."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from layers.catalogue import Layer
from layers.definition import DataGroup, Label
from web.endpoints import endpoint_groups
from web.environment import Site, render
from web.pages import filter_examples
from web.svg_map import overview_frame
from web.words import FREQUENCIES, GEOMETRIES, GROUPS, SCHEMA_TYPES, SENSITIVITIES

Groups = list[tuple[Label, list[Layer]]]
# A mark on the locator stays visible however small the layer is, in drawing units.
MIN_MARK = 24


def grouped(layers: Sequence[Layer]) -> Groups:
    """Layers under their data groups, in the order of the provincial plan; those with data first, then by title."""
    found: Groups = []
    for group in DataGroup:
        inside = [layer for layer in layers if layer.definition.group is group]
        if inside:
            found.append((GROUPS[group], sorted(inside, key=_order)))
    return found


def _order(layer: Layer) -> tuple[bool, str, str]:
    title = layer.definition.title.vi.lower()
    # Vietnamese puts đ behind d; tones and hats decide only between words that are otherwise the same.
    plain = unicodedata.normalize("NFD", title.replace("đ", "dz"))
    return not layer.feature_count, "".join(c for c in plain if not unicodedata.combining(c)), title


def _spatial(layers: Sequence[Layer]) -> list[Layer]:
    return [layer for layer in layers if layer.definition.geometry is not None]


def _any_synthetic(layers: Sequence[Layer]) -> bool:
    return any(layer.synthetic for layer in layers)


def render_landing(layers: Sequence[Layer], *, site: Site) -> bytes:
    """The landing page of the OGC API."""
    shown = _spatial(layers)
    return render(
        "landing.html",
        site=site,
        path="/ogc",
        synthetic=_any_synthetic(shown),
        groups=grouped(shown),
        layers=shown,
    )


def render_collections(layers: Sequence[Layer], *, site: Site) -> bytes:
    """All collections under their data groups; tables without geometry are named, they have no collection."""
    shown = _spatial(layers)
    return render(
        "collections.html",
        site=site,
        path="/ogc/collections",
        synthetic=_any_synthetic(shown),
        groups=grouped(shown),
        layers=shown,
        geometries=GEOMETRIES,
    )


def render_collection(layer: Layer, *, communes: Layer | None, site: Site) -> bytes:
    """One collection: what it is, where it lies, how to open it.

    Args:
        layer: The layer.
        communes: The layer whose outlines show where this one lies, if the reader may see it.
        site: Where the page stands.
    """
    return render(
        "collection.html",
        site=site,
        path=f"/ogc/collections/{layer.slug}",
        synthetic=layer.synthetic,
        layer=layer,
        group=GROUPS[layer.definition.group],
        geometry=GEOMETRIES[layer.definition.geometry],
        frequency=FREQUENCIES[layer.definition.frequency],
        sensitivity=SENSITIVITIES[layer.definition.sensitivity],
        locator=_locator(layer, communes),
        examples=filter_examples(layer.definition),
    )


def _locator(layer: Layer, communes: Layer | None) -> dict[str, object] | None:
    if communes is None or communes.extent is None or layer.extent is None:
        return None
    frame = overview_frame(communes.extent)
    west, south, east, north = layer.extent
    left, top = frame.place(west, north)
    right, bottom = frame.place(east, south)
    wide, high = max(right - left, MIN_MARK), max(bottom - top, MIN_MARK)
    return {
        "frame": frame,
        "revision": communes.revision,
        "mark": ((left + right - wide) // 2, (top + bottom - high) // 2, wide, high),
    }


def render_fields(layer: Layer, properties: Mapping[str, Mapping[str, Any]], *, site: Site, filterable: bool) -> bytes:
    """Queryables or schema of a collection as a table.

    Args:
        layer: The layer.
        properties: JSON Schemas by property name, in order.
        site: Where the page stands.
        filterable: Queryables, else the schema.
    """
    heading = Label("Trường lọc được", "Queryables") if filterable else Label("Lược đồ", "Schema")
    required = frozenset(field.name for field in layer.definition.public_fields if field.required)
    tab = "/queryables" if filterable else "/schema"
    examples = filter_examples(layer.definition) if filterable else ()
    return _fields(layer, properties, site=site, tab=tab, heading=heading, required=required, examples=examples)


def render_sortables(layer: Layer, properties: Mapping[str, Mapping[str, Any]], *, site: Site) -> bytes:
    """The properties that features may be sorted by, as a table."""
    heading = Label("Trường sắp xếp được", "Sortables")
    return _fields(layer, properties, site=site, tab="/sortables", heading=heading)


def _fields(
    layer: Layer,
    properties: Mapping[str, Mapping[str, Any]],
    *,
    site: Site,
    tab: str,
    heading: Label,
    required: frozenset[str] = frozenset(),
    examples: Sequence[str] = (),
) -> bytes:
    rows = [
        (name, schema, SCHEMA_TYPES.get((str(schema.get("type")), schema.get("format"))))
        for name, schema in properties.items()
    ]
    return render(
        "fields.html",
        site=site,
        path=f"/ogc/collections/{layer.slug}{tab}",
        synthetic=layer.synthetic,
        layer=layer,
        rows=rows,
        required=required,
        tab=tab,
        heading=heading,
        examples=examples,
    )


def render_conformance(classes: Sequence[str], *, site: Site) -> bytes:
    """The conformance classes, under their standards."""
    standards: dict[str, list[tuple[str, str]]] = {}
    for uri in classes:
        standard, _, name = uri.rpartition("/conf/")
        standards.setdefault(standard.rpartition("/spec/")[2], []).append((name, uri))
    return render("conformance.html", site=site, path="/ogc/conformance", synthetic=False, standards=standards)


def render_openapi(document: Mapping[str, Any], *, site: Site) -> bytes:
    """The OGC API's OpenAPI document for people."""
    return render(
        "endpoints.html",
        site=site,
        path="/ogc/openapi",
        synthetic=False,
        heading=Label("Mô tả OGC API", "The OGC API"),
        intro=Label(
            "Các điểm truy cập theo chuẩn OGC API – Features và Tiles. Một lớp đứng làm mẫu; mọi lớp khác cũng vậy.",
            "The endpoints of OGC API – Features and Tiles. One layer stands for all; the others are the same.",
        ),
        groups=endpoint_groups(_one_collection(document), base="/ogc"),
        questions=(),
        json_href=f"{site.root}/ogc/openapi?f=json",
    )


def _one_collection(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the paths of one collection standing for all: they differ in queryables only."""
    slugs = [path.split("/")[2] for path in document["paths"] if path.startswith("/collections/")]
    shown = "communes" if "communes" in slugs else next(iter(slugs), "")
    kept = {
        path: item
        for path, item in document["paths"].items()
        if not path.startswith("/collections/") or path.split("/")[2] == shown
    }
    return {**document, "paths": kept}


def render_tileset(layer: Layer, limits: Sequence[tuple[int, ...]], *, site: Site) -> bytes:
    """A collection's vector tiles: addresses for map clients and the limits of every zoom.

    Args:
        layer: The layer.
        limits: Zoom, first and last row, first and last column.
        site: Where the page stands.
    """
    return render(
        "tileset.html",
        site=site,
        path=f"/ogc/collections/{layer.slug}/tiles",
        synthetic=layer.synthetic,
        layer=layer,
        limits=limits,
    )


def render_matrix_sets(entries: Sequence[Mapping[str, Any]], *, site: Site) -> bytes:
    """The tile matrix sets that have tiles."""
    return render("matrix_sets.html", site=site, path="/ogc/tileMatrixSets", synthetic=False, entries=entries)


def render_matrix_set(document: Mapping[str, Any], *, site: Site) -> bytes:
    """One tile matrix set."""
    return render(
        "matrix_set.html",
        site=site,
        path=f"/ogc/tileMatrixSets/{document['id']}",
        synthetic=False,
        document=document,
    )
