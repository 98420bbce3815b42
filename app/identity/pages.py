"""Pages to sign in, sign out and look after one's account; they work without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final
from uuid import UUID

import anyio
import segno
from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from app.client_address import source_of
from app.identity.identify import known_of
from app.identity.people import Known
from app.identity.routes import (
    TokenBody,
    act,
    begin_second_factor,
    close_session,
    confirm_second_factor,
    drop_cookie,
    make_token,
    open_session,
    renew_password,
    set_cookie,
)
from app.ogc.negotiation import language_wanted
from app.resources import Resources, ResourcesOf
from layers.definition import Label
from layers.errors import LayerError
from layers.identity.errors import (
    BadAccount,
    SecondFactorNeeded,
    SignInRefused,
    SignInsBusy,
    TooManyFailures,
    WeakPassword,
    WrongCode,
)
from layers.identity.second_factor import Enrolment
from layers.identity.sessions import Proof
from layers.identity.tokens import list_tokens, revoke_token
from scenarios.notifying.channel import Channel
from scenarios.notifying.channels import list_own_channels
from web.account import Notice, Person, Secret, Shown, render_account, render_signin
from web.environment import Site

router = APIRouter(include_in_schema=False)
ACCOUNT: Final = "/account"
_DONE: Final = Notice(Label("Đã đổi mật khẩu.", "The password is changed."))
Typed = Annotated[str, Form(max_length=1000)]


def _site(request: Request, resources: Resources) -> Site:
    english, lang = language_wanted(request)
    return Site(resources.settings.public_url, english=english, lang=lang)


def _page(body: bytes, site: Site, status: int = 200) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Language": "en" if site.english else "vi",
        "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
        "Referrer-Policy": "same-origin",
    }
    return Response(body, status, headers=headers, media_type="text/html")


def safe_path(given: str) -> str:
    """Where to go on to: a path of this service, and nothing that a browser reads as another host."""
    plain = given.replace("\\", "/")
    if not plain.startswith("/") or plain.startswith("//") or any(ord(letter) < 32 for letter in plain):
        return ACCOUNT
    return plain


@router.api_route("/signin", methods=["GET", "HEAD"])
async def get_signin(request: Request, resources: ResourcesOf) -> Response:
    """The page to sign in on; ``next`` is the path to go on to."""
    site = _site(request, resources)
    following = safe_path(request.query_params.get("next", ACCOUNT))
    return _page(render_signin(site, following=following, other=_other(resources)), site)


def signin_page(request: Request, resources: Resources, following: str, error: LayerError, status: int) -> Response:
    """The page to sign in on, with what went wrong."""
    site = _site(request, resources)
    notice = Notice(Label(error.vi, error.en), is_error=True)
    return _page(render_signin(site, following=following, notice=notice, other=_other(resources)), site, status)


def _other(resources: Resources) -> str:
    return resources.settings.oidc_name if resources.people.provider is not None else ""


@router.post("/signin")
async def post_signin(
    request: Request,
    resources: ResourcesOf,
    username: Typed,
    password: Typed,
    code: Annotated[str, Form(max_length=100)] = "",
    following: Annotated[str, Form(alias="next", max_length=2000)] = ACCOUNT,
) -> Response:
    """Signs in and goes on, or says why not with what was typed kept."""
    site, path = _site(request, resources), safe_path(following)
    try:
        secret = await open_session(request, resources, Proof(username, password, code))
    except (SignInRefused, SecondFactorNeeded, WrongCode, TooManyFailures, SignInsBusy) as error:
        notice = Notice(Label(error.vi, error.en), is_error=True)
        status = {TooManyFailures: 429, SignInsBusy: 503}.get(type(error), 401)
        page = render_signin(site, following=path, username=username[:200], notice=notice, other=_other(resources))
        return _page(page, site, status)
    known = await resources.people.find(secret)
    if known is not None and known.is_restricted:
        path = ACCOUNT
    return set_cookie(RedirectResponse(site.href(path), 303), resources, secret)


@router.post("/signout")
async def post_signout(request: Request, resources: ResourcesOf) -> Response:
    """Ends the session and goes to the home page."""
    await close_session(request, resources)
    return drop_cookie(RedirectResponse(_site(request, resources).href("/"), 303), resources)


@router.api_route(ACCOUNT, methods=["GET", "HEAD"])
async def get_account(request: Request, resources: ResourcesOf) -> Response:
    """One's own account."""
    return await account_page(request, resources)


@router.post("/account/password")
async def post_password(request: Request, resources: ResourcesOf, old: Typed, new: Typed) -> Response:
    """Changes the password."""
    if known_of(request) is None:
        return to_signin(request, resources)
    try:
        await renew_password(request, resources, old, new)
    except (SignInRefused, WeakPassword) as error:
        return await account_page(request, resources, notice=Notice(Label(error.vi, error.en), is_error=True))
    return await account_page(request, resources, notice=_DONE, changed=True)


