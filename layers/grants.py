"""Roles and grants in the database: who holds which rights, where and until when, and the scope that follows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import yaml
from sqlalchemy import Connection, text

from layers.access import Grant, Scope, Units
from layers.administrators import require_another_administrator
from layers.audit import Event, Outcome, record_event
from layers.definition import Label, Sensitivity
from layers.errors import LayerError
from layers.giving import require_to_give
from layers.rights import Action, Area, InvalidRight, NotAllowed, Right, Role, right_from_json, right_to_json

if TYPE_CHECKING:
    from asyncpg import Connection as AsyncConnection
    from asyncpg import Record

_HERE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_ROLES_FILE: Final = Path(__file__).parent / "roles.yaml"
_SCOPE: Final = text("SELECT access.scope_of(:account, :agencies)::text")
_SCOPE_ASYNC: Final = "SELECT access.scope_of($1, $2)::text"
_PUT_ROLE: Final = text(
    "INSERT INTO access.roles (slug, title_vi, title_en, rights, built_in)"
    " VALUES (:slug, :title_vi, :title_en, CAST(:rights AS jsonb), true) ON CONFLICT (slug) DO UPDATE"
    " SET title_vi = excluded.title_vi, title_en = excluded.title_en, rights = excluded.rights, built_in = true"
)
_ROLES: Final = text("SELECT slug, title_vi, title_en, rights FROM access.roles ORDER BY slug")
_GIVE: Final = text(
    "INSERT INTO access.grants (holder_kind, holder, role, own_right, units, starts_on, ends_on, reason, given_by)"
    " VALUES (:kind, :holder, :role, CAST(:own_right AS jsonb), :units,"
    " coalesce(:starts_on, (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date), :ends_on, :reason, :given_by) RETURNING id"
)
_TAKE: Final = text(
    "UPDATE access.grants SET taken_by = :taken_by, taken_at = clock_timestamp() WHERE id = :id AND taken_at IS NULL"
)
_COLUMNS: Final = (
    "id, holder_kind, holder, role, own_right, units, starts_on, ends_on, reason, given_by, given_at,"
    " taken_by, taken_at"
)
_OF_HOLDER: Final = text(
    f"SELECT {_COLUMNS} FROM access.grants"  # noqa: S608 - a constant's names
    " WHERE (CAST(:holder AS uuid) IS NULL OR holder = :holder) AND (:ended OR taken_at IS NULL)"
    " AND (CAST(:within AS text[]) IS NULL OR units <@ :within)"
    " ORDER BY given_at, id LIMIT :limit"
)
_ONE: Final = text(f"SELECT {_COLUMNS} FROM access.grants WHERE id = :id FOR UPDATE")  # noqa: S608 - likewise


class Holder(StrEnum):
    """Who rights are given to."""

    ACCOUNT = "account"
    AGENCY = "agency"


class GrantNotFound(LayerError):
    """No grant in force has this id."""

    def __init__(self, grant_id: object) -> None:
        super().__init__(
            f"Không có quyền đã cấp mang số “{grant_id}”, hoặc đã thu hồi. Xem danh sách bằng diaban grants list.",
            f'No grant "{grant_id}" is in force. List them with diaban grants list.',
        )


class OwnRights(LayerError):
    """Somebody gives a right to themselves or to an agency that they belong to."""

    def __init__(self) -> None:
        super().__init__(
            "Không ai tự cấp quyền cho mình hoặc cho cơ quan của mình. Hãy nhờ một người quản trị khác.",
            "Nobody gives rights to themselves or to their own agency. Ask another administrator.",
        )


@dataclass(frozen=True, slots=True)
class Giving:
    """A grant as it is asked for: a role, or one right of its own.

    Attributes:
        units: Codes of communes or provinces; None for everywhere.
        starts_on: First day; None for today.
        ends_on: First day on which it holds no more; None for no end.
    """

    holder_kind: Holder
    holder: UUID
    role: str | None = None
    own_right: Right | None = None
    units: frozenset[str] | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """A grant as the database keeps it; ended ones are kept too."""

    id: UUID
    holder_kind: Holder
    holder: UUID
    role: str | None
    own_right: Right | None
    units: frozenset[str] | None
    starts_on: date
    ends_on: date | None
    reason: str
    given_by: str
    given_at: datetime
    taken_by: str | None
    taken_at: datetime | None


@cache
def built_in_roles() -> tuple[Role, ...]:
    """The roles that ship with the product (catalogue, A10)."""
    document = yaml.safe_load(_ROLES_FILE.read_text(encoding="utf-8"))
    return tuple(
        Role(slug, Label(**role["title"]), tuple(right_from_json(right, parameter=slug) for right in role["rights"]))
        for slug, role in document.items()
    )


def put_built_in_roles(connection: Connection) -> None:
    """Brings the shipped roles into the database, as their file now says; roles of one's own are left alone."""
    for role in built_in_roles():
        rights = json.dumps([right_to_json(right) for right in role.rights])
        values = {"slug": role.slug, "title_vi": role.title.vi, "title_en": role.title.en, "rights": rights}
        connection.execute(_PUT_ROLE, values)


