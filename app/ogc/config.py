"""The configuration of pygeoapi, made from the catalogue instead of a file."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from layers.catalogue import Layer
from layers.definition import Definition, Label
from spatial.crs import CRS84, SERVED_CRS

FEATURES: Final = "app.ogc.provider.CatalogueProvider"
TILES: Final = "app.ogc.provider.CatalogueTiles"
PROCESS: Final = "app.ogc.ask_process.AskProcessor"
PROCESS_MANAGER: Final = "app.ogc.ask_process.QuestionJobs"
# No layer can have this id: slugs hold no underscore, and pygeoapi keeps both under one roof.
PROCESS_ID: Final = "ask_map"
TILE_MATRIX_SET: Final = "WebMercatorQuad"
MVT: Final = "application/vnd.mapbox-vector-tile"
# pygeoapi's names of our two languages; the first is its default.
LOCALES: Final = ("vi-VN", "en-US")
# Mainland and both archipelagos; what a layer without data yet may hold one day.
VIETNAM: Final = (102.0, 6.0, 118.0, 23.5)
TITLE: Final = Label("Địa Bàn: dịch vụ bản đồ số", "Địa Bàn: digital map service")
DESCRIPTION: Final = Label(
    "Các lớp bản đồ số của Trung tâm điều hành thông minh (IOC), theo chuẩn OGC API.",
    "The digital map layers of an Intelligent Operations Centre, over OGC API standards.",
)
_SIX_DECIMALS: Final = Decimal("0.000001")


def is_collection(layer: Layer) -> bool:
    """Whether a layer is a collection of OGC API - Features: tables without geometry are not."""
    return layer.definition.geometry is not None


def outward(extent: tuple[float, float, float, float] | None) -> list[float]:
    """Bounds in degrees with six decimals that still hold every feature; Vietnam's where there is no data.

    Clients ask for the published extent and expect all features in it, so each bound moves away from them.
    """
    if extent is None:
        return list(VIETNAM)
    low = [float(Decimal(value).quantize(_SIX_DECIMALS, ROUND_FLOOR)) for value in extent[:2]]
    high = [float(Decimal(value).quantize(_SIX_DECIMALS, ROUND_CEILING)) for value in extent[2:]]
    return [max(-180.0, low[0]), max(-90.0, low[1]), min(180.0, high[0]), min(90.0, high[1])]


def pygeoapi_config(layers: Sequence[Layer], public_url: str, *, default_items: int, max_items: int) -> dict[str, Any]:
    """The configuration for these layers.

    No STAC, administration or map resources are ever configured. One process is: it is described by pygeoapi
    and run by :mod:`app.ogc.processes`, so that nobody can subscribe to it.

    Args:
        layers: Layers with geometry that the reader may know of.
        public_url: Scheme, host and path under which clients reach the service, without a final slash.
        default_items: Page size where a client names none.
        max_items: Largest page.
    """
    return {
        "server": {
            "url": f"{public_url}/ogc",
            "encoding": "utf-8",
            "languages": list(LOCALES),
            "gzip": False,
            "pretty_print": False,
            "admin": False,
            "manager": {"name": PROCESS_MANAGER},
            "limits": {"default_items": default_items, "max_items": max_items, "on_exceed": "throttle"},
            "map": {"url": "", "attribution": ""},
        },
        "logging": {"level": "WARNING"},
        "metadata": _metadata(public_url),
        "resources": {
            **{layer.slug: _resource(layer) for layer in layers},
            PROCESS_ID: {"type": "process", "processor": {"name": PROCESS}},
        },
    }


def _metadata(public_url: str) -> dict[str, Any]:
    return {
        "identification": {
            "title": _both(TITLE),
            "description": _both(DESCRIPTION),
            "keywords": ["Địa Bàn", "IOC", "GIS", "Việt Nam"],
            "terms_of_service": f"{public_url}/docs",
            "url": public_url,
        },
        "license": {"name": "", "url": public_url},
        "provider": {"name": "Địa Bàn", "url": public_url},
        "contact": {"name": "Địa Bàn"},
    }


def _both(label: Label) -> dict[str, str]:
    return dict(zip(LOCALES, (label.vi, label.en), strict=True))


def _resource(layer: Layer) -> dict[str, Any]:
    definition = layer.definition
    features: dict[str, Any] = {
        "type": "feature",
        "name": FEATURES,
        "data": layer.slug,
        "id_field": "fid",
        "crs": [crs.uri for crs in SERVED_CRS],
        "storage_crs": CRS84.uri,
    }
    if definition.data_date_field is not None:
        features["time_field"] = definition.data_date_field
    providers = [features]
    if definition.tiles is not None:
        providers.append(
            {
                "type": "tile",
                "name": TILES,
                "data": layer.slug,
                "options": {
                    "zoom": {"min": definition.tiles.min_zoom, "max": definition.tiles.max_zoom},
                    "schemes": [TILE_MATRIX_SET],
                },
                "format": {"name": "mvt", "mimetype": MVT},
            }
        )
    return {
        "type": "collection",
        "title": _both(definition.title),
        "description": _both(described(definition)),
        "keywords": [definition.group.value, *definition.codes],
        "links": [],
        "extents": {"spatial": {"bbox": outward(layer.extent), "crs": CRS84.uri}},
        "providers": providers,
    }


def described(definition: Definition) -> Label:
    """The description in one language, followed by title and description in the other."""
    title, text = definition.title, definition.description
    return Label(f"{text.vi} · {title.en}: {text.en}", f"{text.en} · {title.vi}: {text.vi}")
