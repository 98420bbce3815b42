"""The bytes that are hashed: a second implementation can be written from ``docs/audit.md`` alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

LOG_FORM: Final = "diaban-log/1"
EVENT_FORM: Final = "diaban-event/1"


@dataclass(frozen=True, slots=True)
class ChainedEvent:
    """An event with its place in the chain.

    Attributes:
        at_us: Instant of the act, in microseconds since 1970-01-01T00:00:00Z.
        detail: Text of the JSON exactly as PostgreSQL writes it; it is hashed as it stands, never read and rewritten.
        hash: SHA-256 over the hash before and the event's bytes.
    """

    seq: int
    id: int
    at_us: int
    actor: str
    action: str
    object_kind: str
    object_id: str
    outcome: str
    unit_code: str | None
    source: str | None
    detail: str
    hash: bytes

    @property
    def content(self) -> bytes:
        """What is hashed after the hash before."""
        texts = (
            *(EVENT_FORM, str(self.seq), str(self.id), str(self.at_us)),
            *(self.actor, self.action, self.object_kind, self.object_id, self.outcome),
            *(self.unit_code, self.source, self.detail),
        )
        return b"".join(field(text) for text in texts)

    def hash_after(self, previous: bytes) -> bytes:
        """The hash that belongs to this event where ``previous`` belongs to the one before."""
        return hashlib.sha256(previous + self.content).digest()


def field(text: str | None) -> bytes:
    """A netstring of the UTF-8 bytes; None is a tilde and a comma."""
    if text is None:
        return b"~,"
    raw = text.encode()
    return str(len(raw)).encode() + b":" + raw + b","


def genesis(log_id: str) -> bytes:
    """The hash before the first event of a log, whose id is a UUID in lower case with hyphens."""
    return hashlib.sha256(field(LOG_FORM) + field(log_id)).digest()
