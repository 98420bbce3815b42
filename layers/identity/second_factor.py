"""The second factor: time-based one-time codes (RFC 6238), and ten codes to recover by."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import pyotp
from cryptography.fernet import Fernet
from sqlalchemy import Connection, text

from layers.audit import Event, record_event
from layers.identity.errors import WrongCode

STEP_S: Final = 30
# A clock may be one step off, either way (RFC 6238, 5.2).
SLACK_STEPS: Final = 1
CODES: Final = 10
ISSUER: Final = "Địa Bàn"
_DEVICE: Final = text(
    "SELECT secret, last_step, confirmed_at FROM access.totp_devices WHERE account = :account FOR UPDATE"
)
_BEGIN: Final = text(
    "INSERT INTO access.totp_devices (account, secret) VALUES (:account, :secret) ON CONFLICT (account) DO UPDATE"
    " SET secret = excluded.secret, last_step = 0, created_at = clock_timestamp()"
    " WHERE totp_devices.confirmed_at IS NULL RETURNING account"
)
_USE_CODE: Final = text(
    "UPDATE access.recovery_codes SET used_at = clock_timestamp()"
    " WHERE account = :account AND hash = :hash AND used_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator is told: the secret in base 32, and the address that a QR code holds."""

    secret: str
    uri: str


def open_key(path: Path) -> Fernet:
    """The key that secrets are encrypted with in the database; made with mode 0600 where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # Written whole beside it and then linked: of two processes that start at once, one key stands.
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        draft.touch(0o600, exist_ok=False)
        draft.write_bytes(Fernet.generate_key())
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return Fernet(path.read_bytes())


def has_second_factor(connection: Connection, account: UUID) -> bool:
    """Whether the account's codes are in force."""
    row = connection.execute(_DEVICE, {"account": account}).one_or_none()
    return row is not None and row.confirmed_at is not None


def begin_enrolment(connection: Connection, key: Fernet, account: UUID, username: str) -> Enrolment:
    """A new secret, in force once a code has been given.

    Raises:
        WrongCode: Codes are in force already; an administrator takes them away first.
    """
    secret = pyotp.random_base32(32)
    made = connection.execute(_BEGIN, {"account": account, "secret": key.encrypt(secret.encode())}).one_or_none()
    if made is None:
        raise WrongCode
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER))


def confirm_enrolment(
    connection: Connection, key: Fernet, account: UUID, code: str, *, source: str | None = None
) -> list[str]:
    """Puts the secret into force and returns the codes to recover by, which nobody sees again.

    Raises:
        WrongCode: The code is not that of the secret, or nothing was begun.
    """
    if has_second_factor(connection, account) or not _accept(connection, key, account, code):
        raise WrongCode
    connection.execute(
        text("UPDATE access.totp_devices SET confirmed_at = clock_timestamp() WHERE account = :account"),
        {"account": account},
    )
    connection.execute(text("DELETE FROM access.recovery_codes WHERE account = :account"), {"account": account})
    codes = [f"{secrets.token_hex(5)}-{secrets.token_hex(5)}" for _ in range(CODES)]
    rows = [{"account": account, "hash": _hash(code)} for code in codes]
    connection.execute(text("INSERT INTO access.recovery_codes (account, hash) VALUES (:account, :hash)"), rows)
    record_event(connection, Event(str(account), "second_factor_added", "account", str(account), source=source))
    return codes


def accept_code(connection: Connection, key: Fernet, account: UUID, code: str) -> bool:
    """Whether a code is right and unused: of the authenticator, or one to recover by. It is used up either way."""
    plain = code.strip().replace(" ", "").lower()
    if plain.isdigit():
        return _accept(connection, key, account, plain)
    return connection.execute(_USE_CODE, {"account": account, "hash": _hash(plain)}).rowcount == 1


def remove_second_factor(connection: Connection, account: UUID, *, author: str, source: str | None = None) -> None:
    """Takes an account's codes away, for somebody who has lost the telephone and the codes to recover by."""
    for table in ("totp_devices", "recovery_codes"):
        connection.execute(text(f"DELETE FROM access.{table} WHERE account = :account"), {"account": account})  # noqa: S608
    record_event(connection, Event(author, "second_factor_removed", "account", str(account), source=source))


def _accept(connection: Connection, key: Fernet, account: UUID, code: str) -> bool:
    """A code counts once: a step that was accepted, and every one before it, is over."""
    digits = code.strip().replace(" ", "")
    row = connection.execute(_DEVICE, {"account": account}).one_or_none()
    if row is None or not (digits.isascii() and digits.isdigit()):
        return False
    totp = pyotp.TOTP(key.decrypt(bytes(row.secret)).decode())
    now = int(datetime.now(UTC).timestamp()) // STEP_S
    for step in range(max(now - SLACK_STEPS, row.last_step + 1), now + SLACK_STEPS + 1):
        if secrets.compare_digest(totp.at(step * STEP_S), digits):
            connection.execute(
                text("UPDATE access.totp_devices SET last_step = :step WHERE account = :account"),
                {"step": step, "account": account},
            )
            return True
    return False


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
