"""From what waits for a channel to one message: not more often than it bears, and quietly in its quiet hours."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from scenarios.notifying.channel import LEVELS
from scenarios.work.calendar import VIETNAM_TIME

MOST_PARTS: Final = 1000
MOST_CHANNELS: Final = 200
_IS_QUIET: Final = (
    "coalesce(CASE WHEN c.quiet_from <= c.quiet_until THEN :clock >= c.quiet_from AND :clock < c.quiet_until"
    " ELSE :clock >= c.quiet_from OR :clock < c.quiet_until END, false)"
)
# While a message is being tried nothing new goes to its channel: a failing one gets a digest when it is back.
_READY: Final = text(
    f"SELECT c.id, {_IS_QUIET} AS is_quiet FROM notifying.channels c"  # noqa: S608 - constants
    " WHERE c.removed_at IS NULL AND c.next_at <= :at"
    " AND EXISTS (SELECT FROM notifying.parts p WHERE p.channel_id = c.id AND p.delivery_id IS NULL"
    f" AND (p.level = :highest OR NOT {_IS_QUIET}))"
    " AND NOT EXISTS (SELECT FROM notifying.deliveries d WHERE d.channel_id = c.id AND d.state = 'due')"
    " ORDER BY c.next_at, c.id LIMIT :most FOR UPDATE SKIP LOCKED"
)
_BUNDLE: Final = text("""
WITH chosen AS (
    SELECT outbox_id FROM notifying.parts
    WHERE channel_id = :channel AND delivery_id IS NULL AND (NOT :is_quiet OR level = :highest)
    ORDER BY outbox_id LIMIT :most FOR UPDATE
), made AS (
    INSERT INTO notifying.deliveries (channel_id, due_at)
    SELECT :channel, :at WHERE EXISTS (SELECT FROM chosen) RETURNING id
), put AS (
    UPDATE notifying.parts SET delivery_id = made.id FROM made, chosen
    WHERE parts.channel_id = :channel AND parts.outbox_id = chosen.outbox_id
)
UPDATE notifying.channels SET next_at = CAST(:at AS timestamptz) + gap FROM made WHERE channels.id = :channel
""")


def bundle_parts(connection: Connection, at: datetime) -> int:
    """Makes one message for every channel that has something waiting and may be written to; returns how many.

    Args:
        connection: Owner or writer, in a transaction.
        at: Now, aware UTC.
    """
    clock = at.astimezone(VIETNAM_TIME).time()
    values = {"at": at, "clock": clock, "highest": LEVELS[-1].value, "most": MOST_CHANNELS}
    ready = connection.execute(_READY, values).all()
    for row in ready:
        chosen = {"channel": row.id, "is_quiet": row.is_quiet, "most": MOST_PARTS}
        connection.execute(_BUNDLE, {**values, **chosen})
    return len(ready)
