"""The rows of uploads: added, found, and moved from state to state, each with its step and its audit event."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from layers.access import Units
from layers.audit import Detail, Event, record_event
from layers.publish import Mode
from layers.uploads.errors import KeyUsedOtherwise, UploadNotFound, WrongState
from layers.uploads.model import COLUMNS, STEPS, State, Step, Upload, UploadKind

_LISTED: Final = ", ".join(COLUMNS)
_JSON: Final = frozenset({"scope", "wish", "report", "change", "problem"})
_SETTABLE: Final = frozenset(COLUMNS) - {"id", "kind", "layer", "sender", "scope", "version", "created_at"}
MAX_LISTED: Final = 500
_LIST: Final = text(
    f"SELECT {_LISTED} FROM uploads.uploads AS upload"  # noqa: S608 - the columns are a constant
    " WHERE (CAST(:layer AS text) IS NULL OR layer = :layer)"
    " AND (CAST(:state AS text) IS NULL OR state = :state)"
    " AND (CAST(:sender AS text) IS NULL OR sender = :sender)"
    " AND (sender = :subject OR EXISTS ("
    "SELECT FROM jsonb_to_recordset(CAST(:workable AS jsonb)) AS held (layer text, units text[])"
    " WHERE held.layer = upload.layer AND (held.units IS NULL OR upload.unit_code = ANY (held.units))))"
    " ORDER BY created_at DESC, id LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What of uploads exists for a reader.

    Attributes:
        subject: Whose own are seen whatever else holds.
        workable: By slug, the communes whose uploads the reader works on; None for all of them.
    """

    subject: str
    workable: Mapping[str, Units]


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What is known of an upload before it is there."""

    layer: str
    unit_code: str | None
    mode: Mode
    sender: str
    scope: Mapping[str, object]
    kind: UploadKind = UploadKind.FILE
    state: State = State.RECEIVING
    wish: Mapping[str, object] = field(default_factory=dict)
    file_name: str = ""
    file_bytes: int = 0
    reverts_to: int | None = None
    watched_path: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One step of an upload: where to, who acts, what is said, and what else becomes of the row.

    Attributes:
        values: Columns set with the step.
        detail: Ids and numbers for the audit trail.
        source: Address that the act came from.
    """

    to: State
    actor: str
    comment: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    detail: Detail = field(default_factory=dict)
    source: str | None = None


def add_upload(connection: Connection, new: NewUpload) -> Upload:
    """Adds an upload with its first step and its audit event."""
    upload_id = uuid4()
    connection.execute(
        text(
            "INSERT INTO uploads.uploads (id, kind, layer, unit_code, mode, state, sender, scope, wish, file_name,"
            " file_bytes, reverts_to, watched_path) VALUES (:id, :kind, :layer, :unit_code, :mode, :state, :sender,"
            " CAST(:scope AS jsonb), CAST(:wish AS jsonb), :file_name, :file_bytes, :reverts_to, :watched_path)"
        ),
        {
            "id": upload_id,
            "kind": new.kind.value,
            "layer": new.layer,
            "unit_code": new.unit_code,
            "mode": new.mode.value,
            "state": new.state.value,
            "sender": new.sender,
            "scope": json.dumps(new.scope),
            "wish": json.dumps(new.wish),
            "file_name": new.file_name,
            "file_bytes": new.file_bytes,
            "reverts_to": new.reverts_to,
            "watched_path": new.watched_path,
        },
    )
    upload = get_upload(connection, upload_id)
    _add_step(connection, upload, None, Move(new.state, new.sender))
    _record(connection, upload, Move(new.state, new.sender, detail={"kind": new.kind.value}, source=new.source))
    return upload


def get_upload(connection: Connection, upload_id: UUID, *, lock: bool = False) -> Upload:
    """The upload; ``lock`` keeps others from changing it until the transaction ends.

    Raises:
        UploadNotFound: There is none.
    """
    suffix = " FOR UPDATE" if lock else ""
    row = connection.execute(
        text(f"SELECT {_LISTED} FROM uploads.uploads WHERE id = :id{suffix}"),  # noqa: S608 - a constant's names
        {"id": upload_id},
    ).mappings()
    found = row.one_or_none()
    if found is None:
        raise UploadNotFound(str(upload_id))
    return Upload.of(dict(found))


def list_uploads(
    connection: Connection,
    *,
    layer: str | None = None,
    state: State | None = None,
    sender: str | None = None,
    seen: Seen,
    limit: int = MAX_LISTED,
) -> list[Upload]:
    """Uploads that match and that exist for the reader, newest first, at most :data:`MAX_LISTED`."""
    workable = [
        {"layer": slug, "units": None if units is None else sorted(units)} for slug, units in seen.workable.items()
    ]
    values = {
        "layer": layer,
        "state": state.value if state else None,
        "sender": sender,
        "subject": seen.subject,
        "workable": json.dumps(workable),
        "limit": min(limit, MAX_LISTED),
    }
    return [Upload.of(dict(row)) for row in connection.execute(_LIST, values).mappings()]


