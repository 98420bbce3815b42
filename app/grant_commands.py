"""Commands on rights: the roles, who holds which, giving and taking back, and what one person may do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from app.console import console, say
from app.owner import owner_engine
from layers.access import Scope, Units
from layers.grants import Giving, Holder, give, list_grants, list_roles, load_scope, take
from layers.powers import powers_of

grants_app = typer.Typer(help="Quyền · rights given to people and agencies", no_args_is_help=True)
SHOWN_UNITS = 4
AgencyIds = Annotated[list[UUID] | None, typer.Option("--agency", help="Cơ quan của người đó · agency of theirs")]


@grants_app.command("roles")
def roles_command() -> None:
    """Xem các vai trò · list the roles."""
    with owner_engine() as engine, engine.connect() as connection:
        roles = list_roles(connection)
    table = Table("vai trò · role", "tên", "title", box=None)
    for role in roles:
        table.add_row(role.slug, escape(role.title.vi), escape(role.title.en))
    console.print(table)


@grants_app.command("list")
def list_command(
    holder: Annotated[UUID | None, typer.Argument(help="Tài khoản hoặc cơ quan · account or agency")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Cả quyền đã thu hồi · those taken back too")] = False,
) -> None:
    """Xem các quyền đã cấp, cũ nhất trước · list what has been given, oldest first."""
    with owner_engine() as engine, engine.connect() as connection:
        grants = list_grants(connection, holder, ended=ended)
    table = Table("số · id", "cho · holder", "vai trò · role", "nơi · where", "từ · from", "đến · until", "", box=None)
    for given in grants:
        who = f"{given.holder_kind} {given.holder}"
        taken = f"thu hồi · taken {given.taken_at:%Y-%m-%d}" if given.taken_at else ""
        until = str(given.ends_on or "")
        what = given.role or "quyền riêng · own right"
        table.add_row(str(given.id), who, what, _where(given.units), str(given.starts_on), until, taken)
    console.print(table)


@grants_app.command("give")
def give_command(
    kind: Annotated[Holder, typer.Argument(help="account | agency")],
    holder: Annotated[UUID, typer.Argument(help="Mã tài khoản hoặc cơ quan · id of the account or agency")],
    role: Annotated[str, typer.Argument(help="Vai trò, xem: diaban grants roles · role")],
    unit: Annotated[list[str] | None, typer.Option(help="Mã xã (5 số) hoặc tỉnh (2 số) · commune, province")] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Mọi xã · in every commune")] = False,
    starts: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Ngày đầu · first day")
    ] = None,
    ends: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Trước ngày · until")] = None,
    reason: Annotated[str, typer.Option(help="Lý do, số quyết định · reason, number of the decision")] = "",
) -> None:
    """Cấp một vai trò · give a role."""
    if bool(unit) == everywhere:
        raise typer.BadParameter("Nêu --unit hoặc --everywhere · give either --unit or --everywhere")
    giving = Giving(
        kind,
        holder,
        role,
        units=None if everywhere else frozenset(unit or ()),
        starts_on=starts.date() if starts else None,
        ends_on=ends.date() if ends else None,
        reason=reason,
    )
    with owner_engine() as engine, engine.begin() as connection:
        grant_id = give(connection, giving, Scope.local_admin())
    say(f"Đã cấp quyền số {grant_id}", f"given as grant {grant_id}")


@grants_app.command("take")
def take_command(grant_id: Annotated[UUID, typer.Argument(help="Số quyền · id of the grant")]) -> None:
    """Thu hồi một quyền ngay · take a grant back at once."""
    with owner_engine() as engine, engine.begin() as connection:
        take(connection, grant_id, Scope.local_admin())
    say(f"Đã thu hồi quyền số {grant_id}", f"grant {grant_id} is taken back")


@grants_app.command("show")
def show_command(
    account: Annotated[UUID, typer.Argument(help="Tài khoản · account")], agency: AgencyIds = None
) -> None:
    """Người này được làm gì hôm nay · what this person may do today."""
    with owner_engine() as engine, engine.connect() as connection:
        loaded = load_scope(connection, account, agency or ())
    say(f"Vai trò: {', '.join(loaded.roles) or 'không có'}", f"roles: {', '.join(loaded.roles) or 'none'}")
    table = Table("đối với · on", "việc · action", "nơi · where", box=None)
    for power in powers_of(loaded.scope):
        table.add_row(power.target, power.action.value, _where(power.units))
    console.print(table)


def _where(units: Units) -> str:
    if units is None:
        return "mọi xã · everywhere"
    names = ", ".join(sorted(units)[:SHOWN_UNITS])
    return names if len(units) <= SHOWN_UNITS else f"{names} … ({len(units)})"
