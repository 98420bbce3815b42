"""The key of personal data: a file outside the database, from which every other key and hash is derived."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, Engine, text

from layers.personal.errors import (
    NoPersonalKey,
    PersonalKeyMissing,
    PersonalKeyUnreadable,
    SealBroken,
    WrongPersonalKey,
)

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
OPTION: Final = "diaban_personal_key"
_MARK: Final = b"diaban-personal-1 "
_SUBJECT_BYTES: Final = 16
_TERM_DIGITS: Final = 24
_REGISTERED: Final = text("SELECT key_id FROM personal.master")
_REGISTER: Final = text("INSERT INTO personal.master (key_id) VALUES (:id) ON CONFLICT DO NOTHING")


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that are derived from one file (HKDF-SHA256), each for one purpose.

    Attributes:
        id: What people compare and the database remembers; says nothing of the key.
        wrapping: Seals the keys of persons.
        linking: Hashes what tells one person from another.
        finding: Hashes what people are looked for by.
        staging: Seals values on their way through temporary tables; lives as long as the process.
    """

    id: str
    wrapping: AESGCM = field(repr=False)
    linking: bytes = field(repr=False)
    finding: bytes = field(repr=False)
    staging: AESGCM = field(repr=False)

    @classmethod
    def of(cls, master: bytes) -> Keyring:
        """The keyring of a master key of 32 bytes."""

        def derived(purpose: bytes) -> bytes:
            return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"diaban personal " + purpose).derive(master)

        staging = AESGCM(AESGCM.generate_key(KEY_BYTES * 8))
        return cls(
            derived(b"name")[:8].hex(), AESGCM(derived(b"wrapping")), derived(b"linking"), derived(b"finding"), staging
        )

    def person_of(self, number: str) -> bytes:
        """What stands for the person with this identification number, in every layer (HMAC-SHA256, 16 bytes)."""
        return hmac.digest(self.linking, b"number " + number.encode(), "sha256")[:_SUBJECT_BYTES]

    def person_at(self, slug: str, fid: int) -> bytes:
        """What stands for the person of one feature, where no number tells who it is."""
        return hmac.digest(self.linking, f"feature {slug} {fid}".encode(), "sha256")[:_SUBJECT_BYTES]

    def term(self, kind: str, value: str) -> str:
        """What a value is found by without being readable (HMAC-SHA256, 24 hexadecimal digits)."""
        return hmac.digest(self.finding, f"{kind} {value}".encode(), "sha256").hex()[:_TERM_DIGITS]

    def wrap(self, person: bytes, key: bytes) -> bytes:
        """A person's key, sealed."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self.wrapping.encrypt(nonce, key, person)

    def unwrap(self, person: bytes, wrapped: bytes) -> AESGCM:
        """A person's key, ready for use.

        Raises:
            SealBroken: It was altered, or is another person's.
        """
        try:
            return AESGCM(self.wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person))
        except (InvalidTag, ValueError):
            raise SealBroken(f"personal.keys {person.hex()[:8]}") from None


@dataclass(slots=True)
class KeyFile:
    """Where the master key lies; opened for a database when it is first needed there."""

    path: Path
    _known: Keyring | None = field(default=None, repr=False)

    def open(self, connection: Connection) -> Keyring:
        """The keyring of the connection's database; where neither file nor sealed values exist, both begin here.

        Args:
            connection: Owner or writer; a reading login where the key is registered.

        Raises:
            PersonalKeyMissing: Values are sealed, and the file is gone.
            PersonalKeyUnreadable: The file is something else.
            WrongPersonalKey: Values are sealed under another key.
        """
        if self._known is not None:
            return self._known
        wanted = connection.execute(_REGISTERED).scalar_one_or_none()
        if wanted is None:
            ring = read_key(make_key(self.path))
            connection.execute(_REGISTER, {"id": ring.id})
            wanted = connection.execute(_REGISTERED).scalar_one()
            return self._fitting(ring, wanted)
        if not self.path.exists():
            raise PersonalKeyMissing(self.path, wanted)
        self._known = self._fitting(read_key(self.path), wanted)
        return self._known

    def _fitting(self, ring: Keyring, wanted: str) -> Keyring:
        if ring.id != wanted:
            raise WrongPersonalKey(self.path, wanted=wanted, found=ring.id)
        return ring


def keyring_of(connection: Connection) -> Keyring:
    """The keyring that the connection's engine brings along.

    Raises:
        NoPersonalKey: It brings none.
        PersonalKeyError: It cannot be used.
    """
    return key_file_of(connection).open(connection)


def brings_key(connection: Connection) -> bool:
    """Whether the connection's engine brings a key's file along."""
    return isinstance(connection.get_execution_options().get(OPTION), KeyFile)


def key_file_of(connection: Connection) -> KeyFile:
    """The key's file that the connection's engine brings along.

    Raises:
        NoPersonalKey: It brings none.
    """
    found = connection.get_execution_options().get(OPTION)
    if not isinstance(found, KeyFile):
        raise NoPersonalKey
    return found


def with_key(engine: Engine, file: KeyFile) -> Engine:
    """The engine, whose connections bring a key along from here on."""
    engine.update_execution_options(**{OPTION: file})
    return engine


def make_key(path: Path) -> Path:
    """Makes a key with mode 0600 where there is none; of two makers at once one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        return path
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_MARK + base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path


def read_key(path: Path) -> Keyring:
    """The keyring of a file.

    Raises:
        PersonalKeyUnreadable: It is something else.
    """
    try:
        content = path.read_bytes()
        master = base64.b64decode(content.removeprefix(_MARK), validate=False)
    except (OSError, binascii.Error) as error:
        raise PersonalKeyUnreadable(path) from error
    if not content.startswith(_MARK) or len(master) != KEY_BYTES:
        raise PersonalKeyUnreadable(path)
    return Keyring.of(master)