def list_roles(connection: Connection) -> list[Role]:
    """All roles, by slug."""
    return [
        Role(row.slug, Label(row.title_vi, row.title_en), tuple(right_from_json(item) for item in row.rights))
        for row in connection.execute(_ROLES)
    ]


@dataclass(frozen=True, slots=True)
class LoadedScope:
    """A scope and the roles that it comes from."""

    scope: Scope
    roles: tuple[str, ...]


def load_scope(connection: Connection, account: UUID, agencies: Sequence[UUID] = ()) -> LoadedScope:
    """The scope of an account today.

    Args:
        connection: Owner or writer.
        account: The account's id; it becomes the scope's subject.
        agencies: Agencies that the account belongs to.
    """
    found = connection.execute(_SCOPE, {"account": account, "agencies": list(agencies)}).scalar_one()
    return _read_scope(str(account), json.loads(found))


async def load_scope_async(
    connection: AsyncConnection[Record], account: UUID, agencies: Sequence[UUID] = ()
) -> LoadedScope:
    """The same on an asyncpg connection of the writer login, in one round trip."""
    return _read_scope(str(account), json.loads(await connection.fetchval(_SCOPE_ASYNC, account, list(agencies))))


def account_of(scope: Scope) -> UUID | None:
    """The account whose scope it is; None for the public and the operator of the machine."""
    try:
        return UUID(scope.subject)
    except ValueError:
        return None


def _read_scope(subject: str, found: Mapping[str, Any]) -> LoadedScope:
    communes: Mapping[str, list[str]] = found["communes"]
    grants: list[Grant] = []
    for given in found["grants"]:
        units = _spelled_out(given["units"], communes)
        rights = map(right_from_json, given["rights"])
        grants += [Grant(right, None if right.everywhere else units) for right in rights]
    layers = {slug: Sensitivity(word) for slug, word in found["layers"].items()}
    roles = tuple(sorted({given["role"] for given in found["grants"] if given["role"]}))
    return LoadedScope(Scope(subject, tuple(grants), layers), roles)


def _spelled_out(units: list[str] | None, communes: Mapping[str, list[str]]) -> Units:
    if units is None:
        return None
    return frozenset(units).union(*(communes.get(code, ()) for code in units))


def give(
    connection: Connection,
    giving: Giving,
    giver: Scope,
    *,
    own_agencies: Iterable[UUID] = (),
    source: str | None = None,
) -> UUID:
    """Gives a role or a right and returns the grant's id, with its event in the same transaction.

    Args:
        connection: Owner or writer, inside a transaction.
        giving: What is given.
        giver: Who gives; must administer people in every commune that the grant is for.
        own_agencies: Agencies that the giver belongs to.
        source: Address and port that the request came from.

    Raises:
        OwnRights: The giver would give to themselves (four eyes).
        NotAllowed: The giver may not administer people there, or would give more than they hold or administer.
        InvalidRight: The role is unknown, or a unit or the dates make no sense.
    """
    if str(giving.holder) == giver.subject or giving.holder in set(own_agencies):
        raise OwnRights
    _require_administering(giver, giving.units)
    for right in _check(connection, giving):
        require_to_give(giver, right, giving.units)
    own = None if giving.own_right is None else json.dumps(right_to_json(giving.own_right))
    values = {
        "kind": giving.holder_kind.value,
        "holder": giving.holder,
        "role": giving.role,
        "own_right": own,
        "units": None if giving.units is None else sorted(giving.units),
        "starts_on": giving.starts_on,
        "ends_on": giving.ends_on,
        "reason": giving.reason,
        "given_by": giver.subject,
    }
    grant_id = UUID(str(connection.execute(_GIVE, values).scalar_one()))
    record_event(connection, _event("right_given", grant_id, giver, giving, source=source))
    return grant_id


def take(connection: Connection, grant_id: UUID, taker: Scope, *, source: str | None = None) -> None:
    """Ends a grant at once; it stays on record.

    Raises:
        GrantNotFound: No grant in force has this id.
        NotAllowed: The taker may not administer people there.
        LastAdministrator: Nobody would be left who may give rights.
    """
    row = connection.execute(_ONE, {"id": grant_id}).one_or_none()
    if row is None or row.taken_at is not None:
        raise GrantNotFound(grant_id)
    given = _given(row)
    _require_administering(taker, given.units)
    require_another_administrator(connection, without_grant=grant_id)
    connection.execute(_TAKE, {"id": grant_id, "taken_by": taker.subject})
    record_event(connection, _event("right_taken", grant_id, taker, given, source=source))


