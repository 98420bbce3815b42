"""Uploads: sent here, looked at here, decided on here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Header, Query, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from app.jobs import scope_document
from app.problems import BadParameter
from app.resources import Resources, ResourcesOf, SignedIn
from app.uploads.bodies import (
    AnswerBody,
    ApproveBody,
    CommentBody,
    PublishBody,
    RevertBody,
    SubmitBody,
    WishBody,
)
from app.uploads.documents import upload_document
from app.uploads.forms import ReceivedForm, incoming_folder, receive_form
from app.uploads.opening import open_desk
from layers.access import Scope
from layers.publish import Mode
from layers.rights import Action
from layers.uploads.decisions import Actor, approve, publish, send_back, submit, withdraw
from layers.uploads.desk import Desk
from layers.uploads.errors import UploadNotFound
from layers.uploads.files import bundle
from layers.uploads.model import State, Upload
from layers.uploads.receiving import (
    Announcement,
    add_revert,
    announce_upload,
    finish_receiving,
    require_target,
    say_more,
)
from layers.uploads.states import require, seen_by, visible_upload
from layers.uploads.store import add_comment, answered_before, get_upload, list_steps, list_uploads, remember_answer
from layers.uploads.wishes import merged_wish

router = APIRouter(prefix="/api/uploads", tags=["uploads"])
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
_WAITING: Final = (State.RECEIVED, State.CHECKING, State.PUBLISHING)
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["layer", "file"],
                    "properties": {
                        "layer": {"type": "string", "example": "parcels"},
                        "unit_code": {"type": "string", "example": "82001"},
                        "mode": {"type": "string", "enum": [mode.value for mode in Mode], "default": "replace"},
                        "wish": {"type": "string", "description": "JSON", "example": '{"crs": "EPSG:9210"}'},
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            }
        },
    }
}


def desk_of(resources: Resources) -> Desk:
    """The desk of this process."""
    return open_desk(resources.editing, resources.settings)


def source_of(request: Request) -> str | None:
    """Address and port that a request comes from."""
    return f"{request.client.host}:{request.client.port}" if request.client else None


@router.post("", status_code=202, summary="Gửi tệp · Send a file", openapi_extra=_FORM)
async def post_upload(request: Request, resources: ResourcesOf, person: SignedIn, key: Key = None) -> Response:
    """Takes a file (or the loose parts of one) for a layer and unit; its check begins at once, nothing is changed.

    Whoever sends the same Idempotency-Key again gets the same upload.
    """
    desk = desk_of(resources)
    with incoming_folder(desk.shelf) as folder:
        form = await receive_form(request, desk.shelf, folder)
        said = _announcement(form, person.scope, key, source_of(request))
        upload = await anyio.to_thread.run_sync(_take, desk, person.scope, said, form, folder)
    return _answer(resources, person.scope, upload, 202)


def _announcement(form: ReceivedForm, scope: Scope, key: str | None, source: str | None) -> Announcement:
    if not form.files:
        raise BadParameter("file", "Chưa có tệp nào. Hãy chọn tệp rồi gửi lại.", "No file came. Choose one.")
    texts = form.texts
    if not texts.get("layer"):
        raise BadParameter("layer", "Hãy chọn lớp dữ liệu (layer).", "Choose the layer.")
    unit = texts.get("unit_code") or None
    if unit is not None and not (unit.isascii() and unit.isdigit() and len(unit) in (2, 5)):
        raise BadParameter("unit_code", "unit_code là mã xã 5 số hoặc mã tỉnh 2 số.", "unit_code has 5 or 2 digits.")
    name = form.files[0][1] if len(form.files) == 1 else _bundle_name(form)
    return Announcement(
        layer=texts["layer"],
        unit_code=unit,
        mode=read_mode(texts.get("mode")),
        file_name=name,
        scope=scope_document(scope),
        wish=read_wish(texts.get("wish")),
        key=key,
        source=source,
    )


def _bundle_name(form: ReceivedForm) -> str:
    main = next((name for _, name in form.files if name.lower().endswith((".shp", ".tab", ".mif"))), form.files[0][1])
    return main.rpartition(".")[0] + ".zip"


def read_mode(given: str | None) -> Mode:
    """The mode that a form names; replacing the unit's part where it names none."""
    try:
        return Mode(given or "replace")
    except ValueError:
        listed = ", ".join(mode.value for mode in Mode)
        raise BadParameter("mode", f"mode là một trong: {listed}.", f"mode is one of: {listed}.") from None


def read_wish(given: str | None) -> dict[str, Any]:
    """The wish that a form holds as JSON."""
    if not given:
        return {}
    try:
        body = WishBody.model_validate_json(given)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadParameter("wish", f"“wish” không đọc được ở {place}.", f'"wish" cannot be read at {place}.') from None
    return body.model_dump(mode="json", exclude_defaults=True)


