"""The chain in the database: sealing what waits, the head, and reading events in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text

from layers.audit.chain import ChainedEvent, genesis
from layers.audit.checkpoints import Head

BATCH: Final = 5000
_SEAL: Final = text("SELECT audit.seal_events(:most)")
HEAD_SQL: Final = (
    "SELECT l.log_id::text AS log_id, c.seq, c.hash FROM audit.log l LEFT JOIN LATERAL"
    " (SELECT seq, hash FROM audit.chain ORDER BY seq DESC LIMIT 1) c ON true"
)
_HEAD: Final = text(HEAD_SQL)
_HASH_AT: Final = text("SELECT hash FROM audit.chain WHERE seq = :seq")
_EVENTS: Final = text(
    "SELECT c.seq, c.hash, c.event_id, e.id, (extract(epoch FROM e.at) * 1000000)::bigint AS at_us, e.actor, e.action,"
    " e.object_kind, e.object_id, e.outcome, e.unit_code, e.source, e.detail::text AS detail"
    " FROM audit.chain c LEFT JOIN audit.events e ON e.id = c.event_id WHERE c.seq >= :first ORDER BY c.seq"
)
_NOTE: Final = text("SELECT audit.note_checkpoint(:line)")


def seal_events(connection: Connection, *, most: int = BATCH) -> int:
    """Numbers and hashes events that are committed and wait, oldest first; returns how many.

    Args:
        connection: Owner or writer; other sequencers wait until its transaction ends, so it should end soon.
        most: Events at one time.
    """
    return int(connection.execute(_SEAL, {"most": most}).scalar_one())


def read_head(connection: Connection) -> Head:
    """How far the log is."""
    row = connection.execute(_HEAD).one()
    if row.seq is None:
        return Head(row.log_id, 0, genesis(row.log_id))
    return Head(row.log_id, int(row.seq), bytes(row.hash))


def read_hash(connection: Connection, log_id: str, seq: int) -> bytes | None:
    """The hash at a number; None where the chain has no such number."""
    if seq == 0:
        return genesis(log_id)
    found = connection.execute(_HASH_AT, {"seq": seq}).scalar_one_or_none()
    return None if found is None else bytes(found)


def stream_events(connection: Connection, *, first: int = 1) -> Iterator[tuple[int, ChainedEvent | None]]:
    """Numbers of the chain from ``first`` on, each with its event; None where the event is gone."""
    streamed = connection.execute(_EVENTS, {"first": first}, execution_options={"yield_per": BATCH})
    for row in streamed:
        if row.id is None:
            yield int(row.seq), None
            continue
        yield (
            int(row.seq),
            ChainedEvent(
                seq=int(row.seq),
                id=int(row.id),
                at_us=int(row.at_us),
                actor=row.actor,
                action=row.action,
                object_kind=row.object_kind,
                object_id=row.object_id,
                outcome=row.outcome,
                unit_code=row.unit_code,
                source=row.source,
                detail=row.detail,
                hash=bytes(row.hash),
            ),
        )


def note_checkpoint(connection: Connection, line: str) -> None:
    """Keeps a line that the file holds, so that a file cut short is noticed."""
    connection.execute(_NOTE, {"line": line})
