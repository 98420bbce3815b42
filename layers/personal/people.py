"""Persons: found by what they give of themselves, with the features of every layer that hold values of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, text

from layers.definition import Definition
from layers.definition_json import from_json
from layers.errors import LayerError
from layers.personal.keys import keyring_of
from layers.personal.values import NORMAL
from layers.tables import private_table

_LAYERS: Final = text("SELECT definition FROM catalogue.layers ORDER BY slug")
_KEYS: Final = text("SELECT id, wrapped IS NULL AS gone, restricted_at FROM personal.keys WHERE person = :person")


class By(StrEnum):
    """What a person is looked for by; whole values only, since nothing but keyed hashes is searched."""

    ID = "id"
    PHONE = "phone"
    PLATE = "plate"


class PersonNotFound(LayerError):
    """No values of this person are held, or no person has this mark."""

    def __init__(self) -> None:
        super().__init__(
            "Không có dữ liệu cá nhân nào khớp. Hãy kiểm tra lại số, hoặc tìm bằng cách khác: diaban personal find.",
            "No personal data match. Check the number, or look by something else: diaban personal find.",
        )


class UnusableValue(LayerError):
    """What was given is too short to tell anybody from others."""

    def __init__(self) -> None:
        super().__init__(
            "Giá trị quá ngắn để tìm đúng một người; hãy nhập đầy đủ cả số.",
            "The value is too short to tell one person; enter the whole number.",
        )


@dataclass(frozen=True, slots=True)
class Holding:
    """A feature that holds, or held, values of a person.

    Attributes:
        person: What stands for the person, as 32 hexadecimal digits.
        erased: Whether the key is gone, and with it the values.
        restricted: Whether the values are shown to nobody.
    """

    slug: str
    fid: int
    person: str
    erased: bool
    restricted: bool


@dataclass(frozen=True, slots=True)
class Person:
    """All keys of one person.

    Attributes:
        keys: Numbers of the keys whose values can be opened.
        gone: Numbers of those that were destroyed.
    """

    person: bytes
    keys: tuple[int, ...]
    gone: tuple[int, ...]
    restricted_at: datetime | None


def personal_layers(connection: Connection) -> Iterator[Definition]:
    """Definitions of the layers with personal fields."""
    for document in connection.execute(_LAYERS).scalars().all():
        definition = from_json(document)
        if private_table(definition) is not None:
            yield definition


def get_person(connection: Connection, mark: str) -> Person:
    """The person with a mark, as :func:`find_holdings` gives it.

    Raises:
        PersonNotFound: There is none.
    """
    try:
        person = bytes.fromhex(mark)
    except ValueError:
        raise PersonNotFound from None
    rows = connection.execute(_KEYS, {"person": person}).all()
    if not rows:
        raise PersonNotFound
    restricted = next((row.restricted_at for row in rows if not row.gone and row.restricted_at), None)
    keys = tuple(int(row.id) for row in rows if not row.gone)
    return Person(person, keys, tuple(int(row.id) for row in rows if row.gone), restricted)


def find_holdings(connection: Connection, by: By, value: str) -> list[Holding]:
    """Features whose newest values hold exactly this number, and all others of the persons found so.

    Args:
        connection: Owner.
        by: Kind of the value.
        value: As people write it: blanks, marks and the country's code do not matter.

    Raises:
        UnusableValue: It is too short.
    """
    plain = NORMAL[by](value)
    if plain is None:
        raise UnusableValue
    ring = keyring_of(connection)
    marks: set[bytes] = set()
    if by is By.ID:
        marks.add(ring.person_of(plain))
    term = ring.term(by, plain)
    layers = list(personal_layers(connection))
    for definition in layers:
        rows = connection.execute(_terms(connection, definition), {"terms": [term]})
        marks.update(bytes(row.person) for row in rows)
    return sorted(_held_by(connection, layers, marks), key=lambda one: (one.slug, one.fid))


def find_at(connection: Connection, slug: str, fid: int) -> list[Holding]:
    """The features of the persons whose values a feature holds."""
    layers = list(personal_layers(connection))
    marks: set[bytes] = set()
    for definition in layers:
        if definition.slug == slug:
            statement = text(
                f"SELECT k.person FROM {_name(connection, definition)} p JOIN personal.keys k ON k.id = p.key_id"  # noqa: S608
                " WHERE p.fid = :fid"
            )
            marks.update(bytes(row.person) for row in connection.execute(statement, {"fid": fid}))
    return sorted(_held_by(connection, layers, marks), key=lambda one: (one.slug, one.fid))


def holdings_of(connection: Connection, person: Person) -> list[Holding]:
    """Every feature that holds or held values of a person."""
    return sorted(
        _held_by(connection, list(personal_layers(connection)), {person.person}), key=lambda one: (one.slug, one.fid)
    )


def _held_by(connection: Connection, layers: list[Definition], marks: set[bytes]) -> Iterator[Holding]:
    if not marks:
        return
    for definition in layers:
        statement = text(
            "SELECT DISTINCT ON (p.fid) p.fid, k.person, k.erased_at, k.restricted_at"  # noqa: S608
            f" FROM {_name(connection, definition)} p JOIN personal.keys k ON k.id = p.key_id"
            " WHERE k.person = ANY(:marks) ORDER BY p.fid, p.revision DESC"
        )
        for row in connection.execute(statement, {"marks": sorted(marks)}):
            mark = bytes(row.person).hex()
            yield Holding(definition.slug, int(row.fid), mark, row.erased_at is not None, row.restricted_at is not None)


def _terms(connection: Connection, definition: Definition) -> Any:
    return text(
        f"SELECT DISTINCT k.person FROM {_name(connection, definition)} p"  # noqa: S608
        " JOIN personal.keys k ON k.id = p.key_id WHERE p.terms @> CAST(:terms AS text[])"
    )


def _name(connection: Connection, definition: Definition) -> str:
    return "private." + connection.dialect.identifier_preparer.quote(definition.table)
