"""Messages on their way: taken under a lease, put into words for who may read them now, and their end written down."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from scenarios.notifying.channel import COLUMNS as CHANNEL_COLUMNS
from scenarios.notifying.channel import Channel, channel_from
from scenarios.notifying.errors import SendFailed, SendRefused
from scenarios.notifying.letter import Letter
from scenarios.notifying.news import COLUMNS, News, news_from
from scenarios.notifying.recipients import Recipients
from scenarios.notifying.spreading import concerns
from scenarios.notifying.units import unit_names
from scenarios.notifying.wording import Surroundings, order_items, word_item, word_subject, word_test, word_text
from scenarios.revisions.reading import scenarios_in_force

LEASE: Final = timedelta(minutes=3)
"""Longer than any attempt lasts: until then nobody else takes the message."""
MOST_ATTEMPTS: Final = 20
FIRST_WAIT: Final = timedelta(seconds=10)
LONGEST_WAIT: Final = timedelta(minutes=10)
LONGEST_ASKED: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=90)
_PRUNE_DELIVERIES: Final = text("DELETE FROM notifying.deliveries WHERE created_at < :before AND state <> 'due'")
_PRUNE_OUTBOX: Final = text(
    "DELETE FROM notifying.outbox o WHERE at < :before AND spread_at IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM notifying.parts p JOIN notifying.deliveries d ON d.id = p.delivery_id"
    " WHERE p.outbox_id = o.id AND d.state = 'due')"
)
_TAKE: Final = text(
    "UPDATE notifying.deliveries SET attempts = attempts + 1, leased_until = CAST(:at AS timestamptz) + :lease"
    " WHERE id IN (SELECT id FROM notifying.deliveries WHERE state = 'due' AND due_at <= :at"
    " AND (leased_until IS NULL OR leased_until <= :at) ORDER BY due_at, id LIMIT :most FOR UPDATE SKIP LOCKED)"
    " RETURNING id, channel_id, attempts, is_test, created_at"
)
_CHANNEL: Final = text(
    f"SELECT {CHANNEL_COLUMNS}, removed_at FROM notifying.channels WHERE id = :id"  # noqa: S608 - a constant's names
)
_NEWS: Final = text(
    f"SELECT {COLUMNS} FROM notifying.parts p JOIN notifying.outbox o ON o.id = p.outbox_id"  # noqa: S608 - constants
    " WHERE p.delivery_id = :id ORDER BY o.id"
)
_DEADLINES: Final = text(
    "SELECT alert_id, min(due_at) FROM tasks.tasks WHERE alert_id = ANY (:alerts) AND state IN ('waiting', 'open')"
    " AND due_at IS NOT NULL GROUP BY alert_id"
)
_GIVE_UP: Final = text(
    "UPDATE notifying.deliveries SET state = 'failed', ended_at = :at, leased_until = NULL,"
    " reason = 'no attempt came to its end' WHERE state = 'due' AND attempts >= :attempts AND leased_until <= :at"
)
# Whoever was slow and yet succeeded is believed, however many have tried since: it has gone out.
_SENT: Final = text(
    "UPDATE notifying.deliveries SET state = 'sent', ended_at = :at, leased_until = NULL, reason = ''"
    " WHERE id = :id AND state = 'due'"
)
_ENDED: Final = text(
    "UPDATE notifying.deliveries SET state = :state, ended_at = :at, leased_until = NULL, reason = :reason"
    " WHERE id = :id AND state = 'due' AND attempts = :attempts"
)
_LATER: Final = text(
    "UPDATE notifying.deliveries SET due_at = :due_at, leased_until = NULL, reason = :reason"
    " WHERE id = :id AND state = 'due' AND attempts = :attempts"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that this worker alone may try until its lease is over."""

    id: UUID
    channel_id: UUID
    attempts: int
    is_test: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Addressed:
    """A message in words, with where it goes."""

    letter: Letter
    channel: Channel


