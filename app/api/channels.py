"""Channels and messages over HTTP: where notifications go, and whether they arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import anyio
import orjson
from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Engine
from starlette.responses import Response

from app.client_address import source_of
from app.identity.identify import known_of
from app.resources import Principal, ResourcesOf, SignedIn
from app.sending.senders import senders_of, webhook_key
from app.sending.webhook import secret_of
from layers.grants import account_of
from layers.rights import Action, Area, NotAllowed
from scenarios.notifying.channel import Channel, ChannelKind, Draft, Language, Pace, Wanted
from scenarios.notifying.channels import add_channel, list_channels, remove_channel, try_channel
from scenarios.notifying.errors import InvalidChannel
from scenarios.notifying.log import MOST, DeliveryFilter, DeliveryState, list_deliveries, resend_delivery
from scenarios.outcomes import Level

router = APIRouter(prefix="/api", tags=["notices"])
_T = TypeVar("_T")
_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


class ChannelBody(BaseModel):
    """A channel: one's own (``own``), or an office's."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    kind: ChannelKind
    address: Annotated[str, Field(max_length=500, description="Thư, URL, mã nhóm Zalo, số điện thoại, mã cụm loa")]
    own: Annotated[bool, Field(description="Của tôi, không phải của cơ quan · mine, not an office's")] = False
    language: Language = Language.VI
    unit_code: Annotated[str | None, Field(max_length=5)] = None
    scenario: Annotated[str | None, Field(max_length=4)] = None
    least_level: Level = Level.NOTICE
    kinds: Annotated[list[str] | None, Field(max_length=100)] = None
    quiet_from: Annotated[str | None, Field(pattern=_CLOCK, description="Giờ Việt Nam · in Vietnam")] = None
    quiet_until: Annotated[str | None, Field(pattern=_CLOCK)] = None
    gap_s: Annotated[int, Field(ge=0, le=86400, description="Ít nhất bao lâu giữa hai tin · seconds between two")] = 60

    def draft(self, principal: Principal) -> Draft:
        """What is asked for, as the layers below take it."""
        account = account_of(principal.scope) if self.own else None
        if self.own and account is None:
            raise InvalidChannel(
                "Chỉ tài khoản mới có kênh của mình.", "Only an account has channels of its own.", parameter="own"
            )
        kinds = None if self.kinds is None else frozenset(self.kinds)
        wanted = Wanted(self.unit_code, self.scenario, self.least_level, kinds)
        pace = Pace(_clock(self.quiet_from), _clock(self.quiet_until), timedelta(seconds=self.gap_s))
        return Draft(self.name, self.kind, self.address, self.language, account, wanted, pace)


@router.get("/channels", summary="Các kênh thông báo · Channels")
async def get_channels(resources: ResourcesOf, principal: SignedIn) -> Response:
    """One's own channels and those of the offices that one administers; ``ready`` lists the kinds that are set up."""
    found = await _run(resources.editing, lambda c: list_channels(c, principal.scope))
    ready = sorted(senders_of(resources.settings))
    return _json({"ready": ready, "channels": [_document(channel) for channel in found]})


@router.post("/channels", status_code=201, summary="Thêm kênh · Add a channel")
async def post_channel(request: Request, body: ChannelBody, resources: ResourcesOf, principal: SignedIn) -> Response:
    """Adds a channel; the secret of a webhook is told here and never again."""
    known = known_of(request)
    if known is not None and known.is_restricted:
        # Nothing is sent to whoever has no rights yet for want of a password or a second factor.
        raise NotAllowed(Action.ADMINISTER, Area.ALERTS)
    draft, source, settings = body.draft(principal), source_of(request), resources.settings
    channel = await _run(
        resources.editing,
        lambda c: add_channel(c, principal.scope, draft, hosts=settings.webhook_hosts, source=source),
    )
    document = _document(channel)
    if channel.draft.kind is ChannelKind.WEBHOOK:
        document["secret"] = secret_of(webhook_key(settings), channel.id)
    return _json(document, 201)


@router.delete("/channels/{channel_id}", status_code=204, summary="Gỡ kênh · Remove a channel")
async def delete_channel(request: Request, resources: ResourcesOf, principal: SignedIn, channel_id: UUID) -> Response:
    """Removes a channel; nothing more goes to it."""
    source = source_of(request)
    await _run(
        resources.editing,
        lambda c: remove_channel(c, principal.scope, channel_id, datetime.now(UTC), source=source),
    )
    return Response(status_code=204)


@router.post("/channels/{channel_id}/test", status_code=202, summary="Gửi thử · Try a channel")
async def post_test(request: Request, resources: ResourcesOf, principal: SignedIn, channel_id: UUID) -> Response:
    """Orders a message that only says that the channel works; the log tells whether it arrived."""
    source = source_of(request)
    delivery = await _run(
        resources.editing, lambda c: try_channel(c, principal.scope, channel_id, datetime.now(UTC), source=source)
    )
    return _json({"delivery": delivery}, 202)


@router.get("/deliveries", summary="Nhật ký gửi tin · Messages sent")
async def get_deliveries(
    resources: ResourcesOf,
    principal: SignedIn,
    channel: UUID | None = None,
    state: DeliveryState | None = None,
    before: Annotated[AwareDatetime | None, Query(description="created_at cuối trang trước · next page")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Response:
    """Messages of the channels that one sees, newest first, with attempts and the reason of a failure."""
    wanted = DeliveryFilter(channel, state, before)
    found = await _run(resources.editing, lambda c: list_deliveries(c, principal.scope, wanted, limit=limit))
    return _json({"deliveries": [asdict(delivery) for delivery in found]})


@router.post("/deliveries/{delivery_id}/resend", status_code=204, summary="Gửi lại · Send again")
async def post_resend(request: Request, resources: ResourcesOf, principal: SignedIn, delivery_id: UUID) -> Response:
    """Orders an ended message to be tried anew; it keeps its id."""
    source = source_of(request)
    await _run(
        resources.editing,
        lambda c: resend_delivery(c, principal.scope, delivery_id, datetime.now(UTC), source=source),
    )
    return Response(status_code=204)


def _clock(given: str | None) -> time | None:
    return None if given is None else time.fromisoformat(given)


def _document(channel: Channel) -> dict[str, object]:
    draft, wanted, pace = channel.draft, channel.draft.wanted, channel.draft.pace
    return {
        "id": channel.id,
        "name": draft.name,
        "kind": draft.kind.value,
        "address": draft.address,
        "account": draft.account,
        "language": draft.language.value,
        "unit_code": wanted.unit_code,
        "scenario": wanted.scenario,
        "least_level": wanted.least_level.value,
        "kinds": None if wanted.kinds is None else sorted(wanted.kinds),
        "quiet_from": None if pace.quiet_from is None else f"{pace.quiet_from:%H:%M}",
        "quiet_until": None if pace.quiet_until is None else f"{pace.quiet_until:%H:%M}",
        "gap_s": int(pace.gap.total_seconds()),
        "created_by": channel.created_by,
        "created_at": channel.created_at,
    }


async def _run(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    def run() -> _T:
        with engine.begin() as connection:
            return work(connection)

    return await anyio.to_thread.run_sync(run)


def _json(document: object, status: int = 200) -> Response:
    return Response(
        orjson.dumps(document), status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )
