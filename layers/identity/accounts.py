"""Accounts: made, listed, closed and given new passwords by administrators."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from layers.administrators import require_another_administrator
from layers.audit import Event, record_event
from layers.identity.errors import AccountExists, AccountNotFound, BadAccount, SignInRefused
from layers.identity.passwords import check_password, hash_password, one_time_password, verify_password
from layers.identity.rules import STANDARD, AccountRules

ONE_TIME_LASTS: Final = timedelta(days=7)
_USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{1,99}")
_UNIT: Final = re.compile(r"[0-9]{2}|[0-9]{5}")
_COLUMNS: Final = "id, username, display_name, unit_code, kind, state, must_change_password, created_at, last_used_at"
_LIST: Final = text(f"SELECT {_COLUMNS} FROM access.accounts ORDER BY username")  # noqa: S608 - a constant's names
_FIND: Final = text(f"SELECT {_COLUMNS} FROM access.accounts WHERE username = :username")  # noqa: S608 - likewise
_ADD: Final = text(
    "INSERT INTO access.accounts (username, display_name, unit_code, kind, must_change_password, created_by)"
    " VALUES (:username, :display_name, :unit_code, :kind, :kind = 'person' AND NOT :elsewhere, :author)"
    " ON CONFLICT (username) DO NOTHING RETURNING id"
)
_SET_PASSWORD: Final = text(
    "INSERT INTO access.passwords (account, hash, expires_at) VALUES (:account, :hash, now() + :lasts)"
    " ON CONFLICT (account) DO UPDATE SET hash = excluded.hash, changed_at = clock_timestamp(),"
    " expires_at = excluded.expires_at"
)
_SET_STATE: Final = text(
    "UPDATE access.accounts SET active_since = CASE WHEN :state = 'active' AND state <> 'active'"
    " THEN clock_timestamp() ELSE active_since END, state = :state WHERE id = :id"
)
_REVOKE_TOKENS: Final = text(
    "UPDATE access.tokens SET revoked_at = clock_timestamp(), revoked_by = :author"
    " WHERE account = :account AND revoked_at IS NULL"
)
_END_SESSIONS: Final = text(
    "UPDATE access.sessions SET ended_at = clock_timestamp() WHERE account = :account AND ended_at IS NULL"
    " AND id IS DISTINCT FROM :kept"
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as administrators see it."""

    id: UUID
    username: str
    display_name: str
    unit_code: str | None
    kind: str
    state: str
    must_change_password: bool
    created_at: datetime
    last_used_at: datetime | None


def folded_username(given: str) -> str:
    """The one form of a user name (NFKC, lower case)."""
    return unicodedata.normalize("NFKC", given).strip().casefold()


def list_accounts(connection: Connection) -> list[Account]:
    """All accounts, by user name."""
    return [Account(**row) for row in connection.execute(_LIST).mappings()]


def find_account(connection: Connection, username: str) -> Account:
    """The account of a user name.

    Raises:
        AccountNotFound: There is none.
    """
    row = connection.execute(_FIND, {"username": folded_username(username)}).mappings().one_or_none()
    if row is None:
        raise AccountNotFound(username)
    return Account(**row)


def require_account(connection: Connection, account: UUID) -> None:
    """Makes sure that there is an account of this id.

    Raises:
        AccountNotFound: There is none.
    """
    known = text("SELECT EXISTS (SELECT FROM access.accounts WHERE id = :id)")
    if not connection.execute(known, {"id": account}).scalar_one():
        raise AccountNotFound(str(account))


