"""From what happened to who is told: one row for each channel that wants to hear of it and may."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from scenarios.notifying.channel import COLUMNS as CHANNEL_COLUMNS
from scenarios.notifying.channel import Channel, channel_from
from scenarios.notifying.news import COLUMNS, News, news_from
from scenarios.notifying.recipients import Recipients

MOST_AT_ONCE: Final = 500
_WAITING: Final = text(
    f"SELECT {COLUMNS} FROM notifying.outbox o WHERE o.spread_at IS NULL"  # noqa: S608 - constants
    " ORDER BY o.id LIMIT :most FOR UPDATE SKIP LOCKED"
)
_CHANNELS: Final = text(
    f"SELECT {CHANNEL_COLUMNS} FROM notifying.channels WHERE removed_at IS NULL"  # noqa: S608 - a constant's names
    # Of two channels with one address the one without quiet hours is told.
    " ORDER BY quiet_from NULLS FIRST, created_at, id"
)
_ADD: Final = text(
    "INSERT INTO notifying.parts (outbox_id, channel_id, kind, address, level)"
    " SELECT * FROM unnest(CAST(:news AS bigint[]), CAST(:channel AS uuid[]), CAST(:kind AS text[]),"
    " CAST(:address AS text[]), CAST(:level AS text[])) ON CONFLICT DO NOTHING"
)
_DONE: Final = text("UPDATE notifying.outbox SET spread_at = :at WHERE id = ANY (:ids)")


def spread_news(connection: Connection, at: datetime) -> int:
    """Gives what has happened to the channels that want it and may be told; returns how many things were given out.

    It may be done by several at once and again after a crash: an address is never given one thing twice.

    Args:
        connection: Owner or writer, in a transaction.
        at: Now, aware UTC.
    """
    waiting = [news_from(row) for row in connection.execute(_WAITING, {"most": MOST_AT_ONCE}).mappings()]
    if not waiting:
        return 0
    channels = [channel_from(row) for row in connection.execute(_CHANNELS).mappings()]
    parts = _parts(waiting, channels, Recipients(connection))
    if parts:
        # As arrays in one statement: a storm of alerts times all channels is tens of thousands of rows.
        connection.execute(_ADD, {name: [part[name] for part in parts] for name in parts[0]})
    connection.execute(_DONE, {"at": at, "ids": [news.id for news in waiting]})
    return len(waiting)


def concerns(news: News, channel: Channel, recipients: Recipients) -> bool:
    """Whether a channel is told of something: it wants to be, it was there before, and whoever it stands for may."""
    wanted, units = channel.draft.wanted, recipients.units(channel)
    return (
        news.at >= channel.created_at
        and wanted.includes(news)
        and (units is None or news.unit_code in units)
        and news.is_for(recipients.scope(channel))
    )


def _parts(waiting: Sequence[News], channels: Sequence[Channel], recipients: Recipients) -> list[dict[str, object]]:
    return [
        {
            "news": news.id,
            "channel": channel.id,
            "kind": channel.draft.kind.value,
            "address": channel.draft.address,
            "level": news.level.value if news.level else None,
        }
        for news in waiting
        for channel in channels
        if concerns(news, channel, recipients)
    ]
