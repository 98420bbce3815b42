"""Counts how many reports come from an address, across processes and restarts."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from scenarios.reports.errors import TooManyReports
from scenarios.reports.sealing import SealingKey

WINDOW: Final = timedelta(hours=1)
# A household has a whole network of this size in IPv6.
_IPV6_PREFIX: Final = 64
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('reports.attempts/' || encode(:mark, 'hex'), 0))")
_ADD: Final = text(
    "INSERT INTO reports.attempts (mark, at) SELECT :mark, :at WHERE :most >"
    " (SELECT count(*) FROM (SELECT FROM reports.attempts WHERE mark = :mark AND at > :since LIMIT :most) AS recent)"
    " RETURNING at"
)
_PRUNE: Final = text("DELETE FROM reports.attempts WHERE at < :before")


def count_attempt(connection: Connection, key: SealingKey, address: str, at: datetime, most: int) -> None:
    """Counts one attempt of an address to report something, in a transaction of its own.

    Raises:
        TooManyReports: There were as many as may within an hour; this one is not counted.
    """
    mark = key.mark(_network(address))
    connection.execute(_LOCK, {"mark": mark})
    values = {"mark": mark, "at": at, "since": at - WINDOW, "most": most}
    if connection.execute(_ADD, values).one_or_none() is None:
        raise TooManyReports(most)


def prune_attempts(connection: Connection, at: datetime) -> int:
    """Forgets addresses that are not counted any more; returns how many attempts."""
    return connection.execute(_PRUNE, {"before": at - WINDOW}).rowcount


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)
