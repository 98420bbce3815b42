"""Access tokens for QGIS, ogr2ogr and programs: shown once, kept as hashes, with an end."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import Connection, text

from layers.audit import Event, record_event
from layers.identity.errors import BadAccount, TokenNotFound
from layers.identity.sessions import Holder, token_hash

if TYPE_CHECKING:
    from asyncpg import Connection as AsyncConnection
    from asyncpg import Record

# Begins every token, so that scanners for leaked secrets know one when they see it.
PREFIX: Final = "diaban_"
LONGEST: Final = timedelta(days=366)
_FIND: Final = """
WITH found AS (
    SELECT t.id AS credential, t.may_edit, a.id, a.username, a.display_name, a.unit_code, a.kind
    FROM access.tokens t JOIN access.accounts a ON a.id = t.account
    WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND now() < t.expires_at AND a.state = 'active'
), used AS (
    UPDATE access.accounts a SET last_used_at = now() FROM found f
    WHERE a.id = f.id AND (a.last_used_at IS NULL OR a.last_used_at < now() - interval '1 hour')
)
SELECT f.credential, f.id, f.username, f.display_name, f.unit_code, false AS must_change_password, f.may_edit,
    f.kind = 'service' OR EXISTS (SELECT FROM access.totp_devices d
                                  WHERE d.account = f.id AND d.confirmed_at IS NOT NULL) AS has_second_factor
FROM found f
"""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its holder sees it later: never the secret."""

    id: UUID
    name: str
    may_edit: bool
    created_at: datetime
    expires_at: datetime


def add_token(
    connection: Connection,
    account: UUID,
    name: str,
    lasts: timedelta,
    *,
    may_edit: bool,
    author: str,
    source: str | None = None,
) -> str:
    """Makes a token and returns its secret, which nobody sees again.

    Raises:
        BadAccount: The name is empty or too long, or the token would last longer than a year.
    """
    shown = name.strip()
    if not 1 <= len(shown) <= 100:
        raise BadAccount("name", "Tên mã gồm 1–100 ký tự.", "A token's name has 1 to 100 characters.")
    if not timedelta(0) < lasts <= LONGEST:
        raise BadAccount("days", "Mã truy cập dùng được 1–366 ngày.", "A token lasts 1 to 366 days.")
    secret = f"{PREFIX}{secrets.token_urlsafe(32)}"
    token: UUID = connection.execute(
        text(
            "INSERT INTO access.tokens (token_hash, account, name, may_edit, created_by, expires_at)"
            " VALUES (:hash, :account, :name, :may_edit, :author, now() + :lasts) RETURNING id"
        ),
        {
            "hash": token_hash(secret),
            "account": account,
            "name": shown,
            "may_edit": may_edit,
            "author": author,
            "lasts": lasts,
        },
    ).scalar_one()
    record_event(connection, Event(author, "token_created", "token", str(token), source=source))
    return secret


def list_tokens(connection: Connection, account: UUID) -> Sequence[Token]:
    """The account's tokens in force, newest first."""
    rows = connection.execute(
        text(
            "SELECT id, name, may_edit, created_at, expires_at FROM access.tokens"
            " WHERE account = :account AND revoked_at IS NULL AND now() < expires_at ORDER BY created_at DESC, id"
        ),
        {"account": account},
    )
    return [Token(**row) for row in rows.mappings()]


def revoke_token(connection: Connection, account: UUID, token: UUID, *, author: str, source: str | None = None) -> None:
    """Ends a token.

    Raises:
        TokenNotFound: The account has no such token in force.
    """
    changed = connection.execute(
        text(
            "UPDATE access.tokens SET revoked_at = clock_timestamp(), revoked_by = :author"
            " WHERE id = :id AND account = :account AND revoked_at IS NULL"
        ),
        {"id": token, "account": account, "author": author},
    )
    if changed.rowcount == 0:
        raise TokenNotFound
    record_event(connection, Event(author, "token_revoked", "token", str(token), source=source))


async def find_token(connection: AsyncConnection[Record], secret: str) -> Holder | None:
    """Who a token belongs to, while it is in force."""
    if not secret.startswith(PREFIX):
        return None
    row = await connection.fetchrow(_FIND, token_hash(secret))
    return Holder(**dict(row)) if row else None
