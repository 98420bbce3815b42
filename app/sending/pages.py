"""One's own e-mail on the account page: added and removed by form, without scripts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from uuid import UUID

import anyio
from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection, Engine
from starlette.responses import Response

from app.client_address import source_of
from app.identity.identify import known_of
from app.identity.pages import account_page, to_account, to_signin
from app.resources import ResourcesOf
from layers.definition import Label
from scenarios.notifying.channel import ChannelKind, Draft, Language, Wanted
from scenarios.notifying.channels import add_channel, remove_channel
from scenarios.notifying.errors import NotifyingError
from scenarios.outcomes import Level
from web.account import Notice

router = APIRouter(include_in_schema=False)
_T = TypeVar("_T")


@router.post("/account/channels")
async def post_channel(
    request: Request,
    resources: ResourcesOf,
    address: Annotated[str, Form(max_length=500)],
    least_level: Annotated[Level, Form()] = Level.WARNING,
    language: Annotated[Language, Form()] = Language.VI,
) -> Response:
    """Adds an e-mail of one's own, told of what concerns oneself from a level on."""
    known = known_of(request)
    if known is None:
        return to_signin(request, resources)
    if known.is_restricted:
        return to_account(request, resources)
    wanted, scope, source = Wanted(least_level=least_level), known.principal.scope, source_of(request)
    mail = address.strip()
    draft = Draft("E-mail", ChannelKind.EMAIL, mail, language, known.holder.id, wanted)
    try:
        await _run(resources.editing, lambda c: add_channel(c, scope, draft, source=source))
    except NotifyingError as error:
        return await account_page(request, resources, notice=Notice(Label(error.vi, error.en), is_error=True))
    return to_account(request, resources)


@router.post("/account/channels/{channel_id}/remove")
async def post_remove(request: Request, resources: ResourcesOf, channel_id: UUID) -> Response:
    """Removes a channel of one's own."""
    known = known_of(request)
    if known is None:
        return to_signin(request, resources)
    scope, source = known.principal.scope, source_of(request)
    await _run(resources.editing, lambda c: remove_channel(c, scope, channel_id, datetime.now(UTC), source=source))
    return to_account(request, resources)


async def _run(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    def run() -> _T:
        with engine.begin() as connection:
            return work(connection)

    return await anyio.to_thread.run_sync(run)
