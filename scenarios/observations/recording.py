"""Taking observations and targets in: the good rows at once, the others told by row; twice is once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from importlib.resources import files
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.audit import Event, record_event
from layers.rights import Action, Area, NotAllowed
from scenarios.indicators.catalogue import built_in_indicators
from scenarios.observations.checking import Checked, KnownPlace, Terms, check_row
from scenarios.observations.errors import TooManyObservations
from scenarios.observations.observation import Kept, Observation, Recorded, Refused
from scenarios.outcomes import PlaceKind
from scenarios.work.calendar import VIETNAM_TIME

MOST_AT_ONCE: Final = 100_000
_TEXT: Final = files(__package__).joinpath("recording.sql").read_text(encoding="utf-8")
_RECORD: Final = {
    Kept.OBSERVATION: text(_TEXT.replace("{table}", "observing.observations").replace("{moment}", "at")),
    Kept.TARGET: text(_TEXT.replace("{table}", "observing.targets").replace("{moment}", "period_start")),
}
# Two recordings at once would both find a value missing. One waits for the other; readers wait for nobody.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('observing.recording', 0))")
_NOW: Final = text("SELECT clock_timestamp()")
_MONTHS: Final = text("SELECT observing.keep_months(CAST(:months AS date[]))")
# Whoever evaluates looks here for what has changed.
_CHANGED: Final = text("INSERT INTO judging.changes (kind, name) VALUES ('indicator', :name)")
_UNITS: Final = text(
    "SELECT code FROM features.communes WHERE code = ANY (:keys)"
    " UNION SELECT code FROM features.provinces WHERE code = ANY (:keys)"
)
_PLACES: Final = text(
    "SELECT kind, layer, key, unit_code FROM observing.places WHERE kind <> 'unit' AND key = ANY (:keys)"
)


def record_observations(
    connection: Connection,
    scope: Scope,
    rows: Sequence[Observation],
    received_at: datetime | None = None,
    *,
    source: str,
    kept: Kept = Kept.OBSERVATION,
    address: str | None = None,
) -> Recorded:
    """Keeps values in the caller's transaction; what is wrong with a row keeps that row out and no other.

    A value stands at the first moment of its period. One that is known already changes nothing, another one becomes a
    further version. Of several rows for one place and period the last counts. A clock that was set back does not make
    a correction older than what it corrects.

    Args:
        connection: The writer's, in a transaction.
        scope: Whoever sends; must hold EDIT on ``@indicators`` in the unit of each place.
        rows: At most :data:`MOST_AT_ONCE`.
        received_at: When they came, aware UTC; None for the moment from which evaluations may see them.
        source: Where they come from, kept with each value (``api``, a file's name, a topic).
        kept: Values that were observed, or those planned.
        address: Address and port of the sender, for the audit trail.

    Raises:
        NotAllowed: The sender may send values of no unit at all.
        TooManyObservations: More rows than one call takes.
    """
    if not scope.may_somewhere(Action.EDIT, Area.INDICATORS):
        raise NotAllowed(Action.EDIT, Area.INDICATORS)
    if len(rows) > MOST_AT_ONCE:
        raise TooManyObservations(MOST_AT_ONCE)
    connection.execute(_LOCK)
    # Taken before the lock, it could be earlier than an evaluation that did not see these values.
    moment: datetime = received_at or connection.execute(_NOW).scalar_one()
    terms = Terms(scope, moment, kept, _known_places(connection, rows))
    judged = [check_row(number, row, terms) for number, row in enumerate(rows, 1)]
    good = _last_of_each(row for row in judged if isinstance(row, Checked))
    refused = tuple(row for row in judged if isinstance(row, Refused))
    if not good:
        return Recorded(refused=refused)
    if kept is Kept.OBSERVATION:
        connection.execute(_MONTHS, {"months": _months(good)})
    document = json.dumps([_document(row) for row in good], ensure_ascii=False)
    values = {"rows": document, "received_at": moment, "source": source[:200]}
    done = connection.execute(_RECORD[kept], values).one()
    recorded = Recorded(done.added, done.corrected, done.same, refused, frozenset(done.indicators or ()))
    if recorded.added or recorded.corrected:
        connection.execute(_CHANGED, [{"name": code} for code in sorted(recorded.indicators)])
        detail = {"added": recorded.added, "corrected": recorded.corrected, "refused": len(refused)}
        event = Event(scope.subject, f"{kept}s_recorded", "indicators", source[:100], source=address, detail=detail)
        record_event(connection, event)
    return recorded


def _known_places(
    connection: Connection, rows: Sequence[Observation]
) -> Mapping[tuple[PlaceKind, str, str], KnownPlace]:
    indicators = built_in_indicators()
    keys: dict[bool, set[str]] = {True: set(), False: set()}
    for row in rows:
        indicator = indicators.get(row.indicator)
        if indicator is not None and "\x00" not in row.place:
            keys[indicator.place is PlaceKind.UNIT].add(row.place)
    known = {
        (PlaceKind.UNIT, "", code): KnownPlace(code)
        for code in connection.execute(_UNITS, {"keys": sorted(keys[True])}).scalars()
    }
    for place in connection.execute(_PLACES, {"keys": sorted(keys[False])}):
        known[PlaceKind(place.kind), place.layer, place.key] = KnownPlace(place.unit_code)
    return known


def _last_of_each(rows: Iterable[Checked]) -> list[Checked]:
    found = {(row.indicator.code, row.observation.place, row.at): row for row in rows}
    return list(found.values())


def _months(rows: Iterable[Checked]) -> list[date]:
    return sorted({row.at.astimezone(VIETNAM_TIME).date().replace(day=1) for row in rows})


def _document(row: Checked) -> dict[str, object]:
    return {
        "indicator": row.indicator.code,
        "kind": row.indicator.place.value,
        "layer": row.indicator.layer or "",
        "key": row.observation.place,
        "unit_code": row.unit_code,
        "lon": row.observation.lon,
        "lat": row.observation.lat,
        "at": row.at.isoformat(),
        "value": row.observation.value,
    }
