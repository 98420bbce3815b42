"""Definitions of layers for those who keep them: checked before they are added, and drawn by form."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Annotated, Any

import anyio
import orjson
from fastapi import APIRouter, Body, Header, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine
from starlette.responses import JSONResponse, Response

from app.client_address import source_of
from app.problems import BadParameter
from app.resources import Principal, Resources, ResourcesOf, SignedIn
from layers.catalogue import Layer
from layers.definition import Definition
from layers.definition_json import to_json
from layers.definition_reader import load_code_lists, load_definition
from layers.errors import InvalidDefinition
from layers.restyle import put_style, styled
from layers.rights import Action, Area, NotAllowed
from layers.yaml_nodes import MAX_BYTES
from tiles.styles.maplibre import maplibre_style

router = APIRouter(prefix="/api/layers", tags=["layers"])
_NO_STORE = {"Cache-Control": "no-store"}
_COLOR = r"^#[0-9a-f]{6}$"
_MOST = 2000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LabelBody(_Strict):
    """A text in both languages."""

    vi: Annotated[str, Field(min_length=1, max_length=300)]
    en: Annotated[str, Field(min_length=1, max_length=300)]


class ClassBody(_Strict):
    """One value and its colour."""

    value: Annotated[str, Field(min_length=1, max_length=200)]
    color: Annotated[str, Field(pattern=_COLOR)]
    label: LabelBody


class BreakBody(_Strict):
    """The values from here up to the next break."""

    at_least: Annotated[float, Field(allow_inf_nan=False)]
    color: Annotated[str, Field(pattern=_COLOR)]
    label: LabelBody


class StyleBody(_Strict):
    """How a layer is drawn, as definitions say it."""

    type: Annotated[str, Field(pattern=r"^(fill|line|circle)$")]
    color: Annotated[str, Field(pattern=_COLOR)]
    by: Annotated[str, Field(max_length=60)] | None = None
    classes: Annotated[list[ClassBody], Field(max_length=_MOST)] = []
    breaks: Annotated[list[BreakBody], Field(max_length=50)] = []
    label_field: Annotated[str, Field(max_length=60)] | None = None
    min_zoom: Annotated[int, Field(ge=0, le=24)] = 0


@router.post("/check", summary="Kiểm tra một tệp định nghĩa · Check a definition file")
async def post_check(request: Request, principal: SignedIn) -> Response:
    """Reads a definition in YAML and tells what it holds, or the line, the place and the reason it is refused for."""
    _require(principal, Action.READ)
    content = await request.body()
    if not content or len(content) > MAX_BYTES:
        raise BadParameter(
            "body",
            f"Hãy gửi nội dung YAML của định nghĩa, tối đa {MAX_BYTES // 1024} KB.",
            f"Send the definition as YAML, at most {MAX_BYTES // 1024} KB.",
        )
    found = await anyio.to_thread.run_sync(_check, content)
    return JSONResponse(found, headers=_NO_STORE)


@router.post("/{slug}/style/preview", summary="Xem thử kiểu vẽ · Preview a style")
async def post_preview(
    resources: ResourcesOf, principal: SignedIn, slug: str, body: Annotated[StyleBody, Body()]
) -> Response:
    """The style sheet for MapLibre that this drawing would give; nothing is changed."""
    _require(principal, Action.EDIT)
    layer = resources.catalogue.get(slug, principal.scope)
    drawn = styled(layer.definition, body.model_dump())
    url = f"{resources.settings.public_url}/tiles/{slug}.json"
    sheet = maplibre_style([_with(layer, drawn)], url)
    return Response(orjson.dumps(sheet), media_type="application/json", headers=_NO_STORE)


@router.put("/{slug}/style", summary="Đổi kiểu vẽ của lớp · Change how a layer is drawn")
async def put_layer_style(
    request: Request,
    resources: ResourcesOf,
    principal: SignedIn,
    slug: str,
    body: Annotated[StyleBody, Body()],
    if_match: Annotated[str, Header(pattern=r'^"[0-9]{1,9}"$', description="Phiên bản đã xem · version seen")],
) -> Response:
    """Puts a drawing in force; of two people at once the second gets a conflict."""
    _require(principal, Action.EDIT)
    layer = resources.catalogue.get(slug, principal.scope)
    drawn = styled(layer.definition, body.model_dump())
    version = await _save(resources, drawn, int(if_match.strip('"')), principal, source_of(request))
    document = {"slug": slug, "definition_version": version, "definition": to_json(drawn)}
    return JSONResponse(document, headers={**_NO_STORE, "ETag": f'"{version}"'})


async def _save(
    resources: Resources, definition: Definition, seen: int, principal: Principal, source: str | None
) -> int:
    def run(engine: Engine) -> int:
        with engine.begin() as connection:
            return put_style(connection, definition, seen=seen, author=principal.subject, source=source)

    return await anyio.to_thread.run_sync(run, resources.editing)


def _require(principal: Principal, action: Action) -> None:
    if not principal.scope.may(action, Area.DEFINITIONS):
        raise NotAllowed(action, Area.DEFINITIONS)


def _with(layer: Layer, definition: Definition) -> Layer:
    return replace(layer, definition=definition)


def _check(content: bytes) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = FilePath(folder) / "definition.yaml"
        file.write_bytes(content)
        try:
            definition = load_definition(file, load_code_lists())
        except InvalidDefinition as refused:
            finding = {"line": refused.line, "path": refused.path, "vi": refused.reason_vi, "en": refused.reason_en}
            return {"is_valid": False, "findings": [finding], "definition": None}
    return {"is_valid": True, "findings": [], "definition": to_json(definition)}