def list_grants(
    connection: Connection,
    holder: UUID | None = None,
    *,
    ended: bool = False,
    limit: int = 1000,
    within: Units = None,
) -> list[Given]:
    """Grants of one holder or of all, oldest first; with ``ended`` those taken back too.

    Args:
        connection: Owner or writer.
        holder: The account or agency; None for all.
        ended: Whether those taken back are wanted too.
        limit: At most so many.
        within: Only grants that hold in these communes and nowhere else; None for all.
    """
    values = {"holder": holder, "ended": ended, "limit": limit, "within": None if within is None else sorted(within)}
    return [_given(row) for row in connection.execute(_OF_HOLDER, values)]


def record_refusal(connection: Connection, giving: Giving, giver: Scope, *, source: str | None = None) -> None:
    """Writes down that a grant was refused; in a transaction of its own, as the act's has been rolled back."""
    event = _event("right_given", giving.holder, giver, giving, outcome=Outcome.REFUSED, source=source)
    record_event(connection, event)


def _require_administering(scope: Scope, units: Units) -> None:
    wanted: Iterable[str | None] = [None] if units is None else units
    if not all(scope.may(Action.ADMINISTER, Area.PEOPLE, unit) for unit in wanted):
        raise NotAllowed(Action.ADMINISTER, Area.PEOPLE)


def _check(connection: Connection, giving: Giving) -> tuple[Right, ...]:
    """The rights that would be given, after what is asked for has been found to make sense."""
    if (giving.role is None) == (giving.own_right is None):
        raise InvalidRight("Hãy nêu vai trò hoặc một quyền, không cả hai.", "Name a role or a right, not both.")
    rights = _rights(connection, giving)
    for unit in sorted(giving.units or ()):
        if not (unit.isascii() and unit.isdigit() and len(unit) in (2, 5)):
            raise InvalidRight(
                f"“{unit[:20]}” không phải mã tỉnh (2 chữ số) hay mã xã (5 chữ số).",
                f'"{unit[:20]}" is neither the code of a province (2 digits) nor of a commune (5 digits).',
                parameter="units",
            )
    if giving.units is not None and not giving.units:
        raise InvalidRight("Danh sách đơn vị rỗng.", "The list of units is empty.", parameter="units")
    # Where no start is given it is today, in Vietnam.
    if giving.ends_on is not None and giving.ends_on <= (giving.starts_on or datetime.now(_HERE).date()):
        raise InvalidRight(
            "Ngày hết hạn phải sau ngày bắt đầu.", "The end must come after the start.", parameter="ends_on"
        )
    return rights


def _rights(connection: Connection, giving: Giving) -> tuple[Right, ...]:
    if giving.own_right is not None:
        return (giving.own_right,)
    known = {role.slug: role.rights for role in list_roles(connection)}
    if giving.role not in known:
        named = str(giving.role)[:60]
        raise InvalidRight(
            f"Không có vai trò “{named}”; hãy dùng một trong: {', '.join(known)}.",
            f'There is no role "{named}"; use one of: {", ".join(known)}.',
            parameter="role",
        )
    return known[giving.role]


def _event(
    action: str,
    object_id: UUID,
    actor: Scope,
    grant: Giving | Given,
    *,
    outcome: Outcome = Outcome.DONE,
    source: str | None = None,
) -> Event:
    detail: dict[str, str | list[str] | None] = {
        "holder_kind": grant.holder_kind.value,
        "holder": str(grant.holder),
        "role": grant.role,
        "units": None if grant.units is None else sorted(grant.units),
        "ends_on": grant.ends_on.isoformat() if grant.ends_on else None,
    }
    if grant.own_right is not None:
        detail["right"] = json.dumps(right_to_json(grant.own_right), sort_keys=True)
    return Event(actor.subject, action, "grant", str(object_id), outcome, source=source, detail=detail)


def _given(row: Any) -> Given:
    return Given(
        id=row.id,
        holder_kind=Holder(row.holder_kind),
        holder=row.holder,
        role=row.role,
        own_right=right_from_json(row.own_right) if row.own_right else None,
        units=None if row.units is None else frozenset(row.units),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        reason=row.reason,
        given_by=row.given_by,
        given_at=row.given_at,
        taken_by=row.taken_by,
        taken_at=row.taken_at,
    )
