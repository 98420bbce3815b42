"""Who sent a report, sealed with a key that lies outside the database."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from scenarios.reports.errors import BadReport

_NONCE_BYTES = 12
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class Reporter:
    """Whoever sent a report, as far as they said; never printed."""

    name: str = ""
    phone: str = ""

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self.name or self.phone)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is kept of a reporter."""

    nonce: bytes
    sealed: bytes


class SealingKey:
    """Seals reporters, and marks addresses so that they can be counted but not read."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(secret)
        self._marking = hmac.digest(secret, b"address marks", "sha256")

    def seal(self, reporter: Reporter, number: str) -> Sealed:
        """Seals a reporter for one report; beside another report's number it cannot be opened."""
        nonce = os.urandom(_NONCE_BYTES)
        plain = json.dumps(asdict(reporter), ensure_ascii=False).encode()
        return Sealed(nonce, self._cipher.encrypt(nonce, plain, number.encode()))

    def open(self, sealed: Sealed, number: str) -> Reporter:
        """Opens what :meth:`seal` made."""
        plain = self._cipher.decrypt(sealed.nonce, sealed.sealed, number.encode())
        return Reporter(**json.loads(plain))

    def mark(self, address: str) -> bytes:
        """A digest of an address that is equal for equal addresses and tells nothing without the key."""
        return hmac.digest(self._marking, address.encode(), "sha256")


def open_sealing_key(path: Path) -> SealingKey:
    """The key of a file; made with mode 0600 where it is missing.

    Raises:
        BadReport: The file holds no such key.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # Written whole beside it and then linked: of two processes that start at once, one key stands.
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        draft.touch(0o600, exist_ok=False)
        draft.write_bytes(base64.b64encode(AESGCM.generate_key(_KEY_BYTES * 8)))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    try:
        secret = base64.b64decode(path.read_bytes())
    except binascii.Error:
        secret = b""
    if len(secret) != _KEY_BYTES:
        raise BadReport(
            f"Tệp khóa “{path.name}” không chứa khóa 256 bit. Hãy khôi phục tệp khóa từ bản sao lưu.",
            f'The key file "{path.name}" holds no key of 256 bits. Bring it back from the backup.',
            parameter="DIABAN_REPORTS_KEY",
        )
    return SealingKey(secret)
