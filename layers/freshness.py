"""How timely each commune keeps each layer: promised period, last publication or confirmation, lateness by month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.definition import Frequency, Sensitivity
from layers.notices import Audience, Message, add_notice
from layers.rights import Action

VIETNAM: Final = ZoneInfo("Asia/Ho_Chi_Minh")
NO_UNIT: Final = "00000"
TIMELY_WEIGHT: Final = 0.7
FORMULA_VI: Final = "điểm = 70 % × số kỳ đúng hạn ÷ số kỳ đã hứa + 30 % × số dòng đạt ÷ số dòng đã gửi"
FORMULA_EN: Final = "score = 70 % × periods kept ÷ periods promised + 30 % × good rows ÷ rows sent"

_TOUCHES: Final = """
SELECT l.slug, l.sensitivity, l.definition->>'frequency' AS frequency, l.definition->'title'->>'vi' AS title_vi,
       c.unit_code, u.name AS unit_name, t.touched_at
FROM catalogue.layers l
JOIN (SELECT slug, unit_code FROM catalogue.unit_changes UNION SELECT layer, unit_code FROM uploads.confirmations) c
    ON c.slug = l.slug
JOIN features.communes u ON u.code = c.unit_code
JOIN (SELECT slug, unit_code, changed_at AS touched_at FROM catalogue.unit_changes
      UNION ALL SELECT layer, unit_code, at FROM uploads.confirmations) t
    ON t.slug = l.slug AND t.unit_code = c.unit_code
WHERE l.definition->>'frequency' = ANY(:frequencies) AND (CAST(:layer AS text) IS NULL OR l.slug = :layer)
ORDER BY l.slug, c.unit_code, t.touched_at
"""
_ROWS: Final = """
SELECT unit_code, sum((report->'totals'->>'read')::bigint) AS read,
       sum((report->'totals'->>'refused')::bigint) AS refused,
       count(*) FILTER (WHERE state IN ('refused', 'sent-back')) AS returned
FROM uploads.uploads WHERE created_at >= :start AND created_at < :stop AND unit_code IS NOT NULL
  AND report->'totals' IS NOT NULL GROUP BY unit_code
