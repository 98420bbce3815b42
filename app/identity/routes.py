"""The session, the password and the tokens of the person who asks, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from app.client_address import source_of
from app.identity.identify import COOKIE, known_of
from app.identity.people import MOST_WAITING, Known, People
from app.resources import Resources, ResourcesOf, SignedIn, SignInNeeded
from layers.access import Scope
from layers.errors import LayerError
from layers.identity.accounts import change_password
from layers.identity.errors import SignInsBusy
from layers.identity.second_factor import Enrolment, begin_enrolment, confirm_enrolment
from layers.identity.sessions import AGE, Holder, Proof, end_session, sign_in
from layers.identity.tokens import add_token, list_tokens, revoke_token
from layers.rights import Action, Area

router = APIRouter(tags=["account"])
_NO_STORE = {"Cache-Control": "no-store"}
_T = TypeVar("_T")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SignInBody(_Body):
    """What somebody signs in with."""

    username: Annotated[str, Field(max_length=200)]
    password: Annotated[SecretStr, Field(max_length=1000)]
    code: Annotated[SecretStr, Field(max_length=100)] = SecretStr("")


class CodeBody(_Body):
    """A code of the second factor."""

    code: Annotated[SecretStr, Field(max_length=100)]


class PasswordBody(_Body):
    """The old and the new password."""

    old: Annotated[SecretStr, Field(max_length=1000)]
    new: Annotated[SecretStr, Field(max_length=1000)]


class TokenBody(_Body):
    """A token that is wanted."""

    name: Annotated[str, Field(max_length=200)]
    days: Annotated[int, Field(ge=1, le=366)] = 90
    may_edit: bool = False


async def act(people: People, work: Callable[[Connection], _T], limiter: anyio.CapacityLimiter | None = None) -> _T:
    """Does something in one transaction of the auth login, in a thread: hashes take long."""

    def run() -> _T:
        with people.signing.begin() as connection:
            return work(connection)

    return await anyio.to_thread.run_sync(run, limiter=limiter)


async def open_session(request: Request, resources: Resources, given: Proof) -> str:
    """Signs in and returns the session's secret.

    Raises:
        SignInRefused: Name or password is wrong, or the account is closed.
        SecondFactorNeeded: A code is missing.
        WrongCode: The code is wrong.
        TooManyFailures: It was tried too often.
        SignInsBusy: Too many wait already.
    """
    source, people = source_of(request), resources.people
    if people.hashing.statistics().tasks_waiting >= MOST_WAITING:
        raise SignInsBusy
    found = await act(
        people, lambda c: sign_in(c, people.key, given, source=source, rules=people.rules), people.hashing
    )
    if isinstance(found, LayerError):
        raise found
    return found


def set_cookie(answer: Response, resources: Resources, secret: str) -> Response:
    """Gives the browser its session; scripts cannot read it and other websites cannot send it along."""
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(AGE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=resources.settings.public_url.startswith("https://"),
        path=f"{_root(resources)}/",
    )
    return answer


def drop_cookie(answer: Response, resources: Resources) -> Response:
    """Takes the session's cookie back."""
    answer.delete_cookie(COOKIE, path=f"{_root(resources)}/", httponly=True, samesite="lax")
    return answer


def _root(resources: Resources) -> str:
    return urlsplit(resources.settings.public_url).path.rstrip("/")


def session_document(known: Known | None) -> dict[str, object]:
    """Who has signed in, for pages."""
    if known is None:
        return {"signed_in": False}
    principal = known.principal
    return {
        "signed_in": True,
        "subject": principal.subject,
        "display_name": principal.display_name,
        "unit_code": principal.unit_code,
        "roles": list(principal.roles),
        "may": _may(principal.scope),
        "must_change_password": known.holder.must_change_password,
        "must_add_second_factor": known.needs_second_factor,
    }


def _may(scope: Scope) -> list[str]:
    """What the person may do with parts of the service, in any commune: ``read @alerts``."""
    return [f"{action} {area}" for area in Area for action in Action if scope.may_somewhere(action, area)]


@router.get("/api/session", summary="Ai đang đăng nhập · Who has signed in")
async def get_session(request: Request) -> Response:
    """The person of the session or token, or that nobody has signed in."""
    return JSONResponse(session_document(known_of(request)), headers={**_NO_STORE, "Vary": "Cookie, Authorization"})


@router.post("/api/session", summary="Đăng nhập · Sign in")
async def post_session(request: Request, body: SignInBody, resources: ResourcesOf) -> Response:
    """Opens a session, whose secret comes as a cookie."""
    given = Proof(body.username, body.password.get_secret_value(), body.code.get_secret_value())
    secret = await open_session(request, resources, given)
    known = await resources.people.find(secret)
    return set_cookie(JSONResponse(session_document(known), headers=_NO_STORE), resources, secret)


@router.delete("/api/session", status_code=204, summary="Đăng xuất · Sign out")
async def delete_session(request: Request, resources: ResourcesOf) -> Response:
    """Ends the session; without one nothing happens."""
    await close_session(request, resources)
    return drop_cookie(Response(status_code=204), resources)


async def close_session(request: Request, resources: Resources) -> None:
    """Ends the session of the request's cookie."""
    secret = request.cookies.get(COOKIE)
    if secret:
        await act(resources.people, lambda c: end_session(c, secret, source=source_of(request)))
        resources.people.forget(secret)


