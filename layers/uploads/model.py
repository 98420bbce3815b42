"""What an upload is, and the states that it goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from layers.publish import Mode


class UploadKind(StrEnum):
    """What is on its way: a file, one record by its owner, or an earlier revision coming back."""

    FILE = "file"
    RECORD = "record"
    REVERT = "revert"


class State(StrEnum):
    """Where an upload stands."""

    RECEIVING = "receiving"
    RECEIVED = "received"
    CHECKING = "checking"
    CHECKED = "checked"
    SUBMITTED = "submitted"
    SENT_BACK = "sent-back"
    APPROVED = "approved"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


STEPS: Final[Mapping[State, frozenset[State]]] = {
    State.RECEIVING: frozenset({State.RECEIVED, State.WITHDRAWN, State.REFUSED}),
    State.RECEIVED: frozenset({State.CHECKING, State.WITHDRAWN, State.REFUSED}),
    State.CHECKING: frozenset({State.CHECKED, State.REFUSED, State.WITHDRAWN}),
    State.CHECKED: frozenset({State.RECEIVED, State.SUBMITTED, State.WITHDRAWN, State.SUPERSEDED}),
    State.SUBMITTED: frozenset({State.APPROVED, State.SENT_BACK, State.WITHDRAWN, State.SUPERSEDED}),
    State.SENT_BACK: frozenset({State.RECEIVED, State.SUBMITTED, State.WITHDRAWN, State.SUPERSEDED}),
    State.APPROVED: frozenset({State.PUBLISHING, State.SUBMITTED, State.SENT_BACK, State.WITHDRAWN}),
    State.PUBLISHING: frozenset({State.PUBLISHED, State.SUBMITTED, State.APPROVED}),
    State.PUBLISHED: frozenset(),
    State.REFUSED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.SUPERSEDED: frozenset(),
}
"""From each state those that may follow; a file that is sent back is checked again when its sender has answered."""

STATE_TITLES: Final[Mapping[State, tuple[str, str]]] = {
    State.RECEIVING: ("Đang nhận tệp", "Being received"),
    State.RECEIVED: ("Đã nhận, chờ kiểm tra", "Received, waiting for its check"),
    State.CHECKING: ("Đang kiểm tra", "Being checked"),
    State.CHECKED: ("Đã kiểm tra, chờ người gửi", "Checked, waiting for its sender"),
    State.SUBMITTED: ("Đã trình, chờ duyệt", "Submitted, waiting for approval"),
    State.SENT_BACK: ("Bị trả lại để sửa", "Sent back to be mended"),
    State.APPROVED: ("Đã duyệt, chờ công bố", "Approved, waiting for publication"),
    State.PUBLISHING: ("Đang công bố", "Being published"),
    State.PUBLISHED: ("Đã công bố", "Published"),
    State.REFUSED: ("Không đọc được hoặc không nhận", "Refused"),
    State.WITHDRAWN: ("Đã rút", "Withdrawn"),
    State.SUPERSEDED: ("Đã có tệp mới thay", "Superseded by a newer one"),
}


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as it stands.

    Attributes:
        unit_code: Commune (5 digits) or province (2 digits) that it may change; None for the whole layer.
        version: Rises with every change of the row.
        scope: Scope of the sender, under which the work is done.
        wish: What the sender said beside the file.
        base_revision: Revision that ``change`` compares with.
        report: Totals, decisions, questions and score of the check.
        change: What publishing would do, in numbers.
        digest: Names exactly that change; who approves says which one was looked at.
        problem: Why it was refused, in both languages.
    """

    id: UUID
    kind: UploadKind
    layer: str
    unit_code: str | None
    mode: Mode
    state: State
    version: int
    sender: str
    scope: Mapping[str, Any]
    wish: Mapping[str, Any]
    file_name: str
    file_bytes: int
    file_sha256: str | None
    watched_path: str | None
    reverts_to: int | None
    base_revision: int | None
    definition_version: int | None
    report: Mapping[str, Any] | None
    change: Mapping[str, Any] | None
    digest: str | None
    is_deletion_confirmed: bool
    approver: str | None
    publish_at: datetime | None
    revision: int | None
    problem: Mapping[str, str] | None
    created_at: datetime
    changed_at: datetime
    submitted_at: datetime | None
    approved_at: datetime | None
    published_at: datetime | None
    expires_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Upload:
        """The upload of a row of ``uploads.uploads``."""
        kinds = {"kind": UploadKind(row["kind"]), "mode": Mode(row["mode"]), "state": State(row["state"])}
        return cls(**{**{name: row[name] for name in COLUMNS}, **kinds})

    @property
    def object_id(self) -> str:
        """Its id as the audit trail writes it."""
        return str(self.id)


COLUMNS: Final = tuple(field.name for field in fields(Upload))


@dataclass(frozen=True, slots=True)
class Step:
    """One step that an upload has taken, with what its actor said."""

    number: int
    actor: str
    from_state: State | None
    to_state: State
    comment: str
    at: datetime
