"""The league of communes for a month: how often they were late, what was wrong, how good their uploads were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from layers.freshness.periods import PROMISED, Span, ended_in, month_of
from layers.freshness.reading import RENEWALS, Promise

CRITERIA: Final = ("right", "complete", "clean", "live", "uniform", "shared")
# In each ended period a part either was renewed, or was late; a part is owed from the period after its first renewal.
_LATE: Final = text(f"""
WITH renewals AS ({RENEWALS}),
first AS (SELECT layer, unit_code, min(at) AS at FROM renewals GROUP BY layer, unit_code),
spans AS (
    SELECT * FROM unnest(CAST(:layers AS text[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS s (layer, start_at, end_at)
)
SELECT f.unit_code, count(*) AS owed, count(*) FILTER (WHERE NOT EXISTS (
    SELECT FROM renewals r WHERE r.layer = f.layer AND r.unit_code = f.unit_code
    AND r.at >= s.start_at AND r.at < s.end_at)) AS late
FROM first f JOIN spans s ON s.layer = f.layer AND f.at < s.start_at
GROUP BY f.unit_code
""")  # noqa: S608 - a constant
_UPLOADS: Final = text("""
SELECT unit_code, state, report -> 'totals' AS totals, report -> 'score' -> 'criteria' AS criteria,
    EXISTS (SELECT FROM uploads.steps s WHERE s.upload_id = u.id AND s.to_state = 'sent-back') AS was_sent_back
FROM uploads.uploads u
WHERE kind = 'file' AND length(unit_code) = 5 AND layer = ANY (CAST(:layers AS text[]))
AND created_at >= :start AND created_at < :end
AND created_at <= :at AND state NOT IN ('receiving', 'withdrawn')
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a commune stands in a month.

    Attributes:
        rank: 1 for the best; equal points share a rank; None where nothing is known.
        points: Mean of timeliness and quality, as far as they are known; 0 to 100.
        timeliness: Share of the periods that ended in the month in which the part was renewed, in per cent.
        quality: Mean of the criteria that are known, each the mean over the month's uploads.
        owed, late: Parts and periods that ended in the month, and those of them without any renewal.
        uploads, refused, sent_back: Files sent, those that could not be read, those sent back to be mended.
        rows, wrong_rows: Rows read, and those refused for an error.
        criteria: By name, as far as known.
    """

    unit_code: str
    name: str | None
    rank: int | None
    points: float | None
    timeliness: float | None
    quality: float | None
    owed: int
    late: int
    uploads: int
    refused: int
    sent_back: int
    rows: int
    wrong_rows: int
    criteria: Mapping[str, float]


def read_league(
    connection: Connection, promises: Iterable[Promise], month: date, at: datetime, names: Mapping[str, str]
) -> list[Standing]:
    """All communes of the league, best first; those that nothing is known of come last.

    Args:
        connection: Writer or owner.
        promises: The layers that count.
        month: Any day of it.
        at: The moment of looking; a period that has not ended yet is nobody's lateness.
        names: Of the communes in force, by code; each is listed.
    """
    listed = list(promises)
    span = month_of(month)
    owed = _owed(connection, listed, span, at)
    uploads = _uploads(connection, [promise.layer for promise in listed], span, at)
    codes = sorted({*names, *owed, *uploads})
    found = [_standing(code, names.get(code), *owed.get(code, (0, 0)), uploads.get(code, ())) for code in codes]
    return _ranked(found)


def _owed(connection: Connection, promises: Sequence[Promise], month: Span, at: datetime) -> dict[str, tuple[int, int]]:
    spans = [
        (promise.layer, span)
        for promise in promises
        if promise.frequency in PROMISED
        for span in ended_in(promise.frequency, month, at)
    ]
    values = {
        "layers": [layer for layer, _ in spans],
        "starts": [span.start for _, span in spans],
        "ends": [span.end for _, span in spans],
    }
    return {row.unit_code: (row.owed, row.late) for row in connection.execute(_LATE, values)}


def _uploads(connection: Connection, layers: Sequence[str], month: Span, at: datetime) -> dict[str, list[Any]]:
    values = {"layers": list(layers), "start": month.start, "end": month.end, "at": at}
    found: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(_UPLOADS, values):
        found[row.unit_code].append(row)
    return found


def _standing(code: str, name: str | None, owed: int, late: int, uploads: Sequence[Any]) -> Standing:
    totals = [row.totals or {} for row in uploads]
    criteria = _criteria(row.criteria or () for row in uploads)
    timeliness = round(100 * (owed - late) / owed, 1) if owed else None
    quality = _mean(criteria.values())
    return Standing(
        unit_code=code,
        name=name,
        rank=None,
        points=_mean(value for value in (timeliness, quality) if value is not None),
        timeliness=timeliness,
        quality=quality,
        owed=owed,
        late=late,
        uploads=len(uploads),
        refused=sum(row.state == "refused" for row in uploads),
        sent_back=sum(row.was_sent_back for row in uploads),
        rows=sum(int(one.get("read", 0)) for one in totals),
        wrong_rows=sum(int(one.get("refused", 0)) for one in totals),
        criteria=criteria,
    )


def _criteria(uploads: Iterable[Iterable[Mapping[str, Any]]]) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for upload in uploads:
        for criterion in upload:
            if criterion["value"] is not None:
                values[criterion["name"]].append(float(criterion["value"]))
    means = {name: _mean(values[name]) for name in CRITERIA if values[name]}
    return {name: mean for name, mean in means.items() if mean is not None}


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return round(sum(listed) / len(listed), 1) if listed else None


def _ranked(found: Sequence[Standing]) -> list[Standing]:
    points = [one.points for one in found if one.points is not None]

    def rank(one: Standing) -> int | None:
        return None if one.points is None else 1 + sum(other > one.points for other in points)

    ranked = [replace(one, rank=rank(one)) for one in found]
    return sorted(ranked, key=lambda one: (one.rank is None, one.rank or 0, one.unit_code))