@router.post("/api/account/password", status_code=204, summary="Đổi mật khẩu · Change the password")
async def post_password(request: Request, body: PasswordBody, resources: ResourcesOf, _: SignedIn) -> Response:
    """Changes one's own password; every other session ends."""
    await renew_password(request, resources, body.old.get_secret_value(), body.new.get_secret_value())
    return Response(status_code=204)


async def renew_password(request: Request, resources: Resources, old: str, new: str) -> None:
    """Changes the password of the person who asks.

    Raises:
        SignInNeeded: Nobody has signed in.
        SignInRefused: The old password is wrong.
        WeakPassword: The new one breaks a rule.
    """
    holder, source = _in_person(request), source_of(request)
    await act(
        resources.people,
        lambda c: change_password(
            c, holder.id, old, new, session=holder.credential, source=source, rules=resources.people.rules
        ),
    )
    resources.people.forget()


@router.post("/api/account/second-factor", status_code=201, summary="Bật xác thực hai bước · Add a second factor")
async def post_second_factor(request: Request, resources: ResourcesOf, _: SignedIn) -> Response:
    """A new secret for an authenticator app; in force once a code of it is sent."""
    begun = await begin_second_factor(request, resources)
    return JSONResponse({"secret": begun.secret, "uri": begun.uri}, 201, headers=_NO_STORE)


@router.put("/api/account/second-factor", summary="Xác nhận bằng mã đầu tiên · Confirm by a first code")
async def put_second_factor(request: Request, body: CodeBody, resources: ResourcesOf, _: SignedIn) -> Response:
    """Puts the second factor into force; the codes to recover by are in this answer and nowhere else."""
    codes = await confirm_second_factor(request, resources, body.code.get_secret_value())
    return JSONResponse({"recovery_codes": codes}, headers=_NO_STORE)


async def begin_second_factor(request: Request, resources: Resources) -> Enrolment:
    """A new secret for the person who asks.

    Raises:
        SignInNeeded: Nobody has signed in with a password that they chose.
        WrongCode: A second factor is in force.
    """
    holder, people = _settled(request), resources.people
    return await act(people, lambda c: begin_enrolment(c, people.key, holder.id, holder.username))


async def confirm_second_factor(request: Request, resources: Resources, code: str) -> list[str]:
    """Puts the secret into force and returns the codes to recover by.

    Raises:
        SignInNeeded: Nobody has signed in with a password that they chose.
        WrongCode: The code is wrong.
    """
    holder, people, source = _settled(request), resources.people, source_of(request)
    codes = await act(people, lambda c: confirm_enrolment(c, people.key, holder.id, code, source=source))
    people.forget()
    return codes


def _in_person(request: Request) -> Holder:
    """Who has signed in with a password: a token, which may be in strange hands, changes nothing of the account."""
    known = known_of(request)
    if known is None or request.headers.get("authorization") is not None:
        raise SignInNeeded
    return known.holder


def _settled(request: Request) -> Holder:
    holder = _in_person(request)
    if holder.must_change_password:
        raise SignInNeeded
    return holder


@router.get("/api/account/tokens", summary="Mã truy cập của tôi · My tokens")
async def get_tokens(request: Request, resources: ResourcesOf, _: SignedIn) -> Response:
    """The tokens in force, without their secrets."""
    account = _in_person(request).id
    tokens = await act(resources.people, lambda c: list_tokens(c, account))
    listed = [
        {
            "id": str(token.id),
            "name": token.name,
            "may_edit": token.may_edit,
            "created_at": token.created_at.isoformat(),
            "expires_at": token.expires_at.isoformat(),
        }
        for token in tokens
    ]
    return JSONResponse({"tokens": listed}, headers=_NO_STORE)


@router.post("/api/account/tokens", status_code=201, summary="Tạo mã truy cập · Make a token")
async def post_token(request: Request, body: TokenBody, resources: ResourcesOf, _: SignedIn) -> Response:
    """Makes a token for QGIS, ogr2ogr or a program; its secret is in this answer and nowhere else."""
    secret = await make_token(request, resources, body)
    return JSONResponse({"token": secret}, 201, headers=_NO_STORE)


async def make_token(request: Request, resources: Resources, body: TokenBody) -> str:
    """Makes a token for the person who asks; one token cannot make another.

    Raises:
        SignInNeeded: Nobody has signed in wholly: a chosen password, and a second factor where one is needed.
    """
    known = known_of(request)
    if known is None or known.is_restricted:
        raise SignInNeeded
    account, source = _in_person(request).id, source_of(request)
    return await act(
        resources.people,
        lambda c: add_token(
            c,
            account,
            body.name,
            timedelta(days=body.days),
            may_edit=body.may_edit,
            author=str(account),
            source=source,
        ),
    )


@router.delete("/api/account/tokens/{token_id}", status_code=204, summary="Thu hồi mã · Revoke a token")
async def delete_token(request: Request, token_id: UUID, resources: ResourcesOf, _: SignedIn) -> Response:
    """Ends one of one's own tokens."""
    account, source = _in_person(request).id, source_of(request)
    await act(
        resources.people,
        lambda c: revoke_token(c, account, token_id, author=str(account), source=source),
    )
    resources.people.forget()
    return Response(status_code=204)