def take_due(connection: Connection, at: datetime, most: int) -> list[Taken]:
    """Takes messages that are due, in a transaction that is committed before anything is sent.

    What was tried as often as may be and never came to an end, because a worker died each time, is given up.
    """
    connection.execute(_GIVE_UP, {"at": at, "attempts": MOST_ATTEMPTS})
    rows = connection.execute(_TAKE, {"at": at, "lease": LEASE, "most": most})
    return sorted((Taken(*row) for row in rows), key=lambda taken: (taken.created_at, taken.id))


def address_letter(connection: Connection, taken: Taken, public_url: str) -> Addressed | None:
    """Puts a message into words for whoever its channel stands for, by their rights at this moment.

    Returns:
        None where nothing is left that may be told, or the channel has been removed.
    """
    row = connection.execute(_CHANNEL, {"id": taken.channel_id}).mappings().one()
    channel = channel_from(row)
    if row["removed_at"] is not None:
        return None
    language = channel.draft.language
    if taken.is_test:
        items = [word_test(language)]
    else:
        news = _allowed(connection, taken, channel)
        around = _surroundings(connection, news, public_url)
        items = [word_item(one, language, around) for one in order_items(news)]
    if not items:
        return None
    subject, body = word_subject(items, language), word_text(items, language, public_url)
    letter = Letter(taken.id, channel.id, subject, tuple(items), body, taken.created_at)
    return Addressed(letter, channel)


def mark_sent(connection: Connection, taken: Taken, at: datetime) -> None:
    """Writes down that a message has gone out."""
    connection.execute(_SENT, {"id": taken.id, "at": at})


def mark_skipped(connection: Connection, taken: Taken, at: datetime) -> None:
    """Writes down that there was nothing left to say to this channel."""
    _end(connection, taken, at, "skipped", "nothing left that may be told")


def mark_failed(connection: Connection, taken: Taken, at: datetime, error: SendFailed | SendRefused) -> bool:
    """Puts a message off, or gives it up where trying again makes no sense; returns whether it was given up."""
    if isinstance(error, SendRefused) or taken.attempts >= MOST_ATTEMPTS:
        _end(connection, taken, at, "failed", error.reason)
        return True
    due_at = at + wait_after(taken.attempts, asked_s=error.wait_s)
    values = {"id": taken.id, "attempts": taken.attempts, "due_at": due_at, "reason": error.reason[:500]}
    connection.execute(_LATER, values)
    return False


def wait_after(attempts: int, *, asked_s: float | None = None) -> timedelta:
    """How long a message rests after so many attempts: twice as long each time, by chance somewhat less.

    Args:
        attempts: How often it has been tried, from 1.
        asked_s: How long the other side asks to be left alone, heeded up to :data:`LONGEST_ASKED`.
    """
    doubled = FIRST_WAIT * (1 << min(attempts - 1, 16))
    chosen = min(doubled, LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
    asked = timedelta(seconds=min(asked_s or 0.0, LONGEST_ASKED.total_seconds()))
    return max(chosen, asked)


def prune_deliveries(connection: Connection, at: datetime) -> None:
    """Deletes what happened, and messages that came to their end, longer ago than :data:`KEPT`."""
    values = {"before": at - KEPT}
    connection.execute(_PRUNE_DELIVERIES, values)
    connection.execute(_PRUNE_OUTBOX, values)


def _end(connection: Connection, taken: Taken, at: datetime, state: str, reason: str) -> None:
    values = {"id": taken.id, "attempts": taken.attempts, "at": at, "state": state, "reason": reason[:500]}
    connection.execute(_ENDED, values)


def _allowed(connection: Connection, taken: Taken, channel: Channel) -> list[News]:
    recipients = Recipients(connection)
    found = [news_from(row) for row in connection.execute(_NEWS, {"id": taken.id}).mappings()]
    return [news for news in found if concerns(news, channel, recipients)]


def _surroundings(connection: Connection, news: Sequence[News], public_url: str) -> Surroundings:
    alerts = [one.source_id for one in news if one.source == "alert"]
    deadlines = {row[0]: row[1] for row in connection.execute(_DEADLINES, {"alerts": alerts})}
    units = unit_names(connection, {one.unit_code for one in news if one.unit_code})
    scenarios = scenarios_in_force(connection, datetime.now(UTC)).scenarios
    return Surroundings(units, deadlines, scenarios, public_url)