def add_account(
    connection: Connection,
    username: str,
    display_name: str,
    *,
    author: str,
    unit_code: str | None = None,
    kind: str = "person",
    source: str | None = None,
    elsewhere: bool = False,
) -> tuple[UUID, str | None]:
    """Makes an account and returns its id and a one-time password; a service account gets tokens instead.

    Args:
        connection: The auth login, inside a transaction.
        username: Letters without marks, digits and ``. _ @ -``.
        display_name: Name to show.
        author: Who makes it.
        unit_code: Commune or province that the person belongs to.
        kind: ``person`` or ``service``.
        source: Address and port that the request came from.
        elsewhere: Whether the person signs in through another service only, and gets no password here.

    Raises:
        BadAccount: A value cannot be used.
        AccountExists: The user name is taken.
    """
    name = folded_username(username)
    if not _USERNAME.fullmatch(name):
        raise BadAccount(
            "username",
            "Tên đăng nhập gồm 2–100 ký tự a–z, 0–9 và . _ @ -; hãy bỏ dấu và khoảng trắng.",
            "A user name has 2 to 100 of a-z, 0-9 and . _ @ -; leave out marks and blanks.",
        )
    if unit_code is not None and not _UNIT.fullmatch(unit_code):
        raise BadAccount(
            "unit_code",
            "Mã đơn vị gồm 2 chữ số (tỉnh) hoặc 5 chữ số (xã).",
            "A unit code has 2 digits (province) or 5 (commune).",
        )
    shown = unicodedata.normalize("NFC", display_name).strip()[:200] or name
    values = {"username": name, "display_name": shown, "unit_code": unit_code, "kind": kind, "author": author}
    account: UUID | None = connection.execute(_ADD, {**values, "elsewhere": elsewhere}).scalar_one_or_none()
    if account is None:
        raise AccountExists(name)
    password = None
    if kind == "person" and not elsewhere:
        password = one_time_password()
        _store(connection, account, password, lasts=ONE_TIME_LASTS)
    detail = {"kind": kind}
    event = Event(author, "account_created", "account", str(account), unit_code=unit_code, source=source, detail=detail)
    record_event(connection, event)
    return account, password


def reset_password(connection: Connection, username: str, *, author: str, source: str | None = None) -> str:
    """A new one-time password for an account; its sessions end.

    Raises:
        AccountNotFound: There is no such account.
    """
    account = find_account(connection, username)
    password = one_time_password()
    _store(connection, account.id, password, lasts=ONE_TIME_LASTS)
    connection.execute(
        text("UPDATE access.accounts SET must_change_password = true WHERE id = :id"), {"id": account.id}
    )
    connection.execute(_END_SESSIONS, {"account": account.id, "kept": None})
    record_event(connection, Event(author, "password_reset", "account", str(account.id), source=source))
    return password


def change_password(
    connection: Connection,
    account: UUID,
    old: str,
    new: str,
    *,
    session: UUID | None = None,
    source: str | None = None,
    rules: AccountRules = STANDARD,
) -> None:
    """The holder's own change; every other session of theirs ends.

    Raises:
        SignInRefused: The old password is wrong.
        WeakPassword: The new one breaks a rule.
    """
    row = connection.execute(
        text(
            "SELECT a.username, p.hash, EXISTS (SELECT FROM access.totp_devices d WHERE d.account = a.id"
            " AND d.confirmed_at IS NOT NULL) AS has_second_factor"
            " FROM access.accounts a JOIN access.passwords p ON p.account = a.id"
            " WHERE a.id = :id FOR UPDATE OF p"
        ),
        {"id": account},
    ).one_or_none()
    if not verify_password(old, row.hash if row else None) or row is None:
        raise SignInRefused
    check_password(new, row.username, rules, has_second_factor=row.has_second_factor)
    _store(connection, account, new, lasts=None)
    connection.execute(text("UPDATE access.accounts SET must_change_password = false WHERE id = :id"), {"id": account})
    connection.execute(_END_SESSIONS, {"account": account, "kept": session})
    record_event(connection, Event(str(account), "password_changed", "account", str(account), source=source))


def set_account_state(
    connection: Connection, username: str, state: str, *, author: str, source: str | None = None
) -> None:
    """Closes (``disabled``) or opens (``active``) an account; closing ends its sessions and tokens for good.

    Raises:
        AccountNotFound: There is no such account.
        LastAdministrator: Nobody would be left who may give rights.
    """
    account = find_account(connection, username)
    if state != "active":
        require_another_administrator(connection, without_account=account.id)
    connection.execute(_SET_STATE, {"state": state, "id": account.id})
    if state != "active":
        connection.execute(_END_SESSIONS, {"account": account.id, "kept": None})
        connection.execute(_REVOKE_TOKENS, {"account": account.id, "author": author})
    record_event(connection, Event(author, f"account_{state}", "account", str(account.id), source=source))


def _store(connection: Connection, account: UUID, password: str, *, lasts: timedelta | None) -> None:
    connection.execute(_SET_PASSWORD, {"account": account, "hash": hash_password(password), "lasts": lasts})
