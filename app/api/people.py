"""Accounts over HTTP, for those who administer people: listed, made, closed, opened, reset, reviewed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import anyio
import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from app.client_address import source_of
from app.identity.routes import act
from app.resources import Principal, Resources, ResourcesOf, SignedIn
from layers.giving import require_over
from layers.grants import load_scope
from layers.identity.accounts import add_account, reset_password, set_account_state
from layers.identity.errors import AccountNotFound
from layers.identity.listing import MOST, ListedPerson, find_person, list_people, review_people
from layers.identity.second_factor import remove_second_factor
from layers.rights import Action, Area, NotAllowed

router = APIRouter(prefix="/api/people", tags=["people"])
_T = TypeVar("_T")
_HEADERS = {"Cache-Control": "no-store"}


class PersonBody(BaseModel):
    """An account that is wanted."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, Field(max_length=100)]
    display_name: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = ""
    unit_code: Annotated[str | None, Field(description="Mã xã hoặc tỉnh · commune or province")] = None
    kind: Literal["person", "service"] = "person"
    sign_in: Annotated[
        Literal["password", "oidc"], Field(description="Chỉ đăng nhập qua hệ thống chung · only by the other service")
    ] = "password"


@router.get("", summary="Các tài khoản · Accounts")
async def get_people(
    resources: ResourcesOf,
    principal: SignedIn,
    state: Literal["active", "disabled"] | None = None,
    after: Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$", description="tên cuối trang trước")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Response:
    """Accounts of the communes in which the reader may see people, by user name, with what they hold."""
    units = _readable(principal)
    found = await act(resources.people, lambda c: list_people(c, units, state=state, after=after, limit=limit))
    following = found[-1].username if len(found) == limit else None
    return _json({"people": [asdict(person) for person in found], "next_after": following})


@router.get("/review", summary="Rà soát tài khoản · Accounts to review")
async def get_review(
    resources: ResourcesOf, principal: SignedIn, limit: Annotated[int, Query(ge=1, le=MOST)] = MOST
) -> Response:
    """Open accounts, those longest without use first, each with what a reviewer should look at."""
    units, now = _readable(principal), datetime.now(UTC)
    found = await act(resources.people, lambda c: review_people(c, units, limit=limit))
    days = resources.settings.account_idle_days
    return _json({"idle_after_days": days, "at": now, "people": [_reviewed(p, now, days) for p in found]})


@router.post("", status_code=201, summary="Tạo tài khoản · Make an account")
async def post_person(request: Request, body: PersonBody, resources: ResourcesOf, principal: SignedIn) -> Response:
    """Makes an account without rights; a person's one-time password is in this answer and nowhere else."""
    if not principal.scope.may(Action.ADMINISTER, Area.PEOPLE, body.unit_code):
        raise NotAllowed(Action.ADMINISTER, Area.PEOPLE)
    source = source_of(request)
    account, password = await act(
        resources.people,
        lambda c: add_account(
            c,
            body.username,
            body.display_name,
            author=principal.subject,
            unit_code=body.unit_code,
            kind=body.kind,
            elsewhere=body.sign_in == "oidc",
            source=source,
        ),
    )
    return _json({"id": account, "one_time_password": password}, 201)


@router.get("/{account_id}", summary="Một tài khoản · One account")
async def get_person(resources: ResourcesOf, principal: SignedIn, account_id: UUID) -> Response:
    """An account with what it holds."""
    return _json(asdict(await _visible(resources, principal, account_id)))


@router.post("/{account_id}/disable", status_code=204, summary="Khóa tài khoản · Close an account")
async def post_disable(request: Request, resources: ResourcesOf, principal: SignedIn, account_id: UUID) -> Response:
    """Closes an account: its sessions end, its tokens are revoked for good."""
    return await _set_state(request, resources, principal, account_id, "disabled")


@router.post("/{account_id}/enable", status_code=204, summary="Mở lại tài khoản · Open an account again")
async def post_enable(request: Request, resources: ResourcesOf, principal: SignedIn, account_id: UUID) -> Response:
    """Opens a closed account again; tokens stay revoked."""
    return await _set_state(request, resources, principal, account_id, "active")


@router.post("/{account_id}/password", summary="Cấp mật khẩu dùng một lần · Give a one-time password")
async def post_password(request: Request, resources: ResourcesOf, principal: SignedIn, account_id: UUID) -> Response:
    """A new one-time password, told this once; the account's sessions end."""
    person, author, source = await _overseen(resources, principal, account_id), principal.subject, source_of(request)
    password = await _change(resources, lambda c: reset_password(c, person.username, author=author, source=source))
    return _json({"one_time_password": password})


@router.delete("/{account_id}/second-factor", status_code=204, summary="Gỡ xác thực hai bước · Reset the second factor")
async def delete_second_factor(
    request: Request, resources: ResourcesOf, principal: SignedIn, account_id: UUID
) -> Response:
    """Takes a lost second factor away; whoever needs one has no rights until a new one is added."""
    person, author, source = await _overseen(resources, principal, account_id), principal.subject, source_of(request)
    await _change(resources, lambda c: remove_second_factor(c, person.id, author=author, source=source))
    return Response(status_code=204)


async def _set_state(
    request: Request, resources: Resources, principal: Principal, account_id: UUID, state: str
) -> Response:
    person, author, source = await _overseen(resources, principal, account_id), principal.subject, source_of(request)
    await _change(resources, lambda c: set_account_state(c, person.username, state, author=author, source=source))
    return Response(status_code=204)


async def _change(resources: Resources, work: Callable[[Connection], _T]) -> _T:
    """One change of accounts, which counts at once in this process."""
    try:
        return await act(resources.people, work)
    finally:
        resources.people.forget()


async def _visible(resources: Resources, principal: Principal, account_id: UUID) -> ListedPerson:
    units = _readable(principal)
    person = await act(resources.people, lambda c: find_person(c, units, account_id))
    if person is None:
        raise AccountNotFound(str(account_id))
    return person


async def _overseen(resources: Resources, principal: Principal, account_id: UUID) -> ListedPerson:
    """The account, where the principal may close, open or reset it."""
    person = await _visible(resources, principal, account_id)

    def check() -> None:
        with resources.editing.connect() as connection:
            held = load_scope(connection, person.id).scope
        require_over(principal.scope, person.id, person.unit_code, held)

    await anyio.to_thread.run_sync(check)
    return person


def _readable(principal: Principal) -> frozenset[str] | None:
    units = principal.scope.units_of(Action.READ, Area.PEOPLE)
    if units is not None and not units:
        raise NotAllowed(Action.READ, Area.PEOPLE)
    return units


def _reviewed(person: ListedPerson, at: datetime, idle_after_days: int) -> dict[str, object]:
    return {
        **asdict(person),
        "idle_days": person.idle_days(at),
        "remarks": [remark.value for remark in person.remarks(at, idle_after_days)],
    }


def _json(document: object, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json", headers=_HEADERS)
