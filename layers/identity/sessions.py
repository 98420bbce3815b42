"""Signing in with a password: attempts are counted, sessions end by idleness and by age."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from cryptography.fernet import Fernet
from sqlalchemy import Connection, text

from layers.audit import Detail, Event, Outcome, record_event
from layers.errors import LayerError
from layers.identity.accounts import folded_username
from layers.identity.errors import SecondFactorNeeded, SignInRefused, TooManyFailures, WrongCode
from layers.identity.passwords import verify_password
from layers.identity.rules import STANDARD, AccountRules
from layers.identity.second_factor import accept_code, has_second_factor

if TYPE_CHECKING:
    from asyncpg import Connection as AsyncConnection
    from asyncpg import Record

AGE: Final = timedelta(hours=12)
# So many failures from one address in a row; then the wait doubles with each.
MAX_FAILURES_OF_ADDRESS: Final = 50
_BLOCKED: Final = text(
    "SELECT coalesce(ceil(extract(epoch FROM max(blocked_until) - clock_timestamp())), 0)"
    " FROM access.failures WHERE key = ANY (:keys) AND blocked_until > clock_timestamp()"
)
_FAIL: Final = text(
    "INSERT INTO access.failures AS f (key, failure_count, last_at, blocked_until)"
    " VALUES (:key, 1, clock_timestamp(), clock_timestamp()) ON CONFLICT (key) DO UPDATE SET"
    " failure_count = CASE WHEN f.last_at < clock_timestamp() - interval '1 day' THEN 1 ELSE f.failure_count + 1 END,"
    " last_at = clock_timestamp(),"
    " blocked_until = CASE WHEN f.failure_count + 1 < :most OR f.last_at < clock_timestamp() - interval '1 day'"
    " THEN clock_timestamp() ELSE clock_timestamp()"
    " + make_interval(secs => least(:longest, :first * 2 ^ least(f.failure_count + 1 - :most, 20))) END"
    " RETURNING blocked_until > clock_timestamp()"
)
_ACCOUNT: Final = text(
    "SELECT a.id, a.state, p.hash FROM access.accounts a JOIN access.passwords p ON p.account = a.id"
    " WHERE a.username = :username AND a.kind = 'person' AND (p.expires_at IS NULL OR p.expires_at > now())"
)
_OPEN: Final = text(
    "INSERT INTO access.sessions (token_hash, account, address, idle, ends_at)"
    " VALUES (:hash, :account, :address, :idle, now() + :age)"
)
_FOUND: Final = """
WITH found AS (
    SELECT s.id, s.account, s.seen_at FROM access.sessions s
    WHERE s.token_hash = $1 AND s.ended_at IS NULL AND now() < s.ends_at AND now() < s.seen_at + s.idle
), seen AS (
    UPDATE access.sessions s SET seen_at = now() FROM found f
    WHERE s.id = f.id AND f.seen_at < now() - interval '1 minute'
)
SELECT f.id AS credential, a.id, a.username, a.display_name, a.unit_code, a.must_change_password, true AS may_edit,
    EXISTS (SELECT FROM access.totp_devices d
            WHERE d.account = a.id AND d.confirmed_at IS NOT NULL) AS has_second_factor
