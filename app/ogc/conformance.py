"""The conformance classes that the service really implements."""

from __future__ import annotations

from typing import Final

_OGC: Final = "http://www.opengis.net/spec"
_CLASSES: Final = {
    "ogcapi-common-1/1.0": ("core", "landing-page", "json", "html", "oas30"),
    "ogcapi-common-2/1.0": ("collections",),
    # QGIS reads types from schemas only where Part 5's own number is declared; the text moved to Common Part 3.
    "ogcapi-common-3/1.0": ("schemas",),
    "ogcapi-features-5/1.0": ("schemas", "core-roles-features"),
    "ogcapi-features-1/1.0": ("core", "oas30", "html", "geojson"),
    "ogcapi-features-2/1.0": ("crs",),
    "ogcapi-features-3/1.0": ("queryables", "queryables-query-parameters", "filter", "features-filter"),
    # Creating, replacing and deleting for those who may; the class for updates is still a draft.
    "ogcapi-features-4/1.0": ("create-replace-delete",),
    # Drafts, under the numbers that they carry now.
    "ogcapi-features-6/1.0": ("property-selection",),
    "ogcapi-features-8/1.0": ("sorting", "features-sorting"),
    "ogcapi-processes-1/1.0": (
        "core",
        "json",
        "oas30",
        "ogc-process-description",
        "job-list",
        "dismiss",
    ),
    "ogcapi-tiles-1/1.0": ("core", "mvt", "tileset", "tilesets-list", "geodata-tilesets", "oas30"),
    # A draft as well.
    "ogcapi-styles-1/1.0": ("core", "mapbox-styles", "sld-10"),
    "cql2/1.0": (
        "cql2-text",
        "cql2-json",
        "basic-cql2",
        "advanced-comparison-operators",
        "case-insensitive-comparison",
        "accent-insensitive-comparison",
        "basic-spatial-functions",
        "basic-spatial-functions-plus",
        # The name of the same class before CQL2 was adopted, which QGIS up to 3.34 looks for.
        "basic-spatial-operators",
        "spatial-functions",
        "temporal-functions",
        "array-functions",
        "property-property",
        "arithmetic",
    ),
}
CONFORMANCE: Final = tuple(
    sorted(f"{_OGC}/{standard}/conf/{name}" for standard, names in _CLASSES.items() for name in names)
)
