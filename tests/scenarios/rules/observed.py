"""Histories of a few places, as values and as rows of the observation store."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from scenarios.rules.figures import VIETNAM, History, Known

INDICATOR, CAPACITY = "test-value", "test-capacity"
_PLACE = text(
    "INSERT INTO observing.places (kind, layer, key, unit_code, lon, lat) VALUES ('unit', '', :key, :key, 106, 21)"
    " RETURNING id"
)
_SERIES = text("INSERT INTO observing.series (indicator, place_id) VALUES (:indicator, :place) RETURNING id")
_VALUE = text(
    "INSERT INTO observing.observations (series_id, at, version, value, received_at, superseded_at, source)"
    " VALUES (:series, :at, :version, :value, :received_at, :superseded_at, 'test')"
)
_TARGET = text(
    "INSERT INTO observing.targets (series_id, period_start, version, value, received_at, superseded_at, source)"
    " VALUES (:series, :at, :version, :value, :received_at, :superseded_at, 'test')"
)
_MONTHS = text("SELECT observing.keep_months(CAST(:months AS date[]))")


def store_histories(connection: Connection, histories: Sequence[History]) -> None:
    """Writes histories of communes into the store."""
    moments = [known.at for history in histories for known in (*history.values, *history.capacities)]
    connection.execute(_MONTHS, {"months": sorted({at.astimezone(VIETNAM).date() for at in moments})})
    for history in histories:
        place = connection.execute(_PLACE, {"key": history.key}).scalar_one()
        series = _series(connection, INDICATOR, place)
        _write(connection, _VALUE, series, history.values)
        _write(connection, _TARGET, series, history.targets)
        if history.capacities:
            _write(connection, _VALUE, _series(connection, CAPACITY, place), history.capacities)


def _series(connection: Connection, indicator: str, place: int) -> int:
    return int(connection.execute(_SERIES, {"indicator": indicator, "place": place}).scalar_one())


def _write(connection: Connection, statement: object, series: int, values: Sequence[Known]) -> None:
    rows = [
        {
            "series": series,
            "at": known.at,
            "version": known.version,
            "value": known.value,
            "received_at": known.received_at,
            "superseded_at": known.superseded_at,
        }
        for known in values
    ]
    if rows:
        connection.execute(statement, rows)  # type: ignore[call-overload]
