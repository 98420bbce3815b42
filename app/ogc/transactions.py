"""Create, replace, update and delete features (OGC API - Features Part 4), each change one revision.

Who has not signed in gets 401, who may read but not edit 403; of what may not be read nothing is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import anyio.to_thread
import orjson
from fastapi import APIRouter, Request
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Engine
from starlette.responses import Response

from app.client_address import source_of
from app.ogc.forms import GEOJSON
from app.ogc.items import etag_of
from app.ogc.params import single_values
from app.ogc.routes import ITEMS, MAX_FID, find_collection
from app.problems import BadParameter, problem
from app.resources import Principal, PrincipalOf, Resources, ResourcesOf, ScopeOf, SignInNeeded
from layers.access import Scope
from layers.catalogue import Layer
from layers.edit import KEEP, DeleteFeature, Edit, Edited, InsertFeature, ReplaceFeature, UpdateFeature, edit_features
from layers.errors import FeatureNotFound, FieldNotFound, VersionConflict
from layers.publication import ChangeNote
from layers.reader import SYSTEM_PROPERTIES
from layers.rights import Action, NotAllowed
from layers.tables import measure_column
from spatial.crs import CRS, CRS84, parse_crs
from spatial.geometry import parse_geojson

router = APIRouter(prefix="/ogc", include_in_schema=False)
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_KINDS: Final = (GEOJSON, "application/json")
# A tag that is none of this layer's names a state that no feature has.
NO_REVISION: Final = -1
READING: Final = "GET, HEAD, OPTIONS"
_MEMBERS: Final = ("type", "id", "geometry", "properties", "links")


@dataclass(frozen=True, slots=True)
class Seen:
    """The revision of the state that a client has seen; None for whatever state stands."""

    revision: int | None


def _may_edit(scope: Scope, layer: Layer) -> bool:
    units = scope.acts_in(Action.EDIT, layer.slug, layer.definition.sensitivity)
    return units is None or bool(units)


def _find_editable(resources: Resources, principal: Principal | None, scope: Scope, collection_id: str) -> Layer:
    """The layer, where the reader may edit it somewhere.

    Raises:
        LayerNotFound: There is no such collection for this reader.
        SignInNeeded: Nobody has signed in.
        NotAllowed: The reader may not edit the layer anywhere.
    """
    layer = find_collection(resources, scope, collection_id)
    if principal is None:
        raise SignInNeeded
    if not _may_edit(scope, layer):
        raise NotAllowed(Action.EDIT, layer.slug)
    return layer


@router.options(ITEMS)
async def items_options(resources: ResourcesOf, scope: ScopeOf, collection_id: str) -> Response:
    """Tells QGIS which methods the collection takes for this reader."""
    layer = find_collection(resources, scope, collection_id)
    return Response(status_code=204, headers={"Allow": f"{READING}, POST" if _may_edit(scope, layer) else READING})


@router.options(ITEMS + "/{feature_id}")
async def item_options(resources: ResourcesOf, scope: ScopeOf, collection_id: str) -> Response:
    """Tells QGIS which methods a feature takes for this reader."""
    layer = find_collection(resources, scope, collection_id)
    allowed = f"{READING}, PUT, PATCH, DELETE" if _may_edit(scope, layer) else READING
    return Response(status_code=204, headers={"Allow": allowed, "Accept-Patch": MERGE_PATCH})


@router.post(ITEMS)
async def create(
    request: Request, resources: ResourcesOf, scope: ScopeOf, principal: PrincipalOf, collection_id: str
) -> Response:
    """Adds a feature (Part 4, 6.2): 201 with its address."""
    layer = _find_editable(resources, principal, scope, collection_id)
    feature = await _read_feature(request, JSON_KINDS)
    edit = InsertFeature(_fields(layer, feature["properties"]), _geometry(request, feature["geometry"]))
    done = await _edit(request, resources, layer, scope, edit)
    url = f"{resources.settings.public_url}/ogc/collections/{layer.slug}/items/{done.fids[0]}"
    headers = {"Location": url, "ETag": etag_of(request, layer, done.published.revision)}
    return Response(status_code=201, headers=headers)


@router.put(ITEMS + "/{feature_id}")
async def replace(
    request: Request,
    resources: ResourcesOf,
    scope: ScopeOf,
    principal: PrincipalOf,
    collection_id: str,
    feature_id: str,
) -> Response:
    """Puts a feature's whole state in place of the one that ``If-Match`` names (Part 4, 6.3)."""
    layer = _find_editable(resources, principal, scope, collection_id)
    fid, seen = _fid(layer, feature_id), _seen(request, layer)
    if seen is None:
        return _precondition_required(request)
    feature = await _read_feature(request, JSON_KINDS)
    geometry = _geometry(request, feature["geometry"])
    edit = ReplaceFeature(fid, _fields(layer, feature["properties"]), geometry, seen.revision)
    return await _change(request, resources, layer, scope, edit)


@router.patch(ITEMS + "/{feature_id}")
async def update(
    request: Request,
    resources: ResourcesOf,
    scope: ScopeOf,
    principal: PrincipalOf,
    collection_id: str,
    feature_id: str,
) -> Response:
    """Changes the members that a merge patch names (Part 4, 7; RFC 7396); null empties a value."""
    layer = _find_editable(resources, principal, scope, collection_id)
    fid, seen = _fid(layer, feature_id), _seen(request, layer)
    if seen is None:
        return _precondition_required(request)
    patch = await _read_members(request, (MERGE_PATCH, *JSON_KINDS))
    geometry = _geometry(request, patch["geometry"]) if "geometry" in patch else KEEP
    return await _change(
        request,
        resources,
        layer,
        scope,
        UpdateFeature(fid, _fields(layer, patch.get("properties")), geometry, seen.revision),
    )