"""


class Timeliness(StrEnum):
    """How a commune stands with a layer."""

    FRESH = "fresh"
    DUE = "due"
    OVERDUE = "overdue"


TITLES: Final = {
    Timeliness.FRESH: ("Đúng hạn", "Fresh"),
    Timeliness.DUE: ("Đến hạn", "Due"),
    Timeliness.OVERDUE: ("Quá hạn", "Overdue"),
}
PERIODIC: Final = (
    Frequency.DAILY,
    Frequency.WEEKLY,
    Frequency.MONTHLY,
    Frequency.QUARTERLY,
    Frequency.YEARLY,
    Frequency.FIVE_YEARLY,
)
"""Frequencies that promise a calendar period; the others promise none that could be missed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A commune's part of one layer.

    Attributes:
        touched_at: Every publication that changed it and every confirmation, oldest first.
    """

    layer: str
    title_vi: str
    frequency: Frequency
    unit_code: str
    unit_name: str
    touched_at: tuple[datetime, ...]

    def timeliness(self, now: datetime) -> Timeliness:
        """Fresh if touched in the period of ``now``, due if only in the one before, else overdue."""
        start = period_start(self.frequency, now)
        newest = self.touched_at[-1]
        if newest >= start:
            return Timeliness.FRESH
        before = period_start(self.frequency, start - timedelta(seconds=1))
        return Timeliness.DUE if newest >= before else Timeliness.OVERDUE

    def due_at(self, now: datetime) -> datetime:
        """End of the period of ``now``, by which it is to be touched."""
        return next_start(self.frequency, now)


def period_start(frequency: Frequency, moment: datetime) -> datetime:
    """Begin of the calendar period, by the clock of Viet Nam, that holds a moment."""
    day = moment.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
    if frequency is Frequency.DAILY:
        return day
    if frequency is Frequency.WEEKLY:
        return day - timedelta(days=day.weekday())
    if frequency is Frequency.MONTHLY:
        return day.replace(day=1)
    if frequency is Frequency.QUARTERLY:
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    year = day.year if frequency is Frequency.YEARLY else (day.year - 1) // 5 * 5 + 1
    return day.replace(year=year, month=1, day=1)


def next_start(frequency: Frequency, moment: datetime) -> datetime:
    """Begin of the period after the one that holds a moment."""
    days = {Frequency.DAILY: 1, Frequency.WEEKLY: 7, Frequency.MONTHLY: 31, Frequency.QUARTERLY: 92}
    step = days.get(frequency, 366 if frequency is Frequency.YEARLY else 1827)
    return period_start(frequency, period_start(frequency, moment) + timedelta(days=step, hours=12))


def list_standings(connection: Connection, scope: Scope, *, layer: str | None = None) -> list[Standing]:
    """Every layer with a promised period × commune that holds or has held features of it, as the reader may see.

    Args:
        connection: Owner or writer.
        scope: The reader; layers and units beyond it are left out.
        layer: Only this layer.
    """
    given = {"frequencies": [frequency.value for frequency in PERIODIC], "layer": layer}
    found: dict[tuple[str, str], tuple[Standing, list[datetime]]] = {}
    for row in connection.execute(text(_TOUCHES), given).mappings():
        readable = scope.reach(row["slug"], Sensitivity(row["sensitivity"])).read
        if readable is not None and row["unit_code"] not in readable:
            continue
        key = (row["slug"], row["unit_code"])
        if key not in found:
            frequency = Frequency(row["frequency"])
            standing = Standing(row["slug"], row["title_vi"], frequency, row["unit_code"], row["unit_name"], ())
            found[key] = (standing, [])
        found[key][1].append(row["touched_at"])
    return [
        Standing(one.layer, one.title_vi, one.frequency, one.unit_code, one.unit_name, tuple(touched))
        for one, touched in found.values()
    ]


@dataclass(frozen=True, slots=True)
class MonthScore:
    """What a commune did in one month.

    Attributes:
        promised: Periods that ended in the month after the first publication of their layer.
        late: Those in which nothing came.
        rows_read: Rows sent in files.
        rows_refused: Rows with errors among them.
        returned: Uploads refused or sent back.
        score: 0 to 100 (:data:`FORMULA_EN`); None where nothing was promised and nothing sent.
    """

    unit_code: str
    unit_name: str
    promised: int
    late: int
    rows_read: int
    rows_refused: int
    returned: int
    score: float | None


def score_month(connection: Connection, scope: Scope, month: datetime, *, now: datetime) -> list[MonthScore]:
    """The league table of a month: best first, then by code."""
    start = period_start(Frequency.MONTHLY, month)
    stop = min(next_start(Frequency.MONTHLY, start), now)
    promised: dict[str, list[int]] = {}
    names: dict[str, str] = {}
    for standing in list_standings(connection, scope):
        names[standing.unit_code] = standing.unit_name
        kept, late = _periods(standing, start, stop)
        count = promised.setdefault(standing.unit_code, [0, 0])
        count[0] += kept + late
        count[1] += late
    sent = {row.unit_code: row for row in connection.execute(text(_ROWS), {"start": start, "stop": stop})}
    scores = []
    for unit in sorted(names):
        total, late = promised[unit]
        row = sent.get(unit)
        read, refused, returned = (int(row.read or 0), int(row.refused or 0), row.returned) if row else (0, 0, 0)
        score = _score(total, late, read, refused)
        scores.append(MonthScore(unit, names[unit], total, late, read, refused, returned, score))
    return sorted(scores, key=lambda one: (-(one.score if one.score is not None else -1), one.unit_code))


def _periods(standing: Standing, start: datetime, stop: datetime) -> tuple[int, int]:
    """Periods kept and missed among those that end in ``(start, stop]``, from the first touch on."""
    kept = late = 0
    end = period_start(standing.frequency, stop)
    while end > start:
        begin = period_start(standing.frequency, end - timedelta(seconds=1))
        if end <= standing.touched_at[0]:
            break
        if any(begin <= moment < end for moment in standing.touched_at):
            kept += 1
        else:
            late += 1
        end = begin
    return kept, late


def _score(promised: int, late: int, read: int, refused: int) -> float | None:
    timely = (promised - late) / promised if promised else None
    right = (read - refused) / read if read else None
    if timely is None:
        return None if right is None else round(100 * right, 1)
    if right is None:
        return round(100 * timely, 1)
    return round(100 * (TIMELY_WEIGHT * timely + (1 - TIMELY_WEIGHT) * right), 1)


def confirm_unchanged(connection: Connection, scope: Scope, layer: str, unit_code: str, note: str) -> None:
    """Keeps that a unit has looked, and its part of the layer stands as it is; the caller checks the right."""
    connection.execute(
        text(
            "INSERT INTO uploads.confirmations (layer, unit_code, subject, note)"
            " VALUES (:layer, :unit, :subject, :note)"
        ),
        {"layer": layer, "unit": unit_code, "subject": scope.subject, "note": note},
    )


def remind(connection: Connection, standings: Iterable[Standing], now: datetime) -> int:
    """Gives each unit one notice for each layer and period that is due or overdue; returns how many are new."""
    given = 0
    for standing in standings:
        state = standing.timeliness(now)
        if state is Timeliness.FRESH:
            continue
        new = connection.execute(
            text(
                "INSERT INTO uploads.reminders (layer, subject_id, period_start, state)"
                " VALUES (:layer, :unit, :start, :state) ON CONFLICT DO NOTHING RETURNING 1"
            ),
            {
                "layer": standing.layer,
                "unit": standing.unit_code,
                "start": period_start(standing.frequency, now),
                "state": state.value,
            },
        )
        if new.first() is None:
            continue
        vi, en = TITLES[state]
        day = standing.due_at(now).strftime("%d/%m/%Y")
        message = Message(
            f"data_{state.value}",
            f"{vi}: lớp “{standing.title_vi}” của {standing.unit_name}; cập nhật hoặc xác nhận trước ngày {day}.",
            f"{en}: layer {standing.layer} of unit {standing.unit_code}; update or confirm before {day}.",
            f"/api/freshness?layer={standing.layer}&unit={standing.unit_code}",
        )
        add_notice(connection, Audience(Action.EDIT, standing.layer, standing.unit_code), message)
        given += 1
    return given


def remind_now(connection: Connection) -> int:
    """Gives the reminders of this moment, for every layer."""
    everything = Scope.local_admin()
    return remind(connection, list_standings(connection, everything), datetime.now(UTC))
