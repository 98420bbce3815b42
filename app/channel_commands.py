"""Commands on channels: where notifications go, added, tried and removed by the operator."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from app.console import console, fail, say
from app.owner import owner_engine
from app.sending.courier import Courier
from app.sending.senders import senders_of, webhook_key
from app.sending.webhook import secret_of
from app.settings import Settings
from layers.access import Scope
from scenarios.notifying.channel import Channel, ChannelKind, Draft, Language, Pace, Wanted
from scenarios.notifying.channels import add_channel, list_channels, remove_channel, try_channel
from scenarios.notifying.log import Delivery, DeliveryFilter, DeliveryState, list_deliveries
from scenarios.outcomes import Level

channels_app = typer.Typer(help="Kênh thông báo · where notifications go", no_args_is_help=True)
_CLOCK = ["%H:%M"]
Quiet = Annotated[datetime | None, typer.Option(formats=_CLOCK, help="Giờ Việt Nam · in Vietnam, HH:MM")]


@channels_app.command("list")
def list_command() -> None:
    """Xem các kênh · list the channels."""
    with owner_engine() as engine, engine.connect() as connection:
        channels = list_channels(connection, Scope.local_admin())
    columns = (
        "mã · id",
        "tên · name",
        "loại · kind",
        "địa chỉ · address",
        "của · of",
        "được báo · told",
        "yên lặng",
    )
    table = Table(*columns, box=None)
    for channel in channels:
        table.add_row(*(escape(cell) for cell in _cells(channel)))
    console.print(table)


@channels_app.command("add")
def add_command(
    kind: Annotated[ChannelKind, typer.Argument(help="Loại · kind")],
    address: Annotated[str, typer.Argument(help="Thư, URL, mã nhóm Zalo, số điện thoại, mã cụm loa · address")],
    name: Annotated[str, typer.Option(help="Tên để nhận ra · name")],
    unit: Annotated[str | None, typer.Option(help="Mã xã (5 số) hoặc tỉnh (2 số) · commune, province")] = None,
    scenario: Annotated[str | None, typer.Option(help="Mã kịch bản, ví dụ S11 · scenario")] = None,
    level: Annotated[Level, typer.Option(help="Từ mức · from level")] = Level.NOTICE,
    only: Annotated[list[str] | None, typer.Option(help="Chỉ loại tin này, có thể lặp · only this kind")] = None,
    quiet_from: Quiet = None,
    quiet_until: Quiet = None,
    gap: Annotated[int, typer.Option(min=0, max=86400, help="Giây giữa hai tin · seconds between messages")] = 60,
    language: Annotated[Language, typer.Option(help="Ngôn ngữ · language")] = Language.VI,
) -> None:
    """Thêm kênh của cơ quan · add a channel of an office."""
    settings = Settings()
    wanted = Wanted(unit, scenario, level, frozenset(only) if only else None)
    pace = Pace(_time(quiet_from), _time(quiet_until), timedelta(seconds=gap))
    draft = Draft(name, kind, address, language, None, wanted, pace)
    with owner_engine() as engine, engine.begin() as connection:
        channel = add_channel(connection, Scope.local_admin(), draft, hosts=settings.webhook_hosts)
    say(f"Đã thêm kênh {channel.id}", f"the channel {channel.id} was added")
    if kind is ChannelKind.WEBHOOK:
        secret = secret_of(webhook_key(settings), channel.id)
        say(f"Khóa ký của kênh, chỉ hiện một lần: {secret}", "the channel's signing secret, shown once")


@channels_app.command("remove")
def remove_command(channel: Annotated[UUID, typer.Argument(help="Mã kênh · id")]) -> None:
    """Gỡ kênh · remove a channel."""
    with owner_engine() as engine, engine.begin() as connection:
        remove_channel(connection, Scope.local_admin(), channel, datetime.now(UTC))
    say("Đã gỡ kênh", "the channel was removed")


@channels_app.command("test")
def test_command(channel: Annotated[UUID, typer.Argument(help="Mã kênh · id")]) -> None:
    """Gửi thử một tin ngay · send a message now that tries the channel."""
    settings = Settings()
    with owner_engine() as engine:
        with engine.begin() as connection:
            ordered = try_channel(connection, Scope.local_admin(), channel, datetime.now(UTC))
        courier = Courier(engine, senders_of(settings), settings.public_url, lambda: datetime.now(UTC))
        courier.step()
        courier.settle()
        courier.close()
        with engine.connect() as connection:
            newest = list_deliveries(connection, Scope.local_admin(), DeliveryFilter(channel), limit=100)
    _say_end(next(one for one in newest if one.id == ordered))


@channels_app.command("log")
def log_command(
    channel: Annotated[UUID | None, typer.Option(help="Của một kênh · of one channel")] = None,
    state: Annotated[DeliveryState | None, typer.Option(help="Trạng thái · state")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
) -> None:
    """Xem tin đã gửi và chưa gửi được · messages sent, and why others were not."""
    with owner_engine() as engine, engine.connect() as connection:
        found = list_deliveries(connection, Scope.local_admin(), DeliveryFilter(channel, state), limit=limit)
    table = Table("mã · id", "lúc · at", "kênh · channel", "trạng thái", "lần · tries", "lý do · reason", box=None)
    for one in found:
        made = one.created_at.isoformat(" ", "seconds")
        table.add_row(str(one.id), made, escape(one.name), one.state, str(one.attempts), escape(one.reason))
    console.print(table)


def _say_end(delivery: Delivery) -> None:
    if delivery.state is DeliveryState.SENT:
        say("Tin thử đã tới", "the message has arrived")
        return
    reason = delivery.reason or "worker"
    fail(f"Tin thử chưa tới ({reason}). Xem diaban channels log.", f"It has not arrived yet ({reason}).")
    raise typer.Exit(1)


def _time(given: datetime | None) -> time | None:
    return None if given is None else given.time()


def _cells(channel: Channel) -> tuple[str, ...]:
    draft, wanted, pace = channel.draft, channel.draft.wanted, channel.draft.pace
    told = " ".join(part for part in (wanted.unit_code, wanted.scenario, f"≥ {wanted.least_level}") if part)
    kinds = "" if wanted.kinds is None else f" ({', '.join(sorted(wanted.kinds))})"
    quiet = "" if pace.quiet_from is None else f"{pace.quiet_from:%H:%M}–{pace.quiet_until:%H:%M}"
    owner = "cơ quan · office" if draft.account is None else str(draft.account)
    return str(channel.id), draft.name, draft.kind.value, draft.address, owner, f"{told}{kinds}", quiet
