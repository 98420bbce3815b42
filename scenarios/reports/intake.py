"""Taking a report in: its place, its number and secret code, its deadline, and who sent it under a seal."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from layers.audit import Event, record_event
from layers.notices import Audience, Message, add_notice
from layers.rights import Action, Area
from scenarios.reports.errors import BadReport, UnknownReportKind
from scenarios.reports.report import handling_step, report_kinds
from scenarios.reports.routing import ReportPlace, find_commune, proposed_office
from scenarios.reports.sealing import Reporter, SealingKey
from scenarios.tasks.due import step_due_at
from scenarios.work.calendar import WorkCalendar, local_day

# Crockford's base 32: no letter that reads like a digit.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NUMBER_LETTERS: Final = 8
_CODE_LETTERS: Final = 12
_NOBODY: Final = Reporter()
MAX_CONTENT: Final = 4000
MAX_PLACE_TEXT: Final = 300
MAX_NAME: Final = 100
MAX_PHONE: Final = 30
_PHONE: Final = frozenset("0123456789 +-.()")
# Characters that make a text look other than it is (Unicode UAX #9: embeddings, overrides, isolates).
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ADD: Final = text(
    "INSERT INTO reports.reports (number, code_hash, kind, content, place_text, geom, unit_code, channel, office,"
    " received_at, due_at) VALUES (:number, :code_hash, :kind, :content, :place_text,"
    " CASE WHEN CAST(:lon AS float8) IS NOT NULL THEN ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) END,"
    " :unit, :channel, :office, :at, :due) RETURNING id"
)
_SEAL: Final = text("INSERT INTO reports.reporters (report_id, nonce, sealed) VALUES (:id, :nonce, :sealed)")
_TELL: Final = text(
    "INSERT INTO reports.steps (report_id, number, actor, act, to_state, at)"
    " VALUES (:id, 1, :actor, 'receive', 'received', :at)"
)


@dataclass(frozen=True, slots=True, repr=False)
class NewReport:
    """What somebody reports; never printed, because texts of people may name people.

    Attributes:
        kind: Code of the list ``report-kind``.
        channel: How it came: ``web``, or the name of the program that hands it on.
    """

    kind: str
    content: str
    place: ReportPlace
    reporter: Reporter = _NOBODY
    channel: str = "web"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender keeps; the code is told once and kept by nobody else.

    Attributes:
        due_at: By when an answer is due, aware UTC.
    """

    id: int
    number: str
    code: str = field(repr=False)
    unit_code: str
    office: str
    due_at: datetime | None


def receive_report(
    connection: Connection,
    key: SealingKey,
    new: NewReport,
    at: datetime,
    calendar: WorkCalendar,
    *,
    actor: str,
    source: str | None = None,
) -> Receipt:
    """Takes a report in, inside the caller's transaction, and tells those who work on reports of the commune.

    Args:
        connection: Owner or writer.
        key: What the reporter is sealed with.
        new: The report.
        at: The moment of receipt, aware UTC.
        calendar: Which days are worked.
        actor: Who sends it, as an id; ``public`` for somebody without an account.
        source: Address and port, for the audit trail.

    Raises:
        BadReport: A text is missing, too long, or holds what no text may.
        UnknownReportKind: There is no such kind.
        PlaceMissing: Neither point nor commune is given.
        PlaceOutside: The place lies in no commune.
    """
    checked = _checked(new)
    unit = find_commune(connection, checked.place)
    number, code = _number(at), _letters(_CODE_LETTERS)
    step = handling_step()
    due = step_due_at(step.deadline, step.hours, step.before, at, calendar)
    values = {"number": number, "code_hash": code_hash(code), "unit": unit, "at": at, "due": due}
    values |= {"kind": new.kind, "content": checked.content, "place_text": checked.place.text}
    point = (checked.place.lon, checked.place.lat) if checked.place.has_point else (None, None)
    values |= {"lon": point[0], "lat": point[1], "channel": checked.channel, "office": proposed_office(new.kind)}
    report_id = int(connection.execute(_ADD, values).scalar_one())
    if checked.reporter:
        sealed = key.seal(checked.reporter, number)
        connection.execute(_SEAL, {"id": report_id, "nonce": sealed.nonce, "sealed": sealed.sealed})
    connection.execute(_TELL, {"id": report_id, "actor": actor, "at": at})
    add_notice(connection, Audience(Action.EDIT, Area.FIELD_REPORTS, unit), _message(number, new.kind))
    record_event(connection, Event(actor, "report_received", "report", number, unit_code=unit, source=source))
    return Receipt(report_id, number, code, unit, proposed_office(new.kind), due)


def code_hash(code: str) -> bytes:
    """What is kept of a code; it is long and drawn by lot, so that no slow hash is needed."""
    return hashlib.sha256(code.strip().upper().replace("-", "").replace(" ", "").encode()).digest()


def _number(at: datetime) -> str:
    return f"PA{local_day(at):%y%m%d}-{_letters(_NUMBER_LETTERS)}"


def _letters(count: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))


def _checked(new: NewReport) -> NewReport:
    if new.kind not in report_kinds().codes:
        raise UnknownReportKind(report_kinds().codes)
    content = cleaned(new.content, "text", MAX_CONTENT)
    if not content:
        raise BadReport("Chưa có nội dung phản ánh. Hãy viết vài lời.", "The report says nothing.", parameter="text")
    phone = cleaned(new.reporter.phone, "phone", MAX_PHONE)
    if not set(phone) <= _PHONE:
        raise BadReport(
            "Số điện thoại chỉ gồm chữ số, dấu cách và + - . ( ).",
            "A telephone number has digits, spaces and + - . ( ) only.",
            parameter="phone",
        )
    place = new.place
    typed = cleaned(place.text, "place_text", MAX_PLACE_TEXT)
    return NewReport(
        new.kind,
        content,
        ReportPlace(place.lon, place.lat, place.unit_code, typed),
        Reporter(cleaned(new.reporter.name, "name", MAX_NAME), phone),
        cleaned(new.channel, "channel", 60) or "web",
    )


def cleaned(given: str, parameter: str, most: int) -> str:
    """A text of somebody in NFC, without control characters and turned reading order; line breaks stay.

    Raises:
        BadReport: It is longer than it may be.
    """
    kept = unicodedata.normalize("NFC", given.replace("\r\n", "\n").encode("utf-8", "ignore").decode())
    plain = "".join(c for c in kept if c in "\n\t" or (unicodedata.category(c) != "Cc" and c not in _TURNING))
    if len(plain.strip()) > most:
        raise BadReport(
            f"“{parameter}” dài quá {most} ký tự. Hãy viết ngắn hơn.",
            f'"{parameter}" has more than {most} characters. Make it shorter.',
            parameter=parameter,
        )
    return plain.strip()


def _message(number: str, kind: str) -> Message:
    title = next(entry.label for entry in report_kinds().entries if entry.code == kind)
    return Message(
        "report_received",
        f"Phản ánh mới {number}: {title.vi}.",
        f"New field report {number}: {title.en}.",
        f"/desk/reports/{number}",
    )
