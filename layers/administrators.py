"""The last administrator: somebody must be left who may give rights everywhere."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from layers.errors import LayerError

# One removal at a time: of two administrators who remove each other at once, one stays.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext('diaban.administrators'))")
_ADMINISTRATORS: Final = text(
    "SELECT g.id, g.holder, g.ends_on FROM access.grants g JOIN access.accounts a ON a.id = g.holder"
    " LEFT JOIN access.roles r ON r.slug = g.role"
    " WHERE g.holder_kind = 'account' AND a.kind = 'person' AND a.state = 'active' AND g.taken_at IS NULL"
    " AND g.units IS NULL AND g.starts_on <= (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date"
    " AND (g.ends_on IS NULL OR (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date < g.ends_on)"
    " AND jsonb_path_exists(coalesce(r.rights, jsonb_build_array(g.own_right)),"
    ' \'$[*] ? (@.actions[*] == "administer" && @.areas[*] == "@people")\') ORDER BY g.id'
)


class LastAdministrator(LayerError):
    """Without this account or grant nobody would be left who may give rights everywhere and without an end."""

    def __init__(self) -> None:
        super().__init__(
            "Đây là người quản trị cuối cùng. Hãy cấp vai trò quản trị (mọi xã, không thời hạn) cho một người khác"
            " trước.",
            "This is the last administrator. First give somebody else the role of administrator, everywhere and"
            " without an end.",
        )


def require_another_administrator(
    connection: Connection, *, without_account: UUID | None = None, without_grant: UUID | None = None
) -> None:
    """Makes sure that somebody still administers people once an account is closed or a grant taken.

    Args:
        connection: Auth, writer or owner login, in the transaction of the act; others wait until it ends.
        without_account: The account that is to be closed.
        without_grant: The grant that is to be taken.

    Raises:
        LastAdministrator: Nobody would be left.
    """
    connection.execute(_LOCK)
    rows = connection.execute(_ADMINISTRATORS).all()
    gone = [row for row in rows if without_account == row.holder or without_grant == row.id]
    left = [row for row in rows if row not in gone and row.ends_on is None]
    if gone and not left:
        raise LastAdministrator
