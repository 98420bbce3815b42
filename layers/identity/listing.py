"""People with what they hold, for those who look after accounts and review them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from layers.access import Units

MOST: Final = 1000
_FROM: Final = """
SELECT a.id, a.username, a.display_name, a.unit_code, a.kind, a.state, a.must_change_password, a.created_at,
    a.last_used_at, a.active_since,
    EXISTS (SELECT FROM access.totp_devices d
            WHERE d.account = a.id AND d.confirmed_at IS NOT NULL) AS has_second_factor,
    (SELECT count(*) FROM access.tokens t
     WHERE t.account = a.id AND t.revoked_at IS NULL AND now() < t.expires_at) AS token_count,
    coalesce((SELECT jsonb_agg(jsonb_build_object('id', g.id, 'role', g.role, 'right', g.own_right, 'units', g.units,
                                                  'starts_on', g.starts_on, 'ends_on', g.ends_on)
                               ORDER BY g.given_at, g.id)
              FROM access.grants g
              WHERE g.holder_kind = 'account' AND g.holder = a.id AND g.taken_at IS NULL
                AND (g.ends_on IS NULL OR (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date < g.ends_on)), '[]') AS grants
FROM access.accounts a
WHERE (CAST(:units AS text[]) IS NULL OR a.unit_code = ANY (:units))
    AND (CAST(:state AS text) IS NULL OR a.state = :state)
"""
_LIST: Final = text(_FROM + " AND a.username > :after ORDER BY a.username LIMIT :limit")
_REVIEW: Final = text(_FROM + " ORDER BY greatest(a.last_used_at, a.active_since), a.id LIMIT :limit")
_ONE: Final = text(_FROM + " AND a.id = :id")


class Remark(StrEnum):
    """Why a reviewer should look twice at an account."""

    NEVER_USED = "never_used"
    IDLE = "idle"
    NO_SECOND_FACTOR = "no_second_factor"
    NO_GRANTS = "no_grants"
    ENDLESS_GRANT = "endless_grant"


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """An account with what it holds now or from a later day on.

    Attributes:
        active_since: When it was made or last opened again.
        token_count: Tokens in force.
        grants: Each with its id, role or right, communes and days.
    """

    id: UUID
    username: str
    display_name: str
    unit_code: str | None
    kind: str
    state: str
    must_change_password: bool
    created_at: datetime
    last_used_at: datetime | None
    active_since: datetime
    has_second_factor: bool
    token_count: int
    grants: Sequence[dict[str, Any]]

    def idle_days(self, at: datetime) -> int:
        """Whole days without use, counted from the last opening where that is later."""
        return max(0, (at - max(self.last_used_at or self.active_since, self.active_since)).days)

    def remarks(self, at: datetime, idle_after_days: int) -> list[Remark]:
        """What a reviewer should look at; with 0 days nobody counts as idle."""
        found = {
            Remark.NEVER_USED: self.last_used_at is None,
            Remark.IDLE: 0 < idle_after_days <= self.idle_days(at),
            Remark.NO_SECOND_FACTOR: self.kind == "person" and not self.has_second_factor,
            Remark.NO_GRANTS: not self.grants,
            Remark.ENDLESS_GRANT: any(grant["ends_on"] is None for grant in self.grants),
        }
        return [remark for remark, holds in found.items() if holds]


def list_people(
    connection: Connection, units: Units, *, state: str | None = None, after: str = "", limit: int = MOST
) -> list[ListedPerson]:
    """Accounts of these communes and provinces by user name; None is all, those of no commune included.

    Args:
        connection: The auth login.
        units: Where the reader may look.
        state: ``active`` or ``disabled`` alone.
        after: The last user name of the page before.
        limit: At most so many.
    """
    return _read(connection, _LIST, units, state=state, after=after, limit=limit)


def review_people(connection: Connection, units: Units, *, limit: int = MOST) -> list[ListedPerson]:
    """Open accounts, those longest without use first."""
    return _read(connection, _REVIEW, units, state="active", limit=limit)


def find_person(connection: Connection, units: Units, account: UUID) -> ListedPerson | None:
    """One account, where it is of these communes."""
    found = _read(connection, _ONE, units, state=None, id=account)
    return found[0] if found else None


def _read(connection: Connection, statement: Any, units: Units, **values: object) -> list[ListedPerson]:
    bound = {"units": None if units is None else sorted(units), **values}
    return [ListedPerson(**row) for row in connection.execute(statement, bound).mappings()]
