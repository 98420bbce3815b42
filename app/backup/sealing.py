"""Encryption of files for the repository: AES-256-GCM in blocks, so that no file is held in memory.

A sealed file is ``diaban-file/1`` and a line feed, 32 random bytes, then the blocks. Its key is derived by HKDF-SHA256
from the repository's passphrase and those bytes. Each block of 1 MiB is sealed with a nonce of its number (11 bytes)
and a last byte that is 1 for the last block: blocks cannot be changed, swapped, or cut off.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.backup.errors import FileDamaged

FORM: Final = b"diaban-file/1\n"
SALT_BYTES: Final = 32
BLOCK: Final = 2**20
TAG_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens files with a repository's passphrase."""

    passphrase: str = field(repr=False)

    def name_of(self, sha256: str) -> str:
        """The name of a file by its content; only who has the passphrase can tell what content it stands for."""
        return hmac.new(self._derive(b"names", b""), sha256.encode(), "sha256").hexdigest()

    def seal(self, source: IO[bytes]) -> Iterator[bytes]:
        """The sealed bytes of a stream."""
        salt = os.urandom(SALT_BYTES)
        cipher = AESGCM(self._derive(b"file", salt))
        yield FORM + salt
        for number, (block, is_last) in enumerate(_blocks(source, BLOCK)):
            yield cipher.encrypt(_nonce(number, is_last=is_last), block, None)

    def open(self, sealed: IO[bytes], name: str) -> Iterator[bytes]:
        """The bytes that were sealed; what was given may only be believed when the last block has come.

        Raises:
            FileDamaged: It is not what was sealed with this passphrase.
        """
        head = sealed.read(len(FORM) + SALT_BYTES)
        if not head.startswith(FORM) or len(head) != len(FORM) + SALT_BYTES:
            raise FileDamaged(name)
        cipher = AESGCM(self._derive(b"file", head[len(FORM) :]))
        try:
            for number, (block, is_last) in enumerate(_blocks(sealed, BLOCK + TAG_BYTES)):
                yield cipher.decrypt(_nonce(number, is_last=is_last), block, None)
        except (InvalidTag, ValueError):
            raise FileDamaged(name) from None

    def _derive(self, purpose: bytes, salt: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt, b"diaban backup " + purpose).derive(self.passphrase.encode())


def _blocks(source: IO[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Blocks of a stream, each with whether it is the last; an empty stream is one empty block."""
    block = source.read(size)
    while True:
        following = source.read(size) if len(block) == size else b""
        yield block, not following
        if not following:
            return
        block = following


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
