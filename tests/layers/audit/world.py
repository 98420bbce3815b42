"""A small log with checkpoints, and everything that a hand with a superuser's rights could do to it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, text

from app.database import Database
from layers.audit import Event, Outcome, record_event
from layers.audit.chain import genesis
from layers.audit.checkpoints import CheckpointFile
from layers.audit.keeper import Keeper
from layers.audit.keys import public_bytes
from layers.audit.log import read_head, seal_events, stream_events
from layers.audit.verify import Verdict, verify_log

NOW = datetime(2026, 11, 25, 8, 0, 0, tzinfo=UTC)
ODD = ("đỗ thị", "x" * 300, "a,b:c", "☃", "", "\t", "e\u0301", '"quoted"', "1:a,~,")


@dataclass(frozen=True, slots=True)
class Log:
    """A sealed log of a database of its own, with its checkpoint file."""

    database: Database
    keeper: Keeper

    @property
    def key(self) -> bytes:
        """The public key."""
        return public_bytes(self.keeper.key)

    def verify(self, connection: Connection) -> Verdict:
        """What the product says of the log as this connection sees it."""
        return verify_log(connection, self.keeper.file, known_key=self.key)


def make_log(database: Database, folder: Path, *, events: int, seed: int = 1) -> Log:
    """A log with events of all shapes, sealed in uneven batches, a checkpoint after each and one at the end."""
    dice = random.Random(seed)
    keeper = Keeper(CheckpointFile(folder / "checkpoints.log"), Ed25519PrivateKey.generate())
    log = Log(database, keeper)
    done = 0
    while done < events:
        batch = min(dice.randrange(1, 9), events - done)
        write_events(database, dice, batch)
        seal_and_mark(log)
        done += batch
    return log


def write_events(database: Database, dice: random.Random, count: int) -> None:
    """Events with awkward texts."""
    engine = database.engine("diaban_writer")
    with engine.begin() as connection:
        for _ in range(count):
            record_event(
                connection,
                Event(
                    dice.choice(ODD),
                    dice.choice(["signed_in", "layer_published"]),
                    "layer",
                    dice.choice(ODD),
                    dice.choice(list(Outcome)),
                    dice.choice([None, "", "00001"]),
                    dice.choice([None, "192.0.2.1:443", "[2001:db8::1]:1"]),
                    dice.choice([{}, {"z": 1, "aa": 1.5, "b": [1, 2]}, {"b": 1e30, "a": "ơ", "n": None}]),
                ),
            )
    engine.dispose()


def seal_and_mark(log: Log) -> None:
    """Seals all and writes a checkpoint."""
    engine = log.database.engine("diaban_writer")
    with engine.begin() as connection:
        seal_events(connection)
    with engine.begin() as connection:
        log.keeper.keep(connection, NOW, at_once=True)
    engine.dispose()


Mutation = Callable[[Connection, random.Random], str]
_COLUMNS = ("actor", "action", "object_kind", "object_id", "outcome", "unit_code", "source", "detail", "at", "id")


def _one(connection: Connection, dice: random.Random, table: str, column: str) -> object:
    values = connection.scalars(text(f"SELECT {column} FROM audit.{table} ORDER BY {column}")).all()
    return dice.choice(list(values))


def edit_event(connection: Connection, dice: random.Random) -> str:
    """Another value in one column of one event."""
    found, column = _one(connection, dice, "events", "id"), dice.choice(_COLUMNS)
    old = connection.scalar(text(f"SELECT {column}::text FROM audit.events WHERE id = :id"), {"id": found})
    new: object
    if column == "at":
        sign = dice.choice(["+", "-"])
        new, cast = (
            f"{dice.randrange(1, 10 ** dice.randrange(1, 12))} microseconds",
            f"at {sign} CAST(:new AS interval)",
        )
    elif column == "id":
        new, cast = 10**6 + dice.randrange(10**6), ":new"
    elif column == "detail":
        document = json.loads(str(old))
        document[dice.choice(["z", "b", "new"])] = dice.randrange(10**6) + 2
        new, cast = json.dumps(document), "CAST(:new AS jsonb)"
    elif column == "outcome":
        new, cast = ("done" if old == "refused" else "refused"), ":new"
    else:
        new, cast = _other_text(old, dice, word=column == "action"), ":new"
    connection.execute(text(f"UPDATE audit.events SET {column} = {cast} WHERE id = :id"), {"new": new, "id": found})
    return f"edit {column}"


def _other_text(old: object, dice: random.Random, *, word: bool) -> str | None:
    if word:
        return f"{old}{dice.choice('abcxyz_0')}"
    if old is None:
        return dice.choice(["", "x", "~"])
    given = str(old)
    choices = [given + dice.choice(" ax,ế"), given[:-1] + chr(dice.randrange(33, 500)), given[1:], given[::-1], "~,"]
    different = [choice for choice in choices if choice != given]
    return dice.choice(different)


def edit_hash(connection: Connection, dice: random.Random) -> str:
    """One bit of one hash."""
    seq = _one(connection, dice, "chain", "seq")
    bit = dice.randrange(256)
    connection.execute(
        text("UPDATE audit.chain SET hash = set_bit(hash, :bit, 1 - get_bit(hash, :bit)) WHERE seq = :seq"),
        {"bit": bit, "seq": seq},
    )
    return "flip a bit of a hash"


def delete_event(connection: Connection, dice: random.Random) -> str:
    """An event gone, its number left."""
    connection.execute(text("DELETE FROM audit.events WHERE id = :id"), {"id": _one(connection, dice, "events", "id")})
    return "delete an event"


def delete_number(connection: Connection, dice: random.Random) -> str:
    """A number gone, its event left."""
    connection.execute(
        text("DELETE FROM audit.chain WHERE seq = :seq"), {"seq": _one(connection, dice, "chain", "seq")}
    )
    return "delete a number"


def delete_both(connection: Connection, dice: random.Random) -> str:
    """An event gone with its number; sometimes the later ones moved up."""
    seq = _one(connection, dice, "chain", "seq")
    connection.execute(
        text(
            "WITH gone AS (DELETE FROM audit.chain WHERE seq = :seq RETURNING event_id)"
            " DELETE FROM audit.events e USING gone WHERE e.id = gone.event_id"
        ),
        {"seq": seq},
    )
    if dice.random() < 0.5:
        connection.execute(text("UPDATE audit.chain SET seq = seq + 1000000 WHERE seq > :seq"), {"seq": seq})
        connection.execute(text("UPDATE audit.chain SET seq = seq - 1000001 WHERE seq > 1000000"))
    return "delete an event with its number"


def insert_event(connection: Connection, dice: random.Random) -> str:
    """A copy of an event, past the function."""
    found = _one(connection, dice, "events", "id")
    connection.execute(
        text(
            "INSERT INTO audit.events (actor, action, object_kind, object_id, outcome, unit_code, source, detail)"
            " SELECT actor, action, object_kind, object_id, outcome, unit_code, source, detail FROM audit.events"
            " WHERE id = :id"
        ),
        {"id": found},
    )
    return "insert an event"


def swap_events(connection: Connection, dice: random.Random) -> str:
    """Two events change places."""
    one, two = dice.sample(sorted(connection.scalars(text("SELECT seq FROM audit.chain"))), 2)
    given = {"one": one, "two": two}
    ids = dict(
        connection.execute(text("SELECT seq, event_id FROM audit.chain WHERE seq IN (:one, :two)"), given).all()  # type: ignore[arg-type]
    )
    connection.execute(text("UPDATE audit.chain SET event_id = -1 WHERE seq = :one"), given)
    connection.execute(text("UPDATE audit.chain SET event_id = :id WHERE seq = :two"), {**given, "id": ids[one]})
    connection.execute(text("UPDATE audit.chain SET event_id = :id WHERE seq = :one"), {**given, "id": ids[two]})
    return "swap two events"


def cut_tail(connection: Connection, dice: random.Random) -> str:
    """The last events gone, numbers and all."""
    last = int(str(connection.scalar(text("SELECT max(seq) FROM audit.chain"))))
    _drop_from(connection, last - dice.randrange(1, last) + 1)
    return "cut the tail"


def rewrite_tail(connection: Connection, dice: random.Random) -> str:
    """An event changed and every later hash made anew, as somebody who knows the form would."""
    last = int(str(connection.scalar(text("SELECT max(seq) FROM audit.chain"))))
    first = dice.randrange(1, last + 1)
    connection.execute(
        text(
            "UPDATE audit.events SET actor = actor || 'x' WHERE id = (SELECT event_id FROM audit.chain WHERE seq = :s)"
        ),
        {"s": first},
    )
    _make_anew(connection, first)
    return "rewrite a segment with its hashes"


def replace_tail(connection: Connection, dice: random.Random) -> str:
    """The last events replaced by others in the log's own way: what a restored back-up that goes on looks like."""
    last = int(str(connection.scalar(text("SELECT max(seq) FROM audit.chain"))))
    gone = dice.randrange(1, last)
    _drop_from(connection, last - gone + 1)
    for _ in range(dice.randrange(1, gone + 3)):
        record_event(connection, Event("other", "signed_in", "account", str(dice.random())))
    seal_events(connection)
    return "go on from an older state"


