"""Which keys were destroyed, kept in a file beside the key's: a restored back-up must not bring anybody back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from layers.audit import Detail, Event, record_event
from layers.personal.acts import empty_rows
from layers.personal.keys import KeyFile, key_file_of

_GONE: Final = text("SELECT id, person FROM personal.keys WHERE erased_at IS NOT NULL")
# A restored database has the log id of the one that was backed up.
_DATABASE: Final = text("SELECT log_id::text FROM audit.log")
_DESTROY: Final = text(
    "UPDATE personal.keys SET wrapped = NULL, erased_at = clock_timestamp()"
    " WHERE erased_at IS NULL AND (id, encode(person, 'hex')) IN"
    " (SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:people AS text[]))) RETURNING id"
)


def erasures_file(key: KeyFile) -> Path:
    """The file beside the key's; without values, only numbers of keys and what stands for persons."""
    return key.path.with_name(f"{key.path.name}.erased")


def repeat_erasures(connection: Connection, *, author: str) -> tuple[int, ...]:
    """Destroys again what the file says was destroyed, and writes into the file what it does not know.

    Args:
        connection: Owner or superuser, in a transaction.
        author: For the audit trail.

    Returns:
        Numbers of the keys that had come back.
    """
    known = _read(connection)
    back: tuple[int, ...] = ()
    if known:
        ids, people = zip(*sorted(known), strict=True)
        back = tuple(connection.execute(_DESTROY, {"ids": list(ids), "people": list(people)}).scalars())
    if back:
        rows = empty_rows(connection, back)
        detail: Detail = {"keys": list(back), "rows": rows}
        record_event(connection, Event(author, "personal_data_erased_again", "person", "*", detail=detail))
    keep_erasures(connection)
    return back


def keep_erasures(connection: Connection) -> None:
    """Writes erasures that the file does not know yet; called again after the transaction where it was not ended."""
    gone = {(int(row.id), bytes(row.person).hex()) for row in connection.execute(_GONE)}
    new = sorted(gone - _read(connection))
    if not new:
        return
    path, database = erasures_file(key_file_of(connection)), connection.execute(_DATABASE).scalar_one()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
        file.writelines(f"{database} {number} {person}\n" for number, person in new)
        file.flush()
        os.fsync(file.fileno())


def _read(connection: Connection) -> set[tuple[int, str]]:
    path = erasures_file(key_file_of(connection))
    if not path.exists():
        return set()
    database = connection.execute(_DATABASE).scalar_one()
    words = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {(int(word[1]), word[2]) for word in words if len(word) == 3 and word[0] == database}
