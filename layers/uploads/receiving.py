"""The way in: an upload is announced, its bytes come, and with the last of them its check is queued."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.errors import LayerNotFound
from layers.publish import Mode
from layers.rights import Action, NotAllowed
from layers.uploads.checking import SYSTEM, queue_check
from layers.uploads.desk import Desk
from layers.uploads.errors import NotReady
from layers.uploads.files import safe_name
from layers.uploads.model import State, Upload, UploadKind
from layers.uploads.states import read_definition
from layers.uploads.store import (
    Move,
    NewUpload,
    add_upload,
    answered_before,
    get_upload,
    move,
    remember_answer,
    waiting_uploads,
)

UNFINISHED_FOR = timedelta(hours=24)
"""An upload whose bytes stop coming is given up after so long."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a sender says before the first byte.

    Attributes:
        scope: The sender's scope as jobs keep it.
        key: Idempotency-Key, where the sender gives one.
        declared_bytes: Size that the file will have, where it is known.
    """

    layer: str
    unit_code: str | None
    mode: Mode
    file_name: str
    scope: Mapping[str, object]
    wish: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    declared_bytes: int = 0
    watched_path: str | None = None
    source: str | None = None

    @property
    def request(self) -> str:
        """The request as text, to tell whether a key comes again with another one."""
        said = [self.layer, self.unit_code, self.mode.value, self.file_name, dict(self.wish)]
        return json.dumps(said, sort_keys=True, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Announced:
    """An upload that may receive its bytes; ``is_new`` is false where the same request came before."""

    upload: Upload
    is_new: bool


def announce_upload(desk: Desk, scope: Scope, said: Announcement) -> Announced:
    """Makes an upload that waits for its bytes.

    Raises:
        LayerNotFound: There is no such layer for this sender.
        NotAllowed: The sender may not edit this layer in this unit.
        FileTooLarge: The declared size is beyond the limit.
        NoRoom: The disk must keep its reserve.
        KeyUsedOtherwise: The Idempotency-Key came with another request.
    """
    desk.shelf.require_room(said.declared_bytes)
    with desk.engine.begin() as connection:
        require_target(connection, scope, said.layer, said.unit_code)
        if said.key is not None:
            before = answered_before(connection, scope.subject, said.key, said.request)
            if before is not None:
                return Announced(get_upload(connection, before), is_new=False)
        new = NewUpload(
            layer=said.layer,
            unit_code=said.unit_code,
            mode=said.mode,
            sender=scope.subject,
            scope=said.scope,
            wish=said.wish,
            file_name=safe_name(said.file_name),
            file_bytes=said.declared_bytes,
            watched_path=said.watched_path,
            source=said.source,
        )
        upload = add_upload(connection, new)
        _expire_later(connection, upload.id)
        desk.shelf.open_part(upload.id)
        if said.key is not None:
            remember_answer(connection, scope.subject, said.key, said.request, upload.id)
        return Announced(get_upload(connection, upload.id), is_new=True)


def require_target(connection: Connection, scope: Scope, slug: str, unit_code: str | None) -> None:
    """Makes sure that the sender may change the layer in the unit.

    Raises:
        LayerNotFound: There is no such layer for this sender.
        NotAllowed: The right is missing.
        NotReady: There is no such unit.
    """
    definition, _, _ = read_definition(connection, slug)
    if not scope.reach(slug, definition.sensitivity).exists:
        raise LayerNotFound(slug)
    if not scope.may(Action.EDIT, slug, unit_code):
        raise NotAllowed(Action.EDIT, slug)
    if unit_code is None:
        return
    table = "features.provinces" if len(unit_code) == 2 else "features.communes"
    known = connection.execute(text(f"SELECT 1 FROM {table} WHERE code = :code"), {"code": unit_code})  # noqa: S608
    if known.first() is None:
        raise NotReady(
            f"Không có xã, phường hay tỉnh mang mã “{unit_code[:10]}”. Xem danh sách tại /api/units.",
            f'There is no commune or province "{unit_code[:10]}". See /api/units.',
            parameter="unit_code",
        )


def _expire_later(connection: Connection, upload_id: UUID) -> None:
    connection.execute(
        text("UPDATE uploads.uploads SET expires_at = :at WHERE id = :id"),
        {"at": datetime.now(UTC) + UNFINISHED_FOR, "id": upload_id},
    )


def finish_receiving(
    desk: Desk, upload_id: UUID, actor: str, *, source: str | None = None, name: str | None = None
) -> Upload:
    """Closes the file for good and queues its check; done twice it queues one check only.

    Raises:
        NotReady: Not a single byte has come.
    """
    size, digest = desk.shelf.finish(upload_id)
    if size == 0:
        with desk.engine.begin() as connection:
            upload = get_upload(connection, upload_id, lock=True)
            if upload.state is State.RECEIVING:
                move(connection, upload, Move(State.REFUSED, actor, "tệp rỗng", source=source))
        raise NotReady(
            "Tệp rỗng, không có byte nào. Hãy kiểm tra tệp rồi gửi lại.",
            "The file is empty. Check it, then send it again.",
            parameter="file",
        )
    with desk.engine.begin() as connection:
        upload = get_upload(connection, upload_id, lock=True)
        if upload.state is not State.RECEIVING:
            return upload
        values: dict[str, object] = {"file_bytes": size, "file_sha256": digest, "expires_at": None}
        if name is not None:
            values["file_name"] = safe_name(name)
        received = move(
            connection, upload, Move(State.RECEIVED, actor, values=values, detail={"bytes": size}, source=source)
        )
        queue_check(connection, received)
        return received


def say_more(
    connection: Connection,
    upload: Upload,
    actor: str,
    wish: Mapping[str, Any],
    *,
    mode: Mode | None = None,
    source: str | None = None,
) -> Upload:
    """Takes answers of the sender and queues the check that they call for.

    Args:
        connection: In a transaction that holds the upload's lock.
        upload: As read under that lock.
        actor: The sender.
        wish: What was said, as a whole.
        mode: Another mode, where it changes.
        source: Address that the answers came from.
    """
    values: dict[str, object] = {"wish": dict(wish), "digest": None, "change": None, "approver": None}
    if mode is not None:
        values["mode"] = mode.value
    received = move(connection, upload, Move(State.RECEIVED, actor, values=values, source=source))
    queue_check(connection, received)
    return received


def add_revert(
    connection: Connection,
    scope: Scope,
    document: Mapping[str, object],
    target: tuple[str, str | None, int],
    reason: str,
    *,
    source: str | None = None,
) -> Upload:
    """Asks for an earlier revision of a layer, or of one unit in it, to come back; it goes the way of every upload.

    Args:
        connection: In a transaction.
        scope: Who asks.
        document: The same scope as jobs keep it.
        target: Layer, unit or None, and revision.
        reason: Why, for those who approve.
        source: Address that it is asked from.
    """
    slug, unit_code, revision = target
    require_target(connection, scope, slug, unit_code)
    _, _, newest = read_definition(connection, slug)
    if not 0 <= revision < newest:
        raise NotReady(
            f"Lớp “{slug}” đang ở phiên bản {newest}; chỉ quay về phiên bản từ 0 đến {newest - 1}.",
            f'Layer "{slug}" is at revision {newest}; a return goes to one from 0 to {newest - 1}.',
            parameter="revision",
        )
    new = NewUpload(
        layer=slug,
        unit_code=unit_code,
        mode=Mode.REPLACE,
        sender=scope.subject,
        scope=document,
        kind=UploadKind.REVERT,
        state=State.RECEIVED,
        wish={"reason": reason},
        reverts_to=revision,
        source=source,
    )
    upload = add_upload(connection, new)
    queue_check(connection, upload)
    return upload


def give_up_unfinished(desk: Desk, tell: Callable[[Upload], None]) -> None:
    """Withdraws uploads whose bytes have stopped coming, and removes what came."""
    with desk.engine.begin() as connection:
        for found in waiting_uploads(connection, [State.RECEIVING]):
            if found.expires_at is None or found.expires_at > datetime.now(UTC):
                continue
            upload = get_upload(connection, found.id, lock=True)
            if upload.state is State.RECEIVING:
                desk.shelf.remove(upload.id)
                tell(move(connection, upload, Move(State.WITHDRAWN, SYSTEM, "hết hạn nhận tệp")))
