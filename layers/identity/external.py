"""Signing in through another service (OpenID Connect): the person it names must have an account here already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from layers.audit import Event, Outcome, record_event
from layers.errors import LayerError
from layers.identity.accounts import folded_username
from layers.identity.rules import STANDARD, AccountRules
from layers.identity.second_factor import has_second_factor
from layers.identity.sessions import open_session

_ACCOUNT: Final = text("SELECT id, state FROM access.accounts WHERE username = :username AND kind = 'person'")


class UnknownPerson(LayerError):
    """The other service named somebody who has no open account here."""

    def __init__(self) -> None:
        super().__init__(
            "Hệ thống đăng nhập chung đã xác nhận, nhưng ở đây chưa có tài khoản đang mở cho người này. Hãy nhờ quản"
            " trị tạo hoặc mở tài khoản.",
            "The other service has confirmed you, but there is no open account for you here. Ask an administrator to"
            " make or open one.",
        )


class SecondProofNeeded(LayerError):
    """The account has a second factor, and the other service does not say that it asked for one."""

    def __init__(self) -> None:
        super().__init__(
            "Tài khoản này có xác thực hai bước, mà hệ thống đăng nhập chung không báo đã xác thực hai bước. Hãy đăng"
            " nhập bằng mật khẩu và mã ở đây.",
            "This account has a second factor, and the other service does not say that it asked for one. Sign in here"
            " with password and code.",
        )


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Whom another service has confirmed.

    Attributes:
        issuer: The service.
        username: The claim that stands for the user name.
        is_proven_twice: Whether the service says that it asked for more than a password.
    """

    issuer: str
    username: str
    is_proven_twice: bool


def sign_in_confirmed(
    connection: Connection, confirmed: Confirmed, *, source: str | None, rules: AccountRules = STANDARD
) -> str | LayerError:
    """Opens a session for a person whom another service has confirmed; rights are those that the account has.

    As with a password, a refusal is recorded and so is returned rather than raised: the transaction must stand.

    Args:
        connection: The auth login, inside a transaction.
        confirmed: Whom, and by which service.
        source: Address and port that the request came from.
        rules: When the session ends.
    """
    name = folded_username(confirmed.username)[:200]
    row = connection.execute(_ACCOUNT, {"username": name}).one_or_none()
    detail = {"issuer": confirmed.issuer}
    refusal: LayerError | None = None
    if row is None or row.state != "active":
        refusal = UnknownPerson()
    elif has_second_factor(connection, row.id) and not confirmed.is_proven_twice:
        refusal = SecondProofNeeded()
    subject = str(row.id) if row else "unknown"
    if row is None or refusal is not None:
        event = Event(subject, "sign_in", "account", subject, Outcome.REFUSED, source=source, detail=detail)
        record_event(connection, event)
        return refusal or UnknownPerson()
    return open_session(connection, row.id, source=source, rules=rules, detail=detail)
