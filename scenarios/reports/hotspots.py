"""Where reports crowd: clusters of one kind by geodesic closeness, and counts by commune, against the time before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action, Area, NotAllowed

MOST: Final = 200
# Clusters are found in metres of the UTM zone of the reports' middle (EPSG:326xx): within a province its scale is off
# by less than a thousandth. Reports that were declined were of nothing; those joined to others are part of the crowd.
_COUNTED: Final = (
    "geom IS NOT NULL AND ending IS DISTINCT FROM 'declined'"
    " AND (CAST(:units AS text[]) IS NULL OR unit_code = ANY (CAST(:units AS text[])))"
    " AND (CAST(:kind AS text) IS NULL OR kind = :kind)"
    " AND (CAST(:unit AS text) IS NULL OR unit_code = :unit)"
)
_SPOTS: Final = text(f"""
WITH chosen AS (
    SELECT id, kind, unit_code, geom FROM reports.reports
    WHERE received_at >= :since AND received_at < :until AND {_COUNTED}
), zone AS (
    SELECT 32601 + CAST(floor((avg(ST_X(geom)) + 180) / 6) AS integer) AS srid FROM chosen
), labelled AS (
    SELECT chosen.*, ST_ClusterDBSCAN(ST_Transform(geom, zone.srid), :radius, :least)
        OVER (PARTITION BY kind) AS cluster
    FROM chosen, zone
), spots AS (
    SELECT kind, count(*) AS count, mode() WITHIN GROUP (ORDER BY unit_code) AS unit_code,
        ST_Centroid(ST_Collect(geom)) AS centre, ST_Collect(geom) AS points
    FROM labelled WHERE cluster IS NOT NULL GROUP BY kind, cluster
    ORDER BY count(*) DESC, kind, min(id) LIMIT {MOST}
), sized AS (
    SELECT spots.*, (SELECT max(ST_Distance(geography(centre), geography(point.geom), true))
        FROM ST_Dump(points) AS point) AS spread_m
    FROM spots
)
SELECT kind, unit_code, count, ST_X(centre) AS lon, ST_Y(centre) AS lat, spread_m,
    (SELECT count(*) FROM reports.reports AS earlier
        WHERE earlier.kind = sized.kind AND earlier.received_at >= :before AND earlier.received_at < :since
            AND {_COUNTED}
            AND geography(earlier.geom) && _ST_Expand(geography(centre), spread_m + :radius)
            AND ST_DWithin(geography(earlier.geom), geography(centre), spread_m + :radius, true)) AS before
FROM sized ORDER BY count DESC, kind, lon, lat
""")  # noqa: S608 - constants; every value is bound
_COUNTS: Final = text(
    "SELECT unit_code, kind, count(*) FILTER (WHERE received_at >= :since) AS count,"
    " count(*) FILTER (WHERE received_at < :since) AS before,"
    " count(*) FILTER (WHERE received_at >= :since AND due_at <= coalesce(answered_at, closed_at, :until)) AS late"
    " FROM reports.reports WHERE received_at >= :before AND received_at < :until"
    " AND ending IS DISTINCT FROM 'declined'"
    " AND (CAST(:units AS text[]) IS NULL OR unit_code = ANY (CAST(:units AS text[])))"
    " AND (CAST(:kind AS text) IS NULL OR kind = :kind) AND (CAST(:unit AS text) IS NULL OR unit_code = :unit)"
    " GROUP BY unit_code, kind ORDER BY unit_code, kind"
)


@dataclass(frozen=True, slots=True)
class HotSpot:
    """A crowd of reports of one kind.

    Attributes:
        lon: WGS 84 degrees of the middle, with ``lat``.
        spread_m: Geodesic metres from the middle to the farthest report.
        count: Reports in the time asked for.
        before: Reports of the kind in the time of the same length before, no farther than the spread and the radius.
    """

    kind: str
    unit_code: str
    lon: float
    lat: float
    spread_m: float
    count: int
    before: int


@dataclass(frozen=True, slots=True)
class KindCount:
    """Reports of one kind in one commune, in the time asked for, of these late, and in the time before."""

    unit_code: str
    kind: str
    count: int
    late: int
    before: int


@dataclass(frozen=True, slots=True)
class SpotQuestion:
    """What is asked.

    Attributes:
        since: Beginning of the time, aware UTC; the time before has the same length.
        until: Its end, exclusive.
        radius_m: How close reports of a crowd are to each other, in metres.
        least: How many reports a crowd has at least, around one of them.
    """

    since: datetime
    until: datetime
    radius_m: float
    least: int
    kind: str | None = None
    unit_code: str | None = None


def find_hot_spots(connection: Connection, scope: Scope, question: SpotQuestion) -> list[HotSpot]:
    """Crowds of reports in the communes that the reader may see, the largest first, at most :data:`MOST`.

    Raises:
        NotAllowed: The reader may read field reports in no unit at all.
    """
    return [HotSpot(**row) for row in connection.execute(_SPOTS, _values(scope, question)).mappings()]


def count_by_kind(connection: Connection, scope: Scope, question: SpotQuestion) -> list[KindCount]:
    """Reports by commune and kind, those without a point included.

    Raises:
        NotAllowed: The reader may read field reports in no unit at all.
    """
    return [KindCount(**row) for row in connection.execute(_COUNTS, _values(scope, question)).mappings()]


def _values(scope: Scope, question: SpotQuestion) -> dict[str, Any]:
    if not scope.may_somewhere(Action.READ, Area.FIELD_REPORTS):
        raise NotAllowed(Action.READ, Area.FIELD_REPORTS)
    units = scope.units_of(Action.READ, Area.FIELD_REPORTS)
    return {
        "since": question.since,
        "until": question.until,
        "before": question.since - (question.until - question.since),
        "radius": question.radius_m,
        "least": question.least,
        "kind": question.kind,
        "unit": question.unit_code,
        "units": None if units is None else sorted(units),
    }
