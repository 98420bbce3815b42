"""Keys of persons in the database: found for those who are known, made for those who are new."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, text

from layers.personal.keys import KEY_BYTES, Keyring

# Whoever seals and whoever erases take turns, so that nothing is sealed under a key that is being destroyed.
_LOCK: Final = 0x7065_7273_6F6E
_TAKE_TURN: Final = text("SELECT pg_advisory_xact_lock(:lock)")
_FIND: Final = text("SELECT person, id, wrapped FROM personal.keys WHERE person = ANY(:people) AND erased_at IS NULL")
_NUMBERS: Final = text("SELECT nextval('personal.keys_id_seq') FROM generate_series(1, :count)")


@dataclass(slots=True)
class PeopleKeys:
    """Keys of persons in one transaction, which must hold the turn (:func:`take_turn`) where it makes any."""

    connection: Connection
    ring: Keyring
    _known: dict[bytes, tuple[int, AESGCM]] = field(default_factory=dict)

    def of(self, people: Iterable[bytes]) -> dict[bytes, tuple[int, AESGCM]]:
        """Number and key of each person; who has none gets one."""
        wanted = dict.fromkeys(people)
        missing = [person for person in wanted if person not in self._known]
        # A person seldom comes again after a batch; what is kept stays small.
        self._known = {person: kept for person, kept in self._known.items() if person in wanted}
        if missing:
            for person, number, wrapped in self.connection.execute(_FIND, {"people": missing}):
                self._known[bytes(person)] = (int(number), self.ring.unwrap(bytes(person), bytes(wrapped)))
            self._make([person for person in missing if person not in self._known])
        return self._known

    def _make(self, people: Sequence[bytes]) -> None:
        if not people:
            return
        numbers = self.connection.execute(_NUMBERS, {"count": len(people)}).scalars().all()
        keys = secrets.token_bytes(KEY_BYTES * len(people))
        lines = []
        for place, (person, number) in enumerate(zip(people, numbers, strict=True)):
            key = keys[place * KEY_BYTES : (place + 1) * KEY_BYTES]
            self._known[person] = (int(number), AESGCM(key))
            lines.append(f"{number}\t\\\\x{person.hex()}\t\\\\x{self.ring.wrap(person, key).hex()}\n")
        copy_lines(self.connection, "COPY personal.keys (id, person, wrapped) FROM STDIN", lines)


def take_turn(connection: Connection) -> None:
    """Waits until nobody else makes or destroys keys; lasts until the transaction ends."""
    connection.execute(_TAKE_TURN, {"lock": _LOCK})


def copy_lines(connection: Connection, statement: str, lines: Sequence[str]) -> None:
    """Sends lines in the text form of COPY."""
    driver = connection.connection.driver_connection
    with driver.cursor().copy(statement) as copy:  # type: ignore[union-attr]
        copy.write("".join(lines))