def _take(desk: Desk, scope: Scope, said: Announcement, form: ReceivedForm, folder: Path) -> Upload:
    announced = announce_upload(desk, scope, said)
    if not announced.is_new and announced.upload.state is not State.RECEIVING:
        return announced.upload
    paths = form.files
    whole = paths[0][0]
    if len(paths) > 1:
        whole = folder / "bundle"
        bundle(paths, whole)
    whole.replace(desk.shelf.open_part(announced.upload.id))
    return finish_receiving(desk, announced.upload.id, scope.subject, source=said.source)


@router.get("", summary="Các lượt gửi · Uploads")
async def get_uploads(
    resources: ResourcesOf,
    person: SignedIn,
    layer: Annotated[str | None, Query(max_length=63)] = None,
    state: State | None = None,
    mine: bool = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Uploads that the reader has sent or works on, newest first."""
    desk = desk_of(resources)

    def read() -> list[Upload]:
        with desk.engine.connect() as connection:
            sender = person.subject if mine else None
            seen = seen_by(connection, person.scope)
            return list_uploads(connection, layer=layer, state=state, sender=sender, seen=seen, limit=limit)

    base = resources.settings.public_url
    found = await anyio.to_thread.run_sync(read)
    documents = [upload_document(upload, person.scope, base) for upload in found]
    for document in documents:
        # The list tells what and where; the report is one step away.
        document.pop("report")
    return JSONResponse({"uploads": documents}, headers={"Cache-Control": "no-store"})


@router.post("/reverts", status_code=202, summary="Xin quay về phiên bản cũ · Ask for an earlier revision")
async def post_revert(
    request: Request, body: RevertBody, resources: ResourcesOf, person: SignedIn, key: Key = None
) -> Response:
    """Asks for an earlier revision of a layer, or of one unit in it; it goes the way of every upload."""
    desk = desk_of(resources)

    def act() -> Upload:
        with desk.engine.begin() as connection:
            said = json.dumps(["revert", body.model_dump()], sort_keys=True)
            before = answered_before(connection, person.subject, key, said) if key else None
            if before is not None:
                return get_upload(connection, before)
            target = (body.layer, body.unit_code, body.revision)
            upload = add_revert(
                connection, person.scope, scope_document(person.scope), target, body.reason, source=source_of(request)
            )
            if key:
                remember_answer(connection, person.subject, key, said, upload.id)
            return upload

    return _answer(resources, person.scope, await anyio.to_thread.run_sync(act), 202)


@router.get("/{upload_id}", summary="Xem lượt gửi · Look at an upload")
async def get_one(upload_id: str, resources: ResourcesOf, person: SignedIn) -> Response:
    """Where the upload stands, what was found, what it would change, and what the reader may do next."""
    desk, wanted = desk_of(resources), parse_id(upload_id)

    def read() -> dict[str, Any]:
        with desk.engine.connect() as connection:
            upload = visible_upload(connection, person.scope, wanted)
            steps = list_steps(connection, wanted)
            return upload_document(upload, person.scope, resources.settings.public_url, steps)

    document = await anyio.to_thread.run_sync(read)
    headers = {"Cache-Control": "no-store"}
    if State(document["state"]["id"]) in _WAITING:
        headers["Retry-After"] = "1"
    return JSONResponse(document, headers=headers)


@router.patch("/{upload_id}", status_code=202, summary="Trả lời câu hỏi của lần kiểm tra · Answer the check")
async def patch_upload(
    request: Request, upload_id: str, body: AnswerBody, resources: ResourcesOf, person: SignedIn
) -> Response:
    """Says what the check asked for (CRS, columns, encoding, mode …); the file is checked again."""
    desk, wanted = desk_of(resources), parse_id(upload_id)

    def act() -> Upload:
        with desk.engine.begin() as connection:
            upload = visible_upload(connection, person.scope, wanted, lock=True)
            if upload.sender != person.subject:
                require(person.scope, Action.EDIT, upload)
            require_target(connection, person.scope, upload.layer, upload.unit_code)
            said = body.model_dump(mode="json", exclude_unset=True, exclude={"mode"})
            wish = merged_wish(upload.wish, said)
            source = source_of(request)
            return say_more(connection, upload, person.subject, wish, mode=body.mode, source=source)

    return _answer(resources, person.scope, await anyio.to_thread.run_sync(act), 202)


@router.post("/{upload_id}/submit", summary="Trình duyệt · Submit")
async def post_submit(
    request: Request, upload_id: str, body: SubmitBody, resources: ResourcesOf, person: SignedIn, key: Key = None
) -> Response:
    """Hands a checked upload to those who approve."""
    desk, wanted = desk_of(resources), parse_id(upload_id)
    actor = Actor(person.scope, source_of(request))

    def act() -> Upload:
        return submit(desk, actor, wanted, comment=body.comment, confirm_deletions=body.confirm_deletions)

    return await _step(resources, actor, wanted, ("submit", key), act)


@router.post("/{upload_id}/approve", summary="Duyệt · Approve")
async def post_approve(
    request: Request, upload_id: str, body: ApproveBody, resources: ResourcesOf, person: SignedIn, key: Key = None
) -> Response:
    """Approves the change that was looked at; never by who has sent it."""
    desk, wanted = desk_of(resources), parse_id(upload_id)
    actor = Actor(person.scope, source_of(request))

    def act() -> Upload:
        return approve(desk, actor, wanted, digest=body.digest, comment=body.comment)

    return await _step(resources, actor, wanted, ("approve", key), act)


@router.post("/{upload_id}/send-back", summary="Trả lại · Send back")
async def post_send_back(
    request: Request, upload_id: str, body: CommentBody, resources: ResourcesOf, person: SignedIn, key: Key = None
) -> Response:
    """Gives an upload back to its sender, with what is to be mended."""
    desk, wanted = desk_of(resources), parse_id(upload_id)
    actor = Actor(person.scope, source_of(request))
    return await _step(
        resources, actor, wanted, ("send-back", key), lambda: send_back(desk, actor, wanted, comment=body.comment)
    )


@router.post("/{upload_id}/withdraw", summary="Rút lại · Withdraw")
async def post_withdraw(
    request: Request, upload_id: str, body: CommentBody, resources: ResourcesOf, person: SignedIn, key: Key = None
) -> Response:
    """Takes an upload back before it is published."""
    desk, wanted = desk_of(resources), parse_id(upload_id)
    actor = Actor(person.scope, source_of(request))
    return await _step(
        resources, actor, wanted, ("withdraw", key), lambda: withdraw(desk, actor, wanted, comment=body.comment)
    )


@router.post("/{upload_id}/publish", status_code=202, summary="Công bố · Publish")
async def post_publish(
    request: Request, upload_id: str, body: PublishBody, resources: ResourcesOf, person: SignedIn, key: Key = None
) -> Response:
    """Publishes an approved upload now, or at an instant."""
    desk, wanted = desk_of(resources), parse_id(upload_id)
    actor = Actor(person.scope, source_of(request))
    return await _step(
        resources, actor, wanted, ("publish", key), lambda: publish(desk, actor, wanted, at=body.at), status=202
    )


@router.post("/{upload_id}/comments", status_code=201, summary="Ghi ý kiến · Comment")
async def post_comment(
    request: Request, upload_id: str, body: CommentBody, resources: ResourcesOf, person: SignedIn
) -> Response:
    """Adds something to say to an upload; its state stays."""
    desk, wanted = desk_of(resources), parse_id(upload_id)

    def act() -> Upload:
        with desk.engine.begin() as connection:
            upload = visible_upload(connection, person.scope, wanted, lock=True)
            add_comment(connection, upload, person.subject, body.comment, source=source_of(request))
            return upload

    return _answer(resources, person.scope, await anyio.to_thread.run_sync(act), 201)


async def _step(
    resources: Resources,
    actor: Actor,
    upload_id: UUID,
    named: tuple[str, str | None],
    act: Callable[[], Upload],
    *,
    status: int = 200,
) -> Response:
    """Takes a step, or tells of the one that the same Idempotency-Key has taken."""
    desk, (name, key) = desk_of(resources), named
    request = f"{name} {upload_id}"

    def once() -> Upload:
        if key is None:
            return act()
        with desk.engine.begin() as connection:
            # The key stays locked until the step is taken, so that the same request at the same time waits.
            before = answered_before(connection, actor.subject, key, request)
            if before is not None:
                return get_upload(connection, before)
            done = act()
            remember_answer(connection, actor.subject, key, request, upload_id)
            return done

    return _answer(resources, actor.scope, await anyio.to_thread.run_sync(once), status)


def _answer(resources: Resources, scope: Scope, upload: Upload, status: int) -> Response:
    base = resources.settings.public_url
    headers = {"Cache-Control": "no-store", "Location": f"{base}/api/uploads/{upload.id}"}
    return JSONResponse(upload_document(upload, scope, base), status, headers=headers)


def parse_id(text: str) -> UUID:
    """The id of an upload.

    Raises:
        UploadNotFound: It is none.
    """
    try:
        return UUID(text)
    except ValueError:
        raise UploadNotFound(text[:60]) from None