def layers_of_uploads(connection: Connection) -> list[str]:
    """Slugs of the layers that anything was ever sent for."""
    return list(connection.execute(text("SELECT DISTINCT layer FROM uploads.uploads ORDER BY layer")).scalars())


def move(connection: Connection, upload: Upload, step: Move) -> Upload:
    """Takes an upload to its next state; step, audit event and values appear together.

    Args:
        connection: In a transaction that holds the upload's lock (:func:`get_upload` with ``lock``).
        upload: As it was read under that lock.
        step: Where to and what with.

    Raises:
        WrongState: The state does not follow from the present one.
    """
    if step.to not in STEPS[upload.state]:
        raise WrongState(upload.state, step.to)
    set_values(connection, upload, {**step.values, "state": step.to.value})
    _add_step(connection, upload, upload.state, step)
    _record(connection, upload, step)
    return get_upload(connection, upload.id)


def set_values(connection: Connection, upload: Upload, values: Mapping[str, object]) -> None:
    """Sets columns of an upload without a step; its version rises."""
    unknown = set(values) - _SETTABLE
    if unknown:
        raise ValueError(f"no columns to set: {sorted(unknown)}")
    assigned = ", ".join(
        f"{name} = CAST(:{name} AS jsonb)" if name in _JSON else f"{name} = :{name}" for name in sorted(values)
    )
    given = {name: _document(value) if name in _JSON else value for name, value in values.items()}
    connection.execute(
        text(
            f"UPDATE uploads.uploads SET {assigned}, version = version + 1, changed_at = clock_timestamp()"  # noqa: S608
            " WHERE id = :upload_id"
        ),
        {**given, "upload_id": upload.id},
    )


def _document(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def list_steps(connection: Connection, upload_id: UUID) -> list[Step]:
    """The steps of an upload in the order they were taken."""
    rows = connection.execute(
        text(
            "SELECT number, actor, from_state, to_state, comment, at FROM uploads.steps WHERE upload_id = :id"
            " ORDER BY number"
        ),
        {"id": upload_id},
    ).mappings()
    return [
        Step(
            row["number"],
            row["actor"],
            State(row["from_state"]) if row["from_state"] else None,
            State(row["to_state"]),
            row["comment"],
            row["at"],
        )
        for row in rows
    ]


def add_comment(connection: Connection, upload: Upload, actor: str, comment: str, *, source: str | None = None) -> None:
    """Adds what somebody says; the state stays."""
    _add_step(connection, upload, upload.state, Move(upload.state, actor, comment))
    event = Event(actor, "upload_commented", "upload", upload.object_id, unit_code=upload.unit_code, source=source)
    record_event(connection, event)


def answered_before(connection: Connection, subject: str, key: str, request: str) -> UUID | None:
    """The upload that a request with this Idempotency-Key has acted on already; None for a new key.

    Raises:
        KeyUsedOtherwise: The key came with another request.
    """
    # A key in use by a request that has not ended is waited for.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 7))"), {"key": f"{subject}\n{key}"})
    row = connection.execute(
        text("SELECT request, upload_id FROM uploads.answers WHERE subject = :subject AND key = :key"),
        {"subject": subject, "key": key},
    ).one_or_none()
    if row is None:
        return None
    if row.request != request:
        raise KeyUsedOtherwise
    found: UUID = row.upload_id
    return found


def remember_answer(connection: Connection, subject: str, key: str, request: str, upload_id: UUID) -> None:
    """Keeps which upload a request with this key has acted on, in the transaction of the act."""
    connection.execute(
        text("INSERT INTO uploads.answers (subject, key, request, upload_id) VALUES (:subject, :key, :request, :id)"),
        {"subject": subject, "key": key, "request": request, "id": upload_id},
    )


def waiting_uploads(connection: Connection, states: Sequence[State]) -> list[Upload]:
    """Uploads in any of these states, oldest first."""
    rows = connection.execute(
        text(f"SELECT {_LISTED} FROM uploads.uploads WHERE state = ANY(:states) ORDER BY created_at, id"),  # noqa: S608
        {"states": [state.value for state in states]},
    ).mappings()
    return [Upload.of(dict(row)) for row in rows]


def _add_step(connection: Connection, upload: Upload, before: State | None, step: Move) -> None:
    connection.execute(
        text(
            "INSERT INTO uploads.steps (upload_id, number, actor, from_state, to_state, comment) SELECT :id,"
            " coalesce(max(number), 0) + 1, :actor, :before, :after, :comment FROM uploads.steps WHERE upload_id = :id"
        ),
        {
            "id": upload.id,
            "actor": step.actor,
            "before": before.value if before else None,
            "after": step.to.value,
            "comment": step.comment,
        },
    )


def _record(connection: Connection, upload: Upload, step: Move) -> None:
    detail: dict[str, Any] = {"layer": upload.layer, **step.detail}
    action = "upload_" + step.to.value.replace("-", "_")
    record_event(
        connection,
        Event(
            step.actor,
            action,
            "upload",
            upload.object_id,
            unit_code=upload.unit_code,
            source=step.source,
            detail=detail,
        ),
    )
