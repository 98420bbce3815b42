"""What people decide on an upload: submit, approve, send back, withdraw, publish now or later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.audit import Event, Outcome, record_event
from layers.jobs import JobKind, queue_job
from layers.notices import Audience, Message, add_notice
from layers.rights import Action, NotAllowed
from layers.uploads.checking import SYSTEM, link_of, notify_sender, queue_check
from layers.uploads.desk import Desk
from layers.uploads.errors import ChangeMoved, NotReady, SameEyes, WrongState
from layers.uploads.model import STEPS, State, Upload
from layers.uploads.states import require, visible_upload
from layers.uploads.store import Move, get_upload, move, waiting_uploads


@dataclass(frozen=True, slots=True)
class Actor:
    """Who decides, and from where."""

    scope: Scope
    source: str | None = None

    @property
    def subject(self) -> str:
        """Id of the person."""
        return self.scope.subject


def submit(desk: Desk, actor: Actor, upload_id: UUID, *, comment: str = "", confirm_deletions: bool = False) -> Upload:
    """Hands a checked upload to those who approve; the sender's older ones for the same unit are superseded.

    Raises:
        NotReady: Something is still open, or deletes more than it may without an explicit yes.
    """
    with desk.engine.begin() as connection:
        upload = _held(connection, actor, upload_id, Action.EDIT)
        if State.SUBMITTED not in _next(upload):
            raise WrongState(upload.state, State.SUBMITTED)
        _require_complete(desk, upload, confirm_deletions=confirm_deletions)
        _supersede_older(connection, actor, upload)
        values: dict[str, object] = {
            "submitted_at": datetime.now(UTC),
            "is_deletion_confirmed": confirm_deletions,
            "approver": None,
        }
        done = move(connection, upload, Move(State.SUBMITTED, actor.subject, comment, values, source=actor.source))
        vi = f"Có dữ liệu “{upload.file_name or upload.layer}” chờ duyệt cho lớp {upload.layer}."
        en = f'"{upload.file_name or upload.layer}" waits for approval for the layer {upload.layer}.'
        audience = Audience(Action.APPROVE, upload.layer, upload.unit_code)
        add_notice(connection, audience, Message("upload_submitted", vi, en, link_of(upload)))
        return done


def _next(upload: Upload) -> frozenset[State]:
    return STEPS[upload.state]


def _require_complete(desk: Desk, upload: Upload, *, confirm_deletions: bool) -> None:
    if upload.change is None or upload.digest is None:
        raise NotReady(
            "Còn câu hỏi chưa trả lời hoặc chưa có dòng nào đạt; hãy xem “questions” và “findings” của lượt gửi.",
            'Questions are open or no row is good; see "questions" and "findings" of the upload.',
        )
    share = float(upload.change["deleted_share"])
    if share > desk.deletion_limit and not confirm_deletions:
        percent, limit = round(100 * share, 1), round(100 * desk.deletion_limit)
        raise NotReady(
            f"Tệp này xóa {upload.change['deleted']} đối tượng ({percent} %), quá {limit} %. "
            "Nếu đúng ý, gửi lại với confirm_deletions = true.",
            f"This deletes {upload.change['deleted']} features ({percent} %), more than {limit} %. "
            "If that is meant, submit with confirm_deletions = true.",
            parameter="confirm_deletions",
        )


def _supersede_older(connection: Connection, actor: Actor, upload: Upload) -> None:
    for older in waiting_uploads(connection, [State.CHECKED, State.SENT_BACK, State.SUBMITTED]):
        same = (older.sender, older.layer, older.unit_code, older.kind) == (
            upload.sender,
            upload.layer,
            upload.unit_code,
            upload.kind,
        )
        if same and older.id != upload.id and older.created_at < upload.created_at and older.kind.value == "file":
            held = get_upload(connection, older.id, lock=True)
            move(connection, held, Move(State.SUPERSEDED, actor.subject, str(upload.id)))


def approve(desk: Desk, actor: Actor, upload_id: UUID, *, digest: str, comment: str = "") -> Upload:
    """Approves exactly the change that the person has looked at.

    Args:
        desk: The desk.
        actor: Who approves; never who has sent it.
        upload_id: Which upload.
        digest: Of the change looked at.
        comment: What to say with it.

    Raises:
        SameEyes: The sender approves.
        ChangeMoved: The change is another one now, or the layer has moved and is being compared again.
    """
    with desk.engine.begin() as connection:
        upload = _held(connection, actor, upload_id, Action.APPROVE)
        if upload.sender == actor.subject:
            _refused(connection, actor, upload, "upload_approve_refused")
        elif State.APPROVED not in _next(upload):
            raise WrongState(upload.state, State.APPROVED)
        elif _is_stale(connection, upload):
            queue_check(connection, upload)
        elif upload.digest == digest:
            values: dict[str, object] = {"approver": actor.subject, "approved_at": datetime.now(UTC)}
            done = move(connection, upload, Move(State.APPROVED, actor.subject, comment, values, source=actor.source))
            notify_sender(connection, upload, "upload_approved", "đã được duyệt.", "approved.")
            return done
    # What was written of a refusal stays: these errors leave the transaction behind them.
    if upload.sender == actor.subject:
        raise SameEyes
    raise ChangeMoved


def _is_stale(connection: Connection, upload: Upload) -> bool:
    newest = connection.execute(
        text("SELECT revision FROM catalogue.layers WHERE slug = :slug"), {"slug": upload.layer}
    ).scalar_one()
    return bool(newest != upload.base_revision)


def _refused(connection: Connection, actor: Actor, upload: Upload, action: str) -> None:
    event = Event(actor.subject, action, "upload", upload.object_id, Outcome.REFUSED, upload.unit_code, actor.source)
    record_event(connection, event)


def send_back(desk: Desk, actor: Actor, upload_id: UUID, *, comment: str) -> Upload:
    """Gives an upload back to its sender with what is to be mended."""
    if not comment.strip():
        raise NotReady("Hãy ghi rõ cần sửa gì để người gửi biết.", "Say what is to be mended.", parameter="comment")
    with desk.engine.begin() as connection:
        upload = _held(connection, actor, upload_id, Action.APPROVE)
        values: dict[str, object] = {"approver": None, "approved_at": None, "publish_at": None}
        done = move(connection, upload, Move(State.SENT_BACK, actor.subject, comment, values, source=actor.source))
        notify_sender(connection, upload, "upload_sent_back", f"bị trả lại: {comment}", f"sent back: {comment}")
        return done


def withdraw(desk: Desk, actor: Actor, upload_id: UUID, *, comment: str = "") -> Upload:
    """Takes an upload back before it is published: its sender, or who may approve it."""
    with desk.engine.begin() as connection:
        upload = visible_upload(connection, actor.scope, upload_id, lock=True)
        if upload.sender != actor.subject:
            require(actor.scope, Action.APPROVE, upload)
        return move(connection, upload, Move(State.WITHDRAWN, actor.subject, comment, source=actor.source))


def publish(desk: Desk, actor: Actor, upload_id: UUID, *, at: datetime | None = None) -> Upload:
    """Has an approved upload published, now or at an instant.

    Raises:
        NotReady: The instant has no zone.
    """
    if at is not None and at.tzinfo is None:
        raise NotReady(
            "Thời điểm cần múi giờ, ví dụ +07:00.", "The instant needs a zone, such as +07:00.", parameter="at"
        )
    with desk.engine.begin() as connection:
        upload = _held(connection, actor, upload_id, Action.PUBLISH)
        if at is not None and at > datetime.now(UTC):
            return _schedule(connection, actor, upload, at)
        return _start(connection, upload, actor.subject, actor.source)


def _schedule(connection: Connection, actor: Actor, upload: Upload, at: datetime) -> Upload:
    if upload.state is not State.APPROVED:
        raise WrongState(upload.state, State.PUBLISHING)
    connection.execute(
        text("UPDATE uploads.uploads SET publish_at = :at, version = version + 1 WHERE id = :id"),
        {"at": at, "id": upload.id},
    )
    event = Event(
        actor.subject,
        "upload_scheduled",
        "upload",
        upload.object_id,
        unit_code=upload.unit_code,
        source=actor.source,
        detail={"at": at.astimezone(UTC).isoformat()},
    )
    record_event(connection, event)
    return get_upload(connection, upload.id)


def _start(connection: Connection, upload: Upload, subject: str, source: str | None) -> Upload:
    started = move(connection, upload, Move(State.PUBLISHING, subject, source=source))
    queue_job(connection, JobKind.PUBLISH, {"upload_id": str(upload.id)}, upload.scope)
    return started


def publish_due(desk: Desk) -> int:
    """Starts the publications whose time has come; returns how many."""
    with desk.engine.begin() as connection:
        due = [
            upload
            for upload in waiting_uploads(connection, [State.APPROVED])
            if upload.publish_at is not None and upload.publish_at <= datetime.now(UTC)
        ]
        for upload in due:
            held = get_upload(connection, upload.id, lock=True)
            if held.state is State.APPROVED:
                _start(connection, held, SYSTEM, None)
    return len(due)


def _held(connection: Connection, actor: Actor, upload_id: UUID, action: Action) -> Upload:
    upload = visible_upload(connection, actor.scope, upload_id, lock=True)
    if not actor.scope.may(action, upload.layer, upload.unit_code):
        raise NotAllowed(action, upload.layer)
    return upload
