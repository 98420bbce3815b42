"""Resumable uploads: tus 1.0 with creation, creation-with-upload, termination and expiration (tus.io/protocols).

No kept library of the protocol fits an ASGI service whose rights, disk reserve and states are its own.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from functools import partial
from typing import Annotated, Final

import anyio.to_thread
from fastapi import APIRouter, Header, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.jobs import scope_document
from app.problems import BadParameter, problem
from app.resources import ResourcesOf, SignedIn
from app.uploads.routes import desk_of, parse_id, read_mode, read_wish, source_of
from layers.access import Scope
from layers.uploads.desk import Desk
from layers.uploads.errors import UploadNotFound
from layers.uploads.files import ORIGINAL
from layers.uploads.model import State, Upload
from layers.uploads.receiving import Announcement, announce_upload, finish_receiving
from layers.uploads.store import Move, get_upload, move

router = APIRouter(prefix="/api/uploads/tus", tags=["uploads"])
VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,termination,expiration"
OFFSET_STREAM: Final = "application/offset+octet-stream"
BUFFER: Final = 2**20
_COMMON: Final = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
Resumable = Annotated[str | None, Header(alias="Tus-Resumable")]


class _BadStep(Exception):
    """A request that the protocol refuses, with its status."""

    def __init__(self, status: int, vi: str, en: str) -> None:
        self.status, self.vi, self.en = status, vi, en
        super().__init__(en)


@router.options("", summary="Khả năng của giao thức tus · What tus can do here")
async def options(resources: ResourcesOf) -> Response:
    """Version, extensions and largest size (tus 1.0, OPTIONS); needs no version header."""
    limit = str(desk_of(resources).shelf.max_bytes)
    headers = {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": limit}
    return Response(status_code=204, headers={**_COMMON, **headers})


@router.post("", status_code=201, summary="Bắt đầu gửi tệp lớn · Begin a resumable upload")
async def create(request: Request, resources: ResourcesOf, person: SignedIn, resumable: Resumable = None) -> Response:
    """Makes an upload (creation); ``Upload-Metadata`` names ``filename``, ``layer``, ``unit_code``, ``mode``, ``wish``.

    Bytes may come along (creation-with-upload); an ``Idempotency-Key`` makes a repeated request find its upload.
    """
    desk = desk_of(resources)
    try:
        _require_version(resumable)
        said = _announcement(request, person.scope)
        announced = await anyio.to_thread.run_sync(announce_upload, desk, person.scope, said)
        upload = announced.upload
        with_bytes = request.headers.get("content-type") == OFFSET_STREAM
        offset = await _receive(request, desk, upload, 0) if with_bytes else 0
        if said.declared_bytes == 0 or (with_bytes and offset == said.declared_bytes):
            await anyio.to_thread.run_sync(
                partial(finish_receiving, source=source_of(request)), desk, upload.id, person.subject
            )
    except _BadStep as error:
        return _refuse(request, error)
    location = f"{resources.settings.public_url}/api/uploads/tus/{upload.id}"
    headers = {**_COMMON, "Location": location, "Upload-Offset": str(offset), **_expires(upload)}
    return Response(status_code=201, headers=headers)


@router.head("/{upload_id}", summary="Đã nhận bao nhiêu byte · How many bytes have come")
async def head(
    request: Request, upload_id: str, resources: ResourcesOf, person: SignedIn, resumable: Resumable = None
) -> Response:
    """The offset to go on from."""
    desk = desk_of(resources)
    try:
        _require_version(resumable)
    except _BadStep as error:
        return _refuse(request, error)
    upload = await anyio.to_thread.run_sync(_own, desk, person.scope, upload_id)
    headers = {"Upload-Offset": str(_offset(desk, upload)), "Upload-Length": str(upload.file_bytes)}
    return Response(status_code=200, headers={**_COMMON, **headers, **_expires(upload)})


@router.patch("/{upload_id}", status_code=204, summary="Gửi tiếp các byte · Send more bytes")
async def patch(
    request: Request, upload_id: str, resources: ResourcesOf, person: SignedIn, resumable: Resumable = None
) -> Response:
    """Takes bytes from ``Upload-Offset`` on; what has come stays when the line breaks."""
    desk = desk_of(resources)
    upload = await anyio.to_thread.run_sync(_own, desk, person.scope, upload_id)
    try:
        _require_version(resumable)
        if request.headers.get("content-type") != OFFSET_STREAM:
            raise _BadStep(415, f"Content-Type phải là {OFFSET_STREAM}.", f"Content-Type must be {OFFSET_STREAM}.")
        if upload.state is not State.RECEIVING:
            raise _BadStep(409, "Tệp đã nhận đủ hoặc đã hủy.", "The file is whole already, or given up.")
        offset = await _receive(request, desk, upload, _number(request, "upload-offset"))
        if offset == upload.file_bytes:
            await anyio.to_thread.run_sync(
                partial(finish_receiving, source=source_of(request)), desk, upload.id, person.subject
            )
    except _BadStep as error:
        return _refuse(request, error)
    return Response(status_code=204, headers={**_COMMON, "Upload-Offset": str(offset), **_expires(upload)})


@router.delete("/{upload_id}", status_code=204, summary="Hủy gửi · Give up")
async def delete(
    request: Request, upload_id: str, resources: ResourcesOf, person: SignedIn, resumable: Resumable = None
) -> Response:
    """Ends an unfinished upload and removes its bytes (termination)."""
    desk = desk_of(resources)

    def give_up() -> None:
        with desk.engine.begin() as connection:
            held = get_upload(connection, _own(desk, person.scope, upload_id).id, lock=True)
            if held.state is not State.RECEIVING:
                raise _BadStep(409, "Tệp đã nhận đủ; hãy rút lượt gửi.", "The file is whole; withdraw the upload.")
            move(connection, held, Move(State.WITHDRAWN, person.subject, source=source_of(request)))
        desk.shelf.remove(held.id)

    try:
        _require_version(resumable)
        await anyio.to_thread.run_sync(give_up)
    except _BadStep as error:
        return _refuse(request, error)
    return Response(status_code=204, headers=_COMMON)


@router.post("/{upload_id}", include_in_schema=False)
async def override(
    request: Request, upload_id: str, resources: ResourcesOf, person: SignedIn, resumable: Resumable = None
) -> Response:
    """PATCH and DELETE through proxies that let neither pass (``X-HTTP-Method-Override``)."""
    wanted: dict[str, Callable[..., object]] = {"PATCH": patch, "DELETE": delete}
    method = request.headers.get("x-http-method-override", "").upper()
    if method not in wanted:
        return _refuse(request, _BadStep(405, "Địa chỉ này nhận HEAD, PATCH, DELETE.", "Use HEAD, PATCH or DELETE."))
    answer = await wanted[method](request, upload_id, resources, person, resumable)  # type: ignore[misc]
    assert isinstance(answer, Response)  # noqa: S101 - both handlers answer so
    return answer


def _require_version(resumable: str | None) -> None:
    if resumable != VERSION:
        raise _BadStep(412, f"Cần tiêu đề Tus-Resumable: {VERSION}.", f"The header Tus-Resumable: {VERSION} is needed.")


def _refuse(request: Request, error: _BadStep) -> Response:
    headers = {**_COMMON, "Tus-Version": VERSION}
    return problem(request, error.status, error.vi, error.en, kind="tus", headers=headers)


def _number(request: Request, name: str) -> int:
    given = request.headers.get(name, "")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise _BadStep(400, f"Tiêu đề {name} phải là số nguyên không âm.", f"The header {name} must be a whole number.")
    return int(given)


def _announcement(request: Request, scope: Scope) -> Announcement:
    if "upload-defer-length" in request.headers:
        raise _BadStep(400, "Cần biết trước Upload-Length.", "Upload-Length must be known beforehand.")
    said = _metadata(request.headers.get("upload-metadata", ""))
    if not said.get("layer"):
        raise BadParameter("Upload-Metadata", "Upload-Metadata thiếu “layer”.", 'Upload-Metadata lacks "layer".')
    unit = said.get("unit_code") or None
    if unit is not None and not (unit.isascii() and unit.isdigit() and len(unit) in (2, 5)):
        raise BadParameter("unit_code", "unit_code là mã xã 5 số hoặc mã tỉnh 2 số.", "unit_code has 5 or 2 digits.")
    return Announcement(
        layer=said["layer"],
        unit_code=unit,
        mode=read_mode(said.get("mode")),
        file_name=said.get("filename", ""),
        scope=scope_document(scope),
        wish=read_wish(said.get("wish")),
        key=request.headers.get("idempotency-key"),
        declared_bytes=_number(request, "upload-length"),
        source=source_of(request),
    )


def _metadata(header: str) -> dict[str, str]:
    """``Upload-Metadata``: keys with base64 values, apart by commas (tus 1.0, creation)."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise BadParameter(
                "Upload-Metadata", f"Giá trị của “{name}” không phải base64.", f'The value of "{name}" is no base64.'
            ) from None
    return found


