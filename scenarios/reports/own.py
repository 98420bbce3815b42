"""A report as its sender sees it, with number and code: how far it is, the answer, and the rating they give."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from layers.audit import Event, record_event
from scenarios.photos.store import Photo, list_photos
from scenarios.reports.errors import ReportActIncomplete, ReportNotFound, ReportOutOfOrder
from scenarios.reports.intake import cleaned, code_hash
from scenarios.reports.report import Ending, ReportState

PUBLIC: Final = "public"
MAX_REMARK: Final = 1000
_COLUMNS: Final = (
    "id, number, code_hash, kind, content, place_text, unit_code, state, ending, office, reply, rating, duplicate_of,"
    " received_at, due_at, answered_at, closed_at"
)
_BY_NUMBER: Final = text(f"SELECT {_COLUMNS} FROM reports.reports WHERE number = :number")  # noqa: S608 - constants
_LOCKED: Final = text(f"SELECT {_COLUMNS} FROM reports.reports WHERE number = :number FOR UPDATE")  # noqa: S608
_BY_ID: Final = text(f"SELECT {_COLUMNS} FROM reports.reports WHERE id = :id")  # noqa: S608 - constants
_STEPS: Final = text(
    "SELECT act, to_state, at FROM reports.steps WHERE report_id = :id AND act <> 'comment' ORDER BY number, report_id"
)
_RATE: Final = text("UPDATE reports.reports SET rating = :rating, rated_at = :at, version = version + 1 WHERE id = :id")
_TELL: Final = text(
    "INSERT INTO reports.steps (report_id, number, actor, act, from_state, to_state, comment, at)"
    " SELECT :id, coalesce(max(number), 0) + 1, 'reporter', 'rate', :state, :state, :comment, :at"
    " FROM reports.steps WHERE report_id = :id"
)
_NOBODYS: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class OwnStep:
    """Something that was done, without who did it."""

    act: str
    to_state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OwnReport:
    """What a sender learns of their report.

    Attributes:
        is_joined: Whether it is worked on with another report of the same thing; state and reply are that one's then.
        may_rate: Whether a rating is welcome now.
        photos: Of the result; those that the sender sent are theirs already.
    """

    id: int
    number: str
    kind: str
    content: str
    place_text: str
    unit_code: str
    state: ReportState
    ending: Ending | None
    office: str
    reply: str
    rating: int | None
    received_at: datetime
    due_at: datetime | None
    answered_at: datetime | None
    is_joined: bool
    may_rate: bool
    steps: tuple[OwnStep, ...]
    photos: tuple[Photo, ...]


def read_own_report(connection: Connection, number: str, code: str) -> OwnReport:
    """A report for whoever holds its code.

    Raises:
        ReportNotFound: There is none with this number and code.
    """
    row = _unlocked(connection.execute(_BY_NUMBER, {"number": number}).one_or_none(), code)
    shown = row if row.duplicate_of is None else connection.execute(_BY_ID, {"id": row.duplicate_of}).one()
    steps = connection.execute(_STEPS, {"id": row.id}).mappings()
    photos = [photo for photo in list_photos(connection, "report", shown.id) if photo.purpose == "result"]
    return OwnReport(
        row.id,
        row.number,
        row.kind,
        row.content,
        row.place_text,
        row.unit_code,
        ReportState(shown.state),
        Ending(shown.ending) if shown.ending else None,
        shown.office,
        shown.reply,
        row.rating,
        row.received_at,
        row.due_at,
        shown.answered_at,
        row.duplicate_of is not None,
        _may_rate(row),
        tuple(OwnStep(**step) for step in steps),
        tuple(photos),
    )


def rate_report(
    connection: Connection,
    number: str,
    code: str,
    rating: int,
    at: datetime,
    *,
    remark: str = "",
    source: str | None = None,
) -> None:
    """Keeps how content the sender is, from 1 to 5; a later rating takes the place of an earlier one.

    Raises:
        ReportNotFound: There is no report with this number and code.
        ReportOutOfOrder: It has not been answered.
        ReportActIncomplete: The rating is not from 1 to 5.
        BadReport: The remark is too long.
    """
    row = _unlocked(connection.execute(_LOCKED, {"number": number}).one_or_none(), code)
    if not 1 <= rating <= 5:
        raise ReportActIncomplete("rate", "rating")
    if not _may_rate(row):
        raise ReportOutOfOrder(row.number, "rate", row.state)
    said = cleaned(remark, "comment", MAX_REMARK)
    connection.execute(_RATE, {"id": row.id, "rating": rating, "at": at})
    connection.execute(_TELL, {"id": row.id, "state": row.state, "comment": said, "at": at})
    event = Event(
        PUBLIC, "report_rated", "report", number, unit_code=row.unit_code, source=source, detail={"rating": rating}
    )
    record_event(connection, event)


def _unlocked(row: Row[Any] | None, code: str) -> Row[Any]:
    """The row, if the code is its; looked for as long where there is no row."""
    kept = _NOBODYS if row is None else bytes(row.code_hash)
    is_right = hmac.compare_digest(kept, code_hash(code))
    if row is None or not is_right:
        raise ReportNotFound
    return row


def _may_rate(row: Row[Any]) -> bool:
    return row.state in (ReportState.ANSWERED, ReportState.CLOSED) and row.ending in (None, Ending.ANSWERED)