def wait_again(connection: Connection, dice: random.Random) -> str:
    """A sealed event put back into the queue."""
    connection.execute(text("INSERT INTO audit.waiting VALUES (:id)"), {"id": _one(connection, dice, "events", "id")})
    return "put a sealed event back"


def other_log(connection: Connection, dice: random.Random) -> str:
    """Another log's id, every hash made anew."""
    connection.execute(text("UPDATE audit.log SET log_id = gen_random_uuid()"))
    if dice.random() < 0.5:
        _make_anew(connection, 1)
    return "another log"


def cut_checkpoints(connection: Connection, dice: random.Random) -> str:
    """The database's memory of checkpoints emptied and the tail cut with it."""
    connection.execute(text("DELETE FROM audit.checkpoints"))
    cut_tail(connection, dice)
    return "cut the tail and forget the checkpoints"


MUTATIONS: tuple[Mutation, ...] = (
    *(edit_event,) * 6,
    *(edit_hash, delete_event, delete_number, delete_both, insert_event, swap_events),
    *(cut_tail, rewrite_tail, replace_tail, wait_again, other_log, cut_checkpoints),
)


def _drop_from(connection: Connection, first: int) -> None:
    connection.execute(
        text(
            "WITH gone AS (DELETE FROM audit.chain WHERE seq >= :first RETURNING event_id)"
            " DELETE FROM audit.events e USING gone WHERE e.id = gone.event_id"
        ),
        {"first": first},
    )


def _make_anew(connection: Connection, first: int) -> None:
    previous = (
        genesis(read_head(connection).log_id)
        if first == 1
        else bytes(connection.scalar(text("SELECT hash FROM audit.chain WHERE seq = :s"), {"s": first - 1}) or b"")
    )
    for seq, event in list(stream_events(connection, first=first)):
        assert event is not None
        previous = event.hash_after(previous)
        connection.execute(text("UPDATE audit.chain SET hash = :h WHERE seq = :s"), {"h": previous, "s": seq})


def mutate(connection: Connection, dice: random.Random) -> str:
    """One mutation by a superuser who has switched the guards off; the caller rolls back."""
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    for name in ("events", "chain", "log", "checkpoints"):
        connection.execute(text(f"ALTER TABLE audit.{name} DISABLE TRIGGER append_only"))
    # Otherwise the column of ids refuses to be written.
    connection.execute(text("ALTER TABLE audit.events ALTER id SET GENERATED BY DEFAULT"))
    return dice.choice(MUTATIONS)(connection, dice)