def _own(desk: Desk, scope: Scope, text: str) -> Upload:
    """The upload, for nobody but its sender."""
    with desk.engine.connect() as connection:
        upload = get_upload(connection, parse_id(text))
    if upload.sender != scope.subject or upload.state is State.WITHDRAWN:
        raise UploadNotFound(text[:60])
    return upload


def _offset(desk: Desk, upload: Upload) -> int:
    part = desk.shelf.part(upload.id)
    if part.is_file():
        return part.stat().st_size
    final = desk.shelf.path(upload.id, ORIGINAL)
    return final.stat().st_size if final.is_file() else 0


def _expires(upload: Upload) -> dict[str, str]:
    if upload.expires_at is None or upload.state is not State.RECEIVING:
        return {}
    return {"Upload-Expires": format_datetime(upload.expires_at, usegmt=True)}


async def _receive(request: Request, desk: Desk, upload: Upload, offset: int) -> int:
    """Appends the body behind what has come; returns the size reached. One request at a time."""
    with _alone(desk, upload):
        if offset != _offset(desk, upload):
            raise _BadStep(
                409, "Upload-Offset không khớp; hãy hỏi lại bằng HEAD.", "Upload-Offset differs; ask with HEAD."
            )
        waiting = bytearray()
        try:
            async for chunk in request.stream():
                waiting += chunk
                if offset + len(waiting) > upload.file_bytes:
                    raise _BadStep(413, "Nhiều byte hơn Upload-Length.", "More bytes than Upload-Length.")
                if len(waiting) >= BUFFER:
                    offset = await anyio.to_thread.run_sync(desk.shelf.append, upload.id, bytes(waiting), offset)
                    waiting.clear()
        except ClientDisconnect:
            # Nobody waits for an answer any more; HEAD tells later where to go on.
            pass
        finally:
            if waiting and offset + len(waiting) <= upload.file_bytes:
                # A line that breaks, and the cancelling that follows, must not lose what has come.
                with anyio.CancelScope(shield=True):
                    offset = await anyio.to_thread.run_sync(desk.shelf.append, upload.id, bytes(waiting), offset)
        return offset


@contextmanager
def _alone(desk: Desk, upload: Upload) -> Iterator[None]:
    """Keeps two requests from writing at once, in this process and in others."""
    try:
        handle = desk.shelf.part(upload.id).open("r+b")
    except FileNotFoundError:
        raise _BadStep(409, "Tệp đã nhận đủ hoặc đã hủy.", "The file is whole already, or given up.") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _BadStep(423, "Một yêu cầu khác đang gửi tệp này.", "Another request is sending this file.") from None
        yield
