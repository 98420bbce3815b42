"""Personal values as they are sealed: one document for each row, bound to its layer and its feature."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from layers.definition import Definition, Field, FieldType
from layers.personal.errors import SealBroken
from layers.personal.keys import NONCE_BYTES, Keyring

if TYPE_CHECKING:
    import pandas as pd

Values = Mapping[str, object]
"""Values by field name; a field without one is not in it."""

ID_NUMBERS: Final = re.compile(r"(^|_)(id_number|identity_number|citizen_number)$")
PHONES: Final = re.compile(r"(^|_)(phone|mobile)(_|$)")
PLATES: Final = re.compile(r"(^|_)plate(_|$)")
# Shorter ones are no citizen's number (9 or 12 digits) but what an office wrote in place of one.
_SHORTEST_NUMBER: Final = 9
_NOT_WORD: Final = re.compile(r"[\W_]+")


def id_field(definition: Definition) -> Field | None:
    """The field whose value tells who the person is, in any layer; None where the layer has none."""
    return next((field for field in definition.personal_fields if ID_NUMBERS.search(field.name)), None)


def normal_number(value: object) -> str | None:
    """An identification number without blanks and marks, in upper case; None where it tells nobody."""
    plain = _NOT_WORD.sub("", unicodedata.normalize("NFKC", str(value))).upper()
    return plain if len(plain) >= _SHORTEST_NUMBER and len(set(plain)) > 1 else None


def normal_phone(value: object) -> str | None:
    """A telephone number as its digits, the country's code as 0; None where there are too few."""
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", str(value)))
    if digits.startswith("84") and len(digits) in (11, 12):
        digits = "0" + digits[2:]
    return digits if len(digits) >= 8 else None


def normal_plate(value: object) -> str | None:
    """A number plate without marks."""
    return _NOT_WORD.sub("", unicodedata.normalize("NFKC", str(value))).upper() or None


def kind_of(field: Field) -> str | None:
    """By what kind of thing people may look for this field's values: ``id``, ``phone``, ``plate``; None by none."""
    if field.type is not FieldType.TEXT:
        return None
    for kind, pattern in (("id", ID_NUMBERS), ("phone", PHONES), ("plate", PLATES)):
        if pattern.search(field.name):
            return kind
    return None


NORMAL: Final = {"id": normal_number, "phone": normal_phone, "plate": normal_plate}


def terms_of(ring: Keyring, definition: Definition, values: Values) -> list[str]:
    """What the values are found by, as keyed hashes."""
    found = []
    for field in definition.personal_fields:
        kind = kind_of(field)
        if kind is not None and field.name in values:
            plain = NORMAL[kind](values[field.name])
            if plain is not None:
                found.append(ring.term(kind, plain))
    return found


def person_of(ring: Keyring, definition: Definition, values: Values) -> bytes | None:
    """What stands for the person whom an identification number among the values tells; None without one."""
    field = id_field(definition)
    if field is None or field.name not in values:
        return None
    number = normal_number(values[field.name])
    return None if number is None else ring.person_of(number)


def documents(definition: Definition, frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The personal values of each row of a frame."""
    columns = [
        (field.name, _column(field, frame[field.name]))
        for field in definition.personal_fields
        if field.name in frame.columns
    ]
    if not columns:
        yield from ({} for _ in range(len(frame)))
        return
    names = [name for name, _ in columns]
    for row in zip(*(values for _, values in columns), strict=True):
        yield {name: value for name, value in zip(names, row, strict=True) if value is not None}


def plain_values(definition: Definition, row: Mapping[str, object]) -> dict[str, object]:
    """The personal values of one row of columns, as documents hold them."""
    named = ((field, row.get(field.name)) for field in definition.personal_fields)
    return {field.name: _plain(field.type, value) for field, value in named if not _is_absent(value)}


def _column(field: Field, values: pd.Series[Any]) -> Sequence[object]:
    return [None if _is_absent(value) else _plain(field.type, value) for value in values.tolist()]


def _is_absent(value: object) -> bool:
    # NaN, NaT and NA are the values that are not equal to themselves or have no truth.
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _plain(kind: FieldType, value: Any) -> object:
    if kind is FieldType.TEXT:
        return value if type(value) is str else str(value)
    if kind is FieldType.INTEGER:
        return int(value)
    if kind is FieldType.NUMBER:
        return float(value)
    if kind is FieldType.BOOLEAN:
        return bool(value)
    if kind is FieldType.TEXT_ARRAY:
        return [str(item) for item in value]
    return _moment(kind, value)


def _moment(kind: FieldType, value: object) -> str:
    """Days as ISO 8601, instants in UTC; one without a zone is taken for UTC, as the database takes it."""
    if kind is FieldType.DATE:
        return value.isoformat()[:10] if isinstance(value, date) else str(value)[:10]
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def restored(field: Field, value: object) -> object:
    """A value as the rest of the program holds it: days and instants are ``date`` and ``datetime`` again."""
    if value is None or not isinstance(value, str):
        return value
    if field.type is FieldType.DATE:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if field.type is FieldType.DATETIME else value


def stage(ring: Keyring, values: Values) -> bytes | None:
    """Values on their way through a temporary table, which so holds nothing readable; None without any."""
    if not values:
        return None
    nonce = os.urandom(NONCE_BYTES)
    return nonce + ring.staging.encrypt(nonce, orjson.dumps(values), None)


def unstage(ring: Keyring, staged: bytes | memoryview) -> dict[str, object]:
    """What :func:`stage` hid."""
    held = bytes(staged)
    found: dict[str, object] = orjson.loads(ring.staging.decrypt(held[:NONCE_BYTES], held[NONCE_BYTES:], None))
    return found


def seal(key: AESGCM, slug: str, fid: int, values: Values) -> bytes:
    """Values sealed under a person's key; they open for this layer and feature only (AES-256-GCM)."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, orjson.dumps(values), f"{slug} {fid}".encode())


def unseal(key: AESGCM, slug: str, fid: int, sealed: bytes | memoryview) -> dict[str, object]:
    """What :func:`seal` hid.

    Raises:
        SealBroken: It was altered, or written for another feature or under another key.
    """
    held = bytes(sealed)
    try:
        plain = key.decrypt(held[:NONCE_BYTES], held[NONCE_BYTES:], f"{slug} {fid}".encode())
    except (InvalidTag, ValueError):
        raise SealBroken(f"{slug}/{fid}") from None
    found: dict[str, object] = orjson.loads(plain)
    return found
