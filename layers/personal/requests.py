"""What persons ask of those who hold their data, with the clocks of Law 91/2025/QH15 and Decree 356/2025, article 5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection, Row, text

from layers.audit import Event, record_event
from layers.errors import LayerError
from layers.personal.people import get_person

DayAfter = Callable[[date, int], date]
"""The worked day that comes so many worked days after a day."""

ANSWER_WORKED_DAYS: Final = 2
_ADD: Final = text(
    "INSERT INTO personal.requests (kind, person, received_at, answer_due_on, due_on, received_by)"
    " VALUES (:kind, :person, :received_at, :answer_due_on, :due_on, :author) RETURNING *"
)
_OPEN: Final = text(
    "SELECT id FROM personal.requests WHERE kind = :kind AND person = :person AND state = 'received'"
    " ORDER BY id LIMIT 1"
)
_GET: Final = text("SELECT * FROM personal.requests WHERE id = :id FOR UPDATE")
_LIST: Final = text(
    "SELECT * FROM personal.requests"
    " WHERE (NOT :open OR state = 'received')"
    " AND (CAST(:late AS date) IS NULL OR state = 'received' AND due_on < :late)"
    " ORDER BY (state = 'received') DESC, due_on, id LIMIT :most"
)
_COUNT: Final = text(
    "SELECT count(*) AS waiting, count(*) FILTER (WHERE due_on < :today) AS late"
    " FROM personal.requests WHERE state = 'received'"
)
_DECIDE: Final = text(
    "UPDATE personal.requests SET state = :state, reason = :reason, decided_by = :author, decided_at = :at"
    " WHERE id = :id"
)
_EXTEND: Final = text("UPDATE personal.requests SET due_on = :due_on, extended = true WHERE id = :id")


class RequestKind(StrEnum):
    """What a person may ask."""

    SEE = "see"
    CORRECT = "correct"
    EXPORT = "export"
    RESTRICT = "restrict"
    LIFT = "lift"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Clock:
    """Days from receiving until the act is due, and with the one extension that there may be."""

    days: int
    extended: int


CLOCKS: Final[Mapping[RequestKind, Clock]] = MappingProxyType(
    {
        RequestKind.SEE: Clock(10, 15),
        RequestKind.CORRECT: Clock(10, 15),
        RequestKind.EXPORT: Clock(10, 15),
        RequestKind.RESTRICT: Clock(15, 20),
        RequestKind.LIFT: Clock(15, 20),
        RequestKind.ERASE: Clock(20, 30),
    }
)


class RequestState(StrEnum):
    """Where a request stands."""

    RECEIVED = "received"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PersonRequest:
    """A request.

    Attributes:
        person: What stands for the person, as 32 hexadecimal digits.
        answer_due_on: Day by which the person must have been told that it is in hand.
        due_on: Day by which it must have been done or refused.
    """

    id: int
    kind: RequestKind
    person: str
    received_at: datetime
    answer_due_on: date
    due_on: date
    extended: bool
    state: RequestState
    reason: str
    received_by: str
    decided_by: str | None
    decided_at: datetime | None

    def is_late(self, today: date) -> bool:
        """Whether it should have been decided before today."""
        return self.state is RequestState.RECEIVED and self.due_on < today


class RequestNotFound(LayerError):
    """No request has this number, or it is of another kind."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"Không có yêu cầu số {number} thuộc loại này. Xem: diaban personal requests.",
            f"There is no request {number} of this kind. See: diaban personal requests.",
        )


class RequestDecided(LayerError):
    """The request was done or refused before."""

    def __init__(self, number: int, state: RequestState) -> None:
        super().__init__(
            f"Yêu cầu số {number} đã kết thúc ({state}). Nếu cần làm lại, hãy tiếp nhận yêu cầu mới.",
            f"Request {number} is decided already ({state}). Receive a new one to do it again.",
        )