FROM found f JOIN access.accounts a ON a.id = f.account WHERE a.state = 'active'
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody signs in with, as typed; the code may be empty."""

    username: str
    password: str = field(repr=False)
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Holder:
    """The account behind a session or a token.

    Attributes:
        credential: Id of the session or token.
        may_edit: Whether the credential allows more than reading.
        has_second_factor: Whether the account has one; programs need none.
    """

    credential: UUID
    id: UUID
    username: str
    display_name: str
    unit_code: str | None
    must_change_password: bool
    may_edit: bool
    has_second_factor: bool


def token_hash(token: str) -> bytes:
    """What the database keeps of a session's or token's secret; it has 256 random bits, so that needs no salt."""
    return hashlib.sha256(token.encode()).digest()


def sign_in(
    connection: Connection, key: Fernet, given: Proof, *, source: str | None, rules: AccountRules = STANDARD
) -> str | LayerError:
    """Opens a session and returns its secret; else what to tell, for the caller to raise after the commit.

    A failure is counted and recorded, and so is returned rather than raised: the transaction must stand.

    Args:
        connection: The auth login, inside a transaction.
        key: What secrets of the second factor are encrypted with.
        given: What was typed.
        source: Address and port that the request came from.
        rules: How failures are slowed down, and when the session ends.
    """
    name, address = folded_username(given.username)[:200], (source or "").rpartition(":")[0]
    keys = {_key("name", name): rules.max_failures, _key("address", address): MAX_FAILURES_OF_ADDRESS}
    wait = int(connection.execute(_BLOCKED, {"keys": list(keys)}).scalar_one())
    if wait:
        return TooManyFailures(wait)
    row = connection.execute(_ACCOUNT, {"username": name}).one_or_none()
    right = verify_password(given.password, row.hash if row else None)
    refusal: LayerError | None = None
    if row is None or not right or row.state != "active":
        refusal = SignInRefused()
    elif has_second_factor(connection, row.id):
        if not given.code.strip():
            return SecondFactorNeeded()
        if not accept_code(connection, key, row.id, given.code):
            refusal = WrongCode()
    if row is None or refusal is not None:
        _count_failure(connection, keys, str(row.id) if row else "unknown", source, rules)
        return refusal or SignInRefused()
    connection.execute(text("DELETE FROM access.failures WHERE key = ANY (:keys)"), {"keys": list(keys)})
    return open_session(connection, row.id, source=source, rules=rules)


def open_session(
    connection: Connection, account: UUID, *, source: str | None, rules: AccountRules, detail: Detail | None = None
) -> str:
    """Opens a session for somebody who has proved who they are, and returns its secret, with its event.

    Args:
        connection: The auth login, inside a transaction.
        account: Whose it is.
        source: Address and port that the request came from.
        rules: When it ends.
        detail: What the event says besides.
    """
    token, address = secrets.token_urlsafe(32), (source or "").rpartition(":")[0]
    values = {"hash": token_hash(token), "account": account, "address": address or None, "idle": rules.idle, "age": AGE}
    connection.execute(_OPEN, values)
    connection.execute(text("UPDATE access.accounts SET last_used_at = now() WHERE id = :id"), {"id": account})
    record_event(
        connection, Event(str(account), "sign_in", "account", str(account), source=source, detail=detail or {})
    )
    return token


def _count_failure(
    connection: Connection, keys: Mapping[bytes, int], subject: str, source: str | None, rules: AccountRules
) -> None:
    waits = {"first": rules.first_wait.total_seconds(), "longest": rules.longest_wait.total_seconds()}
    blocked = [
        bool(connection.execute(_FAIL, {"key": key, "most": most, **waits}).scalar_one()) for key, most in keys.items()
    ]
    # What is tried during the wait is not looked at; that there is one is on record here.
    detail: Detail = {"wait_began": True} if any(blocked) else {}
    record_event(
        connection, Event(subject, "sign_in", "account", subject, Outcome.REFUSED, source=source, detail=detail)
    )


async def find_session(connection: AsyncConnection[Record], token: str) -> Holder | None:
    """Who a session's secret belongs to, while it lasts."""
    row = await connection.fetchrow(_FOUND, token_hash(token))
    return Holder(**dict(row)) if row else None


def end_session(connection: Connection, token: str, *, source: str | None) -> None:
    """Ends a session; one that has ended already stays so."""
    account = connection.execute(
        text(
            "UPDATE access.sessions SET ended_at = clock_timestamp() WHERE token_hash = :hash AND ended_at IS NULL"
            " RETURNING account"
        ),
        {"hash": token_hash(token)},
    ).scalar_one_or_none()
    if account is not None:
        record_event(connection, Event(str(account), "sign_out", "account", str(account), source=source))


def _key(kind: str, value: str) -> bytes:
    return hashlib.blake2b(value.encode(), digest_size=32, person=kind.encode()).digest()
