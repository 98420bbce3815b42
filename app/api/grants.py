"""Rights over HTTP: the roles, who holds what, giving and taking back."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from app.client_address import source_of
from app.problems import BadParameter
from app.resources import Principal, ResourcesOf, SignedIn
from app.transact import transact
from layers.grants import (
    Given,
    Giving,
    Holder,
    OwnRights,
    give,
    list_grants,
    list_roles,
    record_refusal,
    take,
)
from layers.identity.accounts import require_account
from layers.rights import Action, Area, NotAllowed, Right, right_from_json, right_to_json

router = APIRouter(prefix="/api/grants", tags=["people"])
_HEADERS = {"Cache-Control": "no-store"}
_PLAIN = r"^[^\x00-\x1f]*$"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,99}")


class GrantBody(BaseModel):
    """A role, or one right of its own, for an account: in communes or provinces, or everywhere."""

    model_config = ConfigDict(extra="forbid")

    holder: Annotated[UUID, Field(description="Tài khoản · the account")]
    role: Annotated[str | None, Field(max_length=60, pattern=_PLAIN)] = None
    right: Annotated[
        dict[str, Any] | None, Field(description="actions; layers, classes, areas; attributes; hides; everywhere")
    ] = None
    units: Annotated[list[str] | None, Field(max_length=4000)] = None
    everywhere: bool = False
    starts_on: date | None = None
    ends_on: Annotated[date | None, Field(description="Ngày không còn hiệu lực · first day without it")] = None
    reason: Annotated[str, Field(max_length=500, pattern=_PLAIN)] = ""

    def giving(self) -> Giving:
        """What is asked for, as the layers below take it."""
        if (self.units is not None) == self.everywhere:
            raise BadParameter(
                "units",
                "Hãy nêu units (mã xã, mã tỉnh) hoặc everywhere: true, không cả hai.",
                "Name units (codes of communes or provinces) or everywhere: true, not both.",
            )
        return Giving(
            Holder.ACCOUNT,
            self.holder,
            self.role,
            None if self.right is None else _right(self.right),
            None if self.units is None else frozenset(self.units),
            self.starts_on,
            self.ends_on,
            self.reason,
        )


def _right(document: dict[str, Any]) -> Right:
    right = right_from_json(document)
    named = {*right.layers, *(word for pair in right.hides for word in pair)}
    for name in sorted(named):
        if not _NAME.fullmatch(name):
            raise BadParameter(
                "right",
                f"“{name[:60]}” không phải tên lớp hay tên trường.",
                f'"{name[:60]}" is not the name of a layer or a field.',
            )
    return right


@router.get("", summary="Các quyền đã cấp · Rights given")
async def get_grants(
    resources: ResourcesOf,
    principal: SignedIn,
    holder: UUID | None = None,
    ended: Annotated[bool, Query(description="Cả quyền đã thu hồi · those taken back too")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> Response:
    """Grants, oldest first, of the communes in which the reader may see people."""
    units = principal.scope.units_of(Action.READ, Area.PEOPLE)
    if units is not None and not units:
        raise NotAllowed(Action.READ, Area.PEOPLE)
    found = await transact(resources.editing, lambda c: list_grants(c, holder, ended=ended, limit=limit, within=units))
    return _json({"grants": [_document(given) for given in found]})


@router.get("/roles", summary="Các vai trò · Roles")
async def get_roles(resources: ResourcesOf, _: SignedIn) -> Response:
    """The roles with the rights that they consist of."""
    roles = await transact(resources.editing, list_roles)
    return _json(
        {
            "roles": [
                {
                    "slug": role.slug,
                    "title": {"vi": role.title.vi, "en": role.title.en},
                    "rights": [right_to_json(right) for right in role.rights],
                }
                for role in roles
            ]
        }
    )


@router.post("", status_code=201, summary="Cấp quyền · Give a right")
async def post_grant(request: Request, body: GrantBody, resources: ResourcesOf, principal: SignedIn) -> Response:
    """Gives a role or a right, never more than the giver holds or administers, and never to oneself."""
    giving, source = body.giving(), source_of(request)

    def work(connection: Connection) -> UUID:
        _require_administering(principal)
        require_account(connection, giving.holder)
        return give(connection, giving, principal.scope, source=source)

    try:
        grant_id = await transact(resources.editing, work)
    except OwnRights:
        await transact(resources.editing, lambda c: record_refusal(c, giving, principal.scope, source=source))
        raise
    resources.people.forget()
    return _json({"id": grant_id}, 201)


@router.delete("/{grant_id}", status_code=204, summary="Thu hồi quyền · Take a right back")
async def delete_grant(request: Request, resources: ResourcesOf, principal: SignedIn, grant_id: UUID) -> Response:
    """Ends a grant at once; it stays on record."""
    source = source_of(request)

    def work(connection: Connection) -> None:
        _require_administering(principal)
        take(connection, grant_id, principal.scope, source=source)

    await transact(resources.editing, work)
    resources.people.forget()
    return Response(status_code=204)


def _require_administering(principal: Principal) -> None:
    """Before anything is looked up: nobody else learns which ids there are."""
    if not principal.scope.may_somewhere(Action.ADMINISTER, Area.PEOPLE):
        raise NotAllowed(Action.ADMINISTER, Area.PEOPLE)


def _document(given: Given) -> dict[str, object]:
    return {
        "id": given.id,
        "holder_kind": given.holder_kind.value,
        "holder": given.holder,
        "role": given.role,
        "right": None if given.own_right is None else right_to_json(given.own_right),
        "units": None if given.units is None else sorted(given.units),
        "starts_on": given.starts_on,
        "ends_on": given.ends_on,
        "reason": given.reason,
        "given_by": given.given_by,
        "given_at": given.given_at,
        "taken_by": given.taken_by,
        "taken_at": given.taken_at,
    }


def _json(document: object, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json", headers=_HEADERS)
