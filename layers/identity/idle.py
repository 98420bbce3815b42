"""Accounts that nobody uses are closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from layers.administrators import LastAdministrator
from layers.identity.accounts import set_account_state

ACTOR: Final = "idle-accounts"
# Closed in steps, so that one transaction of the worker stays short.
_IDLE: Final = text(
    "SELECT username FROM access.accounts WHERE state = 'active' AND kind = 'person'"
    " AND greatest(last_used_at, active_since) < :before ORDER BY greatest(last_used_at, active_since), id LIMIT 200"
)


def close_idle_accounts(connection: Connection, idle: timedelta, at: datetime) -> int:
    """Closes people's accounts without use for so long, and says how many; the last administrator's stays open.

    Args:
        connection: The auth login, inside a transaction.
        idle: How long nobody may have used an account.
        at: The moment that it is counted up to.
    """
    closed = 0
    for username in connection.execute(_IDLE, {"before": at - idle}).scalars().all():
        try:
            set_account_state(connection, username, "disabled", author=ACTOR)
        except LastAdministrator:
            continue
        closed += 1
    return closed
