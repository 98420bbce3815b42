"""The OGC ``datetime`` parameter: RFC 3339 instants and closed intervals."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from spatial.errors import InvalidDatetime, shorten

Interval = tuple[datetime | None, datetime | None]

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt](?P<clock>[0-9]{2}:[0-9]{2}):(?P<second>[0-9]{2})"
    r"(?:\.(?P<fraction>[0-9]{1,20}))?(?:[Zz]|(?P<offset>[+-][0-9]{2}:[0-9]{2}))"
)
_OPEN: Final = ("", "..")
_MAX_TEXT: Final = 120


def parse_datetime_interval(text: str, *, parameter: str = "datetime") -> Interval:
    """Return the first and last instant of an OGC instant or interval, in UTC and both inclusive.

    OGC API - Features Part 1, 7.15.4: ``instant``, ``start/end``, ``../end``, ``start/..``; an empty end is open
    too and stands as None. A date without a time is the whole day in UTC.

    Raises:
        InvalidDatetime: bad syntax, an impossible date, both ends open, or an end before its start.
    """
    parts = text.strip().split("/") if len(text) <= _MAX_TEXT else []
    if len(parts) == 1 and parts[0] not in _OPEN:
        return _first(parts[0], text, parameter), _last(parts[0], text, parameter)
    if len(parts) != 2 or (parts[0] in _OPEN and parts[1] in _OPEN):
        raise _syntax(text, parameter)
    start = None if parts[0] in _OPEN else _first(parts[0], text, parameter)
    end = None if parts[1] in _OPEN else _last(parts[1], text, parameter)
    if start is not None and end is not None and start > end:
        raise InvalidDatetime(
            f"Khoảng thời gian '{shorten(text)}' kết thúc trước khi bắt đầu. Hãy đổi chỗ hai đầu.",
            f"Interval '{shorten(text)}' ends before it starts. Exchange its ends.",
            parameter=parameter,
        )
    return start, end


def parse_date(text: str) -> date | None:
    """Return the date of ``YYYY-MM-DD``, or None where the text is no such date."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_timestamp(text: str) -> datetime | None:
    """Return the RFC 3339 date-time in UTC, or None; digits beyond the microsecond are cut.

    The leap second ``:60`` is the next second.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    leap = match["second"] == "60"
    fraction = (match["fraction"] or "").ljust(6, "0")[:6]
    second = "59" if leap else match["second"]
    offset = match["offset"] or "+00:00"
    try:
        local = datetime.fromisoformat(f"{match['day']}T{match['clock']}:{second}.{fraction}{offset}")
        return (local + timedelta(seconds=leap)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day_start(day: date) -> datetime:
    """Return the first instant of a day in UTC."""
    return datetime.combine(day, time.min, tzinfo=UTC)


def day_end(day: date) -> datetime:
    """Return the last microsecond of a day in UTC."""
    return datetime.combine(day, time.max, tzinfo=UTC)


def _first(part: str, text: str, parameter: str) -> datetime:
    if day := parse_date(part):
        return day_start(day)
    if instant := parse_timestamp(part):
        return instant
    raise _syntax(text, parameter)


def _last(part: str, text: str, parameter: str) -> datetime:
    day = parse_date(part)
    return day_end(day) if day else _first(part, text, parameter)


def _syntax(text: str, parameter: str) -> InvalidDatetime:
    return InvalidDatetime(
        f"Thời gian '{shorten(text)}' không đúng. Hãy ghi như 2025-07-01T00:00:00Z, 2025-07-01T00:00:00Z/.. hoặc"
        " 2025-07-01T00:00:00Z/2025-07-31T23:59:59Z.",
        f"Time '{shorten(text)}' is not valid. Write it like 2025-07-01T00:00:00Z, 2025-07-01T00:00:00Z/.. or"
        " 2025-07-01T00:00:00Z/2025-07-31T23:59:59Z.",
        parameter=parameter,
    )