class ExtendedAlready(LayerError):
    """The clock of a request may be extended once."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"Yêu cầu số {number} đã được gia hạn một lần; không gia hạn thêm.",
            f"Request {number} has been extended once already.",
        )


class ReasonNeeded(LayerError):
    """A refusal or an extension needs a reason that the person can be told."""

    def __init__(self) -> None:
        super().__init__("Cần nêu lý do từ 10 đến 500 ký tự.", "A reason of 10 to 500 characters is needed.")


def receive(
    connection: Connection, kind: RequestKind, mark: str, *, at: datetime, day: date, after: DayAfter, author: str
) -> PersonRequest:
    """Puts a request on record, or returns the one of this kind and person that waits already.

    Args:
        connection: Owner, in a transaction.
        kind: What is asked.
        mark: The person, as found.
        at: When it was received.
        day: The same as a day in Vietnam, which is not counted.
        after: The working calendar.
        author: Who receives it.

    Raises:
        PersonNotFound: There is no such person.
    """
    person = get_person(connection, mark).person
    waiting = connection.execute(_OPEN, {"kind": kind.value, "person": person}).scalar_one_or_none()
    if waiting is not None:
        return get_request(connection, waiting)
    days = {"answer_due_on": after(day, ANSWER_WORKED_DAYS), "due_on": day + timedelta(days=CLOCKS[kind].days)}
    given = {"kind": kind.value, "person": person, "received_at": at, "author": author}
    request = _request(connection.execute(_ADD, {**given, **days}).one())
    detail = {"kind": kind.value, "person": mark, "due_on": request.due_on.isoformat()}
    _record(connection, "personal_request_received", request, author, **detail)
    return request


def get_request(connection: Connection, number: int, kind: RequestKind | None = None) -> PersonRequest:
    """A request, locked until the transaction ends.

    Raises:
        RequestNotFound: There is none, or it is of another kind.
    """
    row = connection.execute(_GET, {"id": number}).one_or_none()
    if row is None or (kind is not None and row.kind != kind):
        raise RequestNotFound(number)
    return _request(row)


def list_requests(
    connection: Connection, *, waiting: bool = False, late_on: date | None = None, most: int = 200
) -> list[PersonRequest]:
    """Requests, those that wait first, the first due first.

    Args:
        connection: Owner.
        waiting: Only those that are not decided.
        late_on: Only those that are late on this day.
        most: So many at most.
    """
    rows = connection.execute(_LIST, {"open": waiting, "late": late_on, "most": most})
    return [_request(row) for row in rows]


def count_requests(connection: Connection, today: date) -> tuple[int, int]:
    """How many requests wait, and how many of them are late."""
    row = connection.execute(_COUNT, {"today": today}).one()
    return int(row.waiting), int(row.late)


def finish(connection: Connection, request: PersonRequest, *, at: datetime, author: str) -> None:
    """Marks a request as done, in the transaction of what it asked for.

    Raises:
        RequestDecided: It was decided before.
    """
    _decide(connection, request, RequestState.DONE, "", at, author)


def refuse(connection: Connection, number: int, reason: str, *, at: datetime, author: str) -> None:
    """Refuses a request; the reason is what the person is told.

    Raises:
        RequestNotFound: There is none.
        RequestDecided: It was decided before.
        ReasonNeeded: The reason is too short or too long.
    """
    _decide(connection, get_request(connection, number), RequestState.REFUSED, _reason(reason), at, author)


def extend(connection: Connection, number: int, reason: str, *, day: date, author: str) -> PersonRequest:
    """Gives a request the one extension that the law allows, counted from the day it was received.

    Args:
        connection: Owner, in a transaction.
        number: The request.
        reason: What the person is told.
        day: Day in Vietnam when it was received.
        author: Who extends it.

    Raises:
        RequestNotFound, RequestDecided, ReasonNeeded: As for :func:`refuse`.
        ExtendedAlready: It was extended before.
    """
    request = get_request(connection, number)
    _reason(reason)
    if request.state is not RequestState.RECEIVED:
        raise RequestDecided(number, request.state)
    if request.extended:
        raise ExtendedAlready(number)
    due_on = day + timedelta(days=CLOCKS[request.kind].extended)
    connection.execute(_EXTEND, {"id": number, "due_on": due_on})
    _record(connection, "personal_request_extended", request, author, due_on=due_on.isoformat())
    return get_request(connection, number)


def _decide(
    connection: Connection, request: PersonRequest, state: RequestState, reason: str, at: datetime, author: str
) -> None:
    if request.state is not RequestState.RECEIVED:
        raise RequestDecided(request.id, request.state)
    given = {"id": request.id, "state": state.value, "reason": reason, "author": author, "at": at}
    connection.execute(_DECIDE, given)
    _record(connection, f"personal_request_{state.value}", request, author, kind=request.kind.value)


def _reason(reason: str) -> str:
    plain = reason.strip()
    if not 10 <= len(plain) <= 500:
        raise ReasonNeeded
    return plain


def _record(connection: Connection, action: str, request: PersonRequest, author: str, **detail: str) -> None:
    record_event(connection, Event(author, action, "personal_request", str(request.id), detail=detail))


def _request(row: Row[tuple[object, ...]]) -> PersonRequest:
    values = dict(row._mapping)
    return PersonRequest(
        **{
            **values,
            "kind": RequestKind(values["kind"]),
            "state": RequestState(values["state"]),
            "person": bytes(values["person"]).hex(),
        }
    )
