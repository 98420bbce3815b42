"""Commands on accounts: make, list, close, give rights, and the first administrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Final

import typer
from rich.table import Table
from sqlalchemy import Connection, text

from app.console import console, fail, say
from app.database import Database
from app.owner import open_database
from app.settings import Settings
from layers.access import Scope
from layers.errors import LayerError
from layers.grants import Giving, Holder, give
from layers.identity.accounts import add_account, find_account, list_accounts, reset_password, set_account_state
from layers.identity.second_factor import remove_second_factor
from layers.identity.tokens import add_token

accounts_app = typer.Typer(help="Tài khoản · accounts", no_args_is_help=True)
AUTHOR: Final = "local-admin"
FIRST: Final = "admin"
Username = Annotated[str, typer.Argument(help="Tên đăng nhập · user name")]
Unit = Annotated[str | None, typer.Option(help="Mã xã hoặc tỉnh · commune or province code")]


@contextmanager
def _auth(login: str = "diaban_auth") -> Iterator[Connection]:
    try:
        with open_database(Settings()) as database:
            engine = database.engine(login)
            with engine.begin() as connection:
                yield connection
            engine.dispose()
    except LayerError as error:
        fail(error.vi, error.en)
        raise typer.Exit(1) from None


@accounts_app.command("list")
def list_command() -> None:
    """Mọi tài khoản · all accounts."""
    with _auth() as connection:
        accounts = list_accounts(connection)
    table = Table(
        "số · id", "tên · user", "họ tên · name", "đơn vị · unit", "loại · kind", "trạng thái · state", "dùng · used"
    )
    for account in accounts:
        used = f"{account.last_used_at:%Y-%m-%d %H:%M}" if account.last_used_at else "–"
        unit = account.unit_code or "–"
        row = (str(account.id), account.username, account.display_name, unit, account.kind, account.state, used)
        table.add_row(*row)
    console.print(table)


@accounts_app.command("add")
def add_command(
    username: Username,
    name: Annotated[str, typer.Option(help="Họ tên · name to show")] = "",
    unit: Unit = None,
    service: Annotated[bool, typer.Option("--service", help="Chương trình · a program")] = False,
    oidc: Annotated[bool, typer.Option("--oidc", help="Chỉ qua hệ thống chung · by the other service only")] = False,
) -> None:
    """Tạo tài khoản, in mật khẩu dùng một lần · make an account and print its one-time password."""
    kind = "service" if service else "person"
    with _auth() as connection:
        account, password = add_account(
            connection, username, name, author=AUTHOR, unit_code=unit, kind=kind, elsewhere=oidc
        )
    say(f"Đã tạo tài khoản {username}, số {account}", f"made the account {username}, id {account}")
    if password:
        _tell(password)


@accounts_app.command("password")
def password_command(username: Username) -> None:
    """Cấp mật khẩu mới dùng một lần · give a new one-time password."""
    with _auth() as connection:
        password = reset_password(connection, username, author=AUTHOR)
    _tell(password)


@accounts_app.command("disable")
def disable_command(username: Username) -> None:
    """Khóa tài khoản · close an account."""
    with _auth() as connection:
        set_account_state(connection, username, "disabled", author=AUTHOR)
    say(f"Đã khóa {username}", f"closed {username}")


@accounts_app.command("enable")
def enable_command(username: Username) -> None:
    """Mở lại tài khoản · open an account again."""
    with _auth() as connection:
        set_account_state(connection, username, "active", author=AUTHOR)
    say(f"Đã mở {username}", f"opened {username}")


@accounts_app.command("second-factor-off")
def second_factor_off_command(username: Username) -> None:
    """Gỡ xác thực hai bước khi mất điện thoại và mã khôi phục · take away a lost second factor."""
    with _auth() as connection:
        remove_second_factor(connection, find_account(connection, username).id, author=AUTHOR)
    say(f"Đã gỡ xác thực hai bước của {username}", f"took the second factor of {username} away")


@accounts_app.command("token")
def token_command(
    username: Username,
    name: Annotated[str, typer.Argument(help="Mã để làm gì · what it is for")],
    days: Annotated[int, typer.Option(help="Số ngày · days", min=1, max=366)] = 90,
    may_edit: Annotated[bool, typer.Option("--edit", help="Được sửa · may edit")] = False,
) -> None:
    """Tạo mã truy cập cho tài khoản, như của chương trình · make a token for an account, such as a program's."""
    with _auth() as connection:
        account = find_account(connection, username)
        secret = add_token(connection, account.id, name, timedelta(days=days), may_edit=may_edit, author=AUTHOR)
    console.print(secret, highlight=False, soft_wrap=True)


def make_first_administrator(database: Database) -> str | None:
    """Makes the first account, an administrator, and returns its one-time password; None where accounts exist."""
    engine = database.engine("diaban_owner")
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE access.accounts IN EXCLUSIVE MODE"))
        if connection.execute(text("SELECT EXISTS (SELECT FROM access.accounts)")).scalar_one():
            return None
        account, password = add_account(connection, FIRST, "Quản trị hệ thống", author=AUTHOR)
        give(connection, Giving(Holder.ACCOUNT, account, role="administrator"), Scope.local_admin())
    engine.dispose()
    return password


def announce_first_administrator(database: Database) -> None:
    """Makes the first administrator where nobody is there yet, and says the password this once."""
    password = make_first_administrator(database)
    if password is not None:
        say(f"Tài khoản quản trị đầu tiên: {FIRST}", f"the first administrator: {FIRST}")
        _tell(password)


def _tell(password: str) -> None:
    say(
        f"Mật khẩu dùng một lần (7 ngày): {password} — đổi ở trang /account",
        f"one-time password (7 days): {password}; change it at /account",
    )