@router.delete(ITEMS + "/{feature_id}")
async def delete(
    request: Request,
    resources: ResourcesOf,
    scope: ScopeOf,
    principal: PrincipalOf,
    collection_id: str,
    feature_id: str,
) -> Response:
    """Ends a feature (Part 4, 6.4); its states stay readable in past revisions."""
    layer = _find_editable(resources, principal, scope, collection_id)
    fid, seen = _fid(layer, feature_id), _seen(request, layer)
    if seen is None:
        return _precondition_required(request)
    return await _change(request, resources, layer, scope, DeleteFeature(fid, seen.revision))


async def _change(request: Request, resources: Resources, layer: Layer, scope: Scope, edit: Edit) -> Response:
    try:
        done = await _edit(request, resources, layer, scope, edit)
    except VersionConflict as error:
        return problem(request, 412, error.vi, error.en, kind="version-conflict")
    # An edit that changes nothing leaves the feature at a revision that is not the newest.
    is_new = done.published.changed and not isinstance(edit, DeleteFeature)
    headers = {"ETag": etag_of(request, layer, done.published.revision)} if is_new else {}
    return Response(status_code=204, headers=headers)


async def _edit(request: Request, resources: Resources, layer: Layer, scope: Scope, edit: Edit) -> Edited:
    note = ChangeNote(scope.subject, "OGC API", request_source=source_of(request))
    return await anyio.to_thread.run_sync(_edit_now, resources.editing, layer.slug, edit, note, scope)


def _edit_now(engine: Engine, slug: str, edit: Edit, note: ChangeNote, scope: Scope) -> Edited:
    with engine.begin() as connection:
        return edit_features(connection, slug, [edit], note=note, scope=scope)


def _fid(layer: Layer, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > MAX_FID:
        raise FeatureNotFound(layer.slug, text)
    return int(text)


def _seen(request: Request, layer: Layer) -> Seen | None:
    """What ``If-Match`` says (RFC 9110, 13.1.1); None where there is none."""
    given = request.headers.get("if-match")
    if given is None:
        return None
    if given.strip() == "*":
        return Seen(None)
    # Weak tags are compared by what they name (Part 4, 9), which is a feature's revision, not its bytes.
    form = re.compile(rf'W/"{re.escape(layer.slug)}-{layer.definition_version}-([0-9]{{1,18}})-[0-9a-f]{{16}}"')
    found = form.fullmatch(given.strip())
    return Seen(int(found[1]) if found else NO_REVISION)


def _precondition_required(request: Request) -> Response:
    return problem(
        request,
        428,
        "Hãy gửi If-Match với ETag của đối tượng vừa đọc, để không ghi đè thay đổi của người khác.",
        "Send If-Match with the ETag of the feature as you read it, so that nobody's change is overwritten.",
        kind="precondition-required",
    )


async def _read_feature(request: Request, kinds: tuple[str, ...]) -> dict[str, Any]:
    document = await _read_members(request, kinds)
    if document.get("type") != "Feature" or not {"geometry", "properties"} <= set(document):
        whole = "GeoJSON Feature {geometry, properties}"
        raise _bad("body", f"một {whole}", f"a {whole}")
    return document


async def _read_members(request: Request, kinds: tuple[str, ...]) -> dict[str, Any]:
    single_values(request, ())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise _bad("Content-Type", " | ".join(kinds), " or ".join(kinds))
    try:
        document = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or set(document) - set(_MEMBERS):
        raise _bad("body", "một Feature GeoJSON", "a GeoJSON Feature")
    properties = document.get("properties")
    if properties is not None and not isinstance(properties, Mapping):
        raise _bad("properties", "một đối tượng", "an object")
    return document


def _fields(layer: Layer, properties: Mapping[str, object] | None) -> dict[str, object]:
    """The values of fields; what the service works out itself is left out, because clients send back what they read.

    Raises:
        FieldNotFound: A name is no public field: personal ones cannot be written where they cannot be read.
    """
    public = [field.name for field in layer.definition.public_fields]
    measure = measure_column(layer.definition)
    own = {"fid", *(item.name for item in SYSTEM_PROPERTIES), *(measure[:1] if measure else ())}
    found = {name: value for name, value in (properties or {}).items() if name not in own}
    for name in found:
        if name not in public:
            raise FieldNotFound(layer.slug, str(name)[:60], known=public)
    return found


def _geometry(request: Request, document: object) -> BaseGeometry | None:
    """The geometry in EPSG:4326; its coordinates are in ``Content-Crs``, CRS84 where there is none (Part 2, 6.3)."""
    if document is None:
        return None
    return parse_geojson(document, parameter="geometry", crs=_content_crs(request))


def _content_crs(request: Request) -> CRS:
    given = request.headers.get("content-crs")
    return CRS84 if given is None else parse_crs(given.strip().strip("<>"), parameter="Content-Crs")


def _bad(name: str, vi: str, en: str) -> BadParameter:
    return BadParameter(name, f"“{name}” phải là {vi}.", f'"{name}" must be {en}.')
