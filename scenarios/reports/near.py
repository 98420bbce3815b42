"""Reports that are perhaps of the same thing: nearby, of the same kind, of the same days, in like words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Units
from scenarios.reports.report import Report, ReportState

RADIUS_M: Final = 100.0
SPAN: Final = timedelta(days=7)
MOST: Final = 10
_NEAR: Final = text(
    "SELECT number, state, received_at, ST_Distance(geography(geom), here, true) AS distance_m,"
    " similarity(catalogue.folded(content), catalogue.folded(:content)) AS likeness"
    " FROM reports.reports, geography(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) AS here"
    " WHERE geography(geom) && _ST_Expand(here, :radius) AND ST_DWithin(geography(geom), here, :radius, true)"
    " AND kind = :kind AND id <> :id AND received_at BETWEEN :since AND :until"
    " AND (CAST(:units AS text[]) IS NULL OR unit_code = ANY (CAST(:units AS text[])))"
    " ORDER BY likeness DESC, distance_m, id LIMIT :most"
)


@dataclass(frozen=True, slots=True)
class NearReport:
    """A report that may be of the same thing.

    Attributes:
        distance_m: Geodesic metres between the two points.
        likeness: Of the words, from 0 to 1 (shares of three letters in common, marks and case left out).
    """

    number: str
    state: ReportState
    received_at: datetime
    distance_m: float
    likeness: float


def find_near(
    connection: Connection, report: Report, units: Units, *, radius_m: float = RADIUS_M, span: timedelta = SPAN
) -> list[NearReport]:
    """Reports of the same kind within a radius and so many days before or after, those in the likest words first.

    A report without a point has none. At most :data:`MOST`.

    Args:
        connection: Owner or writer.
        report: Of which others are looked for.
        units: Communes whose reports the reader may see; None for all.
        radius_m: Geodesic metres.
        span: Before and after its receipt.
    """
    if report.lon is None or report.lat is None:
        return []
    values = {
        "lon": report.lon,
        "lat": report.lat,
        "radius": radius_m,
        "kind": report.kind,
        "id": report.id,
        "content": report.content,
        "since": report.received_at - span,
        "until": report.received_at + span,
        "units": None if units is None else sorted(units),
        "most": MOST,
    }
    rows = connection.execute(_NEAR, values).mappings()
    return [NearReport(**{**row, "state": ReportState(row["state"])}) for row in rows]
