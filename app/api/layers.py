"""Layers, their revisions and the history of a feature over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from app.problems import BadParameter
from app.resources import ResourcesOf, ScopeOf
from layers.catalogue import Layer
from layers.definition_json import to_json
from layers.revisions import feature_history, list_revisions, revision_at

router = APIRouter(prefix="/api/layers", tags=["layers"])


def layer_document(layer: Layer) -> dict[str, object]:
    """What is known of a layer, short."""
    definition = layer.definition
    return {
        "slug": layer.slug,
        "title": {"vi": definition.title.vi, "en": definition.title.en},
        "group": definition.group,
        "geometry": definition.geometry,
        "steward": definition.steward,
        "frequency": definition.frequency,
        "revision": layer.revision,
        "feature_count": layer.feature_count,
        "extent": layer.extent,
        "newest_data_at": layer.newest_data_at,
        "published_at": layer.published_at,
        "synthetic": layer.synthetic,
        "built_in": layer.built_in,
    }


@router.get("", summary="Danh mục lớp dữ liệu · The catalogue of layers")
async def get_layers(resources: ResourcesOf, scope: ScopeOf) -> dict[str, object]:
    """Every layer the reader may know of, tables without geometry included."""
    return {"layers": [layer_document(layer) for layer in resources.catalogue.visible(scope)]}


@router.get("/{slug}", summary="Một lớp và định nghĩa của nó · One layer with its definition")
async def get_layer(resources: ResourcesOf, scope: ScopeOf, slug: str) -> dict[str, object]:
    """A layer with its definition."""
    layer = resources.catalogue.get(slug, scope)
    return {
        **layer_document(layer),
        "definition_version": layer.definition_version,
        "definition": to_json(layer.definition),
    }


@router.get("/{slug}/revisions", summary="Các phiên bản của lớp · Revisions of a layer")
async def get_revisions(
    resources: ResourcesOf,
    scope: ScopeOf,
    slug: str,
    at: Annotated[datetime | None, Query(description="Thời điểm · instant")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, object]:
    """Revisions of a layer, newest first; with ``at`` the one that stood at that instant."""
    layer = resources.catalogue.get(slug, scope)
    if at is not None and at.tzinfo is None:
        raise BadParameter(
            "at",
            "Thời điểm phải kèm múi giờ, ví dụ 2026-11-01T08:00:00+07:00.",
            "The instant needs its zone, such as 2026-11-01T08:00:00+07:00.",
        )
    async with resources.gate.read(layer.reader(scope)) as connection:
        if at is not None:
            return {"slug": layer.slug, "at": at, "revision": await revision_at(connection, layer, at)}
        return {"slug": layer.slug, "revisions": await list_revisions(connection, layer, limit)}


@router.get("/{slug}/features/{fid}/history", summary="Lịch sử một đối tượng · History of a feature")
async def get_history(resources: ResourcesOf, scope: ScopeOf, slug: str, fid: int) -> dict[str, object]:
    """Every state of a feature with the revisions between which it stood."""
    layer = resources.catalogue.get(slug, scope)
    async with resources.gate.read(layer.reader(scope)) as connection:
        return {"slug": layer.slug, "fid": fid, "states": await feature_history(connection, layer, fid)}
