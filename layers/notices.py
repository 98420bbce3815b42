"""Notices inside the service: to one person, or to everybody who may do something to a layer in a unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action

# So many recent notices are looked through for those that concern a reader.
LOOKED_AT: Final = 2000
_RECENT: Final = """
SELECT n.id, n.kind, n.recipient, n.action, n.target, n.unit_code, n.vi, n.en, n.link, n.created_at, r.read_at
FROM uploads.notices n LEFT JOIN uploads.notices_read r ON r.notice_id = n.id AND r.subject = :subject
WHERE (n.recipient = :subject OR n.recipient IS NULL) AND n.id > :after
ORDER BY n.id DESC LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody who may do something to a layer (or in an area) for a unit."""

    action: Action
    target: str
    unit_code: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What a notice says; ids and titles of layers only, nothing personal.

    Attributes:
        kind: Stable name such as ``upload_submitted``.
        link: Path inside the service.
    """

    kind: str
    vi: str
    en: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as its reader sees it."""

    id: int
    message: Message
    created_at: datetime
    read_at: datetime | None


def add_notice(connection: Connection, to: str | Audience, message: Message) -> int:
    """Adds a notice in the transaction of what it tells of; returns its number.

    Args:
        connection: Owner or writer.
        to: A subject, or an audience.
        message: What to say.
    """
    audience = None if isinstance(to, str) else to
    row = connection.execute(
        text(
            "INSERT INTO uploads.notices (kind, recipient, action, target, unit_code, vi, en, link)"
            " VALUES (:kind, :recipient, :action, :target, :unit_code, :vi, :en, :link) RETURNING id"
        ),
        {
            "kind": message.kind,
            "recipient": to if isinstance(to, str) else None,
            "action": audience.action.value if audience else None,
            "target": audience.target if audience else None,
            "unit_code": audience.unit_code if audience else None,
            "vi": message.vi,
            "en": message.en,
            "link": message.link,
        },
    )
    return int(row.scalar_one())


def list_notices(connection: Connection, scope: Scope, *, after: int = 0, limit: int = 100) -> list[Notice]:
    """The reader's notices, newest first."""
    rows = connection.execute(text(_RECENT), {"subject": scope.subject, "after": after, "limit": LOOKED_AT}).mappings()
    found: list[Notice] = []
    for row in rows:
        if len(found) == limit:
            break
        if row["recipient"] is None and not scope.may(Action(row["action"]), row["target"], row["unit_code"]):
            continue
        message = Message(row["kind"], row["vi"], row["en"], row["link"])
        found.append(Notice(row["id"], message, row["created_at"], row["read_at"]))
    return found


def mark_read(connection: Connection, scope: Scope, notice_ids: list[int]) -> None:
    """Marks notices as read by one reader; those of others stay as they are for them."""
    mine = {notice.id for notice in list_notices(connection, scope, limit=LOOKED_AT)}
    for notice_id in sorted(mine & set(notice_ids)):
        connection.execute(
            text("INSERT INTO uploads.notices_read (notice_id, subject) VALUES (:id, :subject) ON CONFLICT DO NOTHING"),
            {"id": notice_id, "subject": scope.subject},
        )