@router.post("/account/second-factor")
async def post_second_factor(request: Request, resources: ResourcesOf) -> Response:
    """Shows a new secret to be read by an authenticator app."""
    if known_of(request) is None:
        return to_signin(request, resources)
    return await account_page(request, resources, enrolment=await begin_second_factor(request, resources))


@router.post("/account/second-factor/confirm")
async def post_confirm(
    request: Request, resources: ResourcesOf, code: Annotated[str, Form(max_length=100)]
) -> Response:
    """Puts the second factor into force and shows the codes to recover by, this once."""
    if known_of(request) is None:
        return to_signin(request, resources)
    try:
        codes = await confirm_second_factor(request, resources, code)
    except WrongCode as error:
        return await account_page(request, resources, notice=Notice(Label(error.vi, error.en), is_error=True))
    return await account_page(request, resources, recovery_codes=codes)


@router.post("/account/tokens")
async def post_token(
    request: Request,
    resources: ResourcesOf,
    name: Annotated[str, Form(max_length=200)],
    days: Annotated[int, Form(ge=1, le=366)],
    may_edit: Annotated[bool, Form()] = False,
) -> Response:
    """Makes a token and shows it this once."""
    if known_of(request) is None:
        return to_signin(request, resources)
    try:
        secret = await make_token(request, resources, TokenBody(name=name, days=days, may_edit=may_edit))
    except BadAccount as error:
        return await account_page(request, resources, notice=Notice(Label(error.vi, error.en), is_error=True))
    return await account_page(request, resources, secret=secret)


@router.post("/account/tokens/{token_id}/revoke")
async def post_revoke(request: Request, resources: ResourcesOf, token_id: UUID) -> Response:
    """Ends a token."""
    known = known_of(request)
    if known is None:
        return to_signin(request, resources)
    source, holder = source_of(request), known.holder.id
    await act(resources.people, lambda c: revoke_token(c, holder, token_id, author=str(holder), source=source))
    resources.people.forget()
    return to_account(request, resources)


async def account_page(
    request: Request,
    resources: Resources,
    *,
    secret: str | None = None,
    notice: Notice | None = None,
    changed: bool = False,
    enrolment: Enrolment | None = None,
    recovery_codes: Sequence[str] = (),
) -> Response:
    """One's own account, with what has just been done or went wrong."""
    known = known_of(request)
    if known is None:
        return to_signin(request, resources)
    site = _site(request, resources)
    tokens = await act(resources.people, lambda c: list_tokens(c, known.holder.id))
    person = _person(known, await _titles(resources), changed=changed, protected=bool(recovery_codes))
    shortest = resources.people.rules.shortest(has_second_factor=person.has_second_factor)
    person = replace(person, shortest_password=shortest)
    status = 400 if notice is not None and notice.is_error else 200
    channels = await _channels(resources, known.holder.id)
    shown = Shown(tokens, secret, notice, _drawn(enrolment), recovery_codes, channels)
    return _page(render_account(site, person, shown), site, status)


async def _channels(resources: Resources, account: UUID) -> Sequence[Channel] | None:
    """Where notifications to the person go; None where nothing sends mail."""

    def read() -> Sequence[Channel]:
        with resources.editing.connect() as connection:
            return list_own_channels(connection, account)

    if resources.settings.smtp_host is None:
        return None
    return await anyio.to_thread.run_sync(read)


async def _titles(resources: Resources) -> dict[str, Label]:
    """Titles of the roles, by slug."""
    async with resources.writer.acquire() as connection:
        rows = await connection.fetch("SELECT slug, title_vi, title_en FROM access.roles ORDER BY slug")
    return {row["slug"]: Label(row["title_vi"], row["title_en"]) for row in rows}


def _person(known: Known, titles: dict[str, Label], *, changed: bool, protected: bool) -> Person:
    """The person as the page shows them: what this very request did counts already."""
    roles = tuple(titles.get(role, Label(role, role)) for role in known.principal.roles)
    has_second_factor = known.holder.has_second_factor or protected
    return Person(
        known.principal.display_name,
        known.principal.unit_code,
        roles,
        must_change_password=known.holder.must_change_password and not changed,
        has_second_factor=has_second_factor,
        needs_second_factor=known.needs_second_factor and not has_second_factor,
    )


def _drawn(enrolment: Enrolment | None) -> Secret | None:
    """The secret as text and as a QR code drawn in SVG, which needs no other file."""
    if enrolment is None:
        return None
    drawing = segno.make(enrolment.uri, error="m").svg_inline(scale=5, border=2, dark="#000000", light="#ffffff")
    return Secret(enrolment.secret, drawing)


def to_account(request: Request, resources: Resources) -> Response:
    """Leads to the account page, after something was done."""
    return RedirectResponse(_site(request, resources).href(ACCOUNT), 303)


def to_signin(request: Request, resources: Resources) -> Response:
    """Leads to the page to sign in on, and from there to the account."""
    return RedirectResponse(_site(request, resources).href(f"/signin?next={ACCOUNT}"), 303)
