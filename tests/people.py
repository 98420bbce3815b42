"""People for tests over HTTP: a header names who asks, in place of signing in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app.resources import Principal

WHO = "x-test-person"


class Introduce:
    """Puts the person whom the header names where the service's own sign-in puts a principal."""

    def __init__(self, app: ASGIApp, people: Mapping[str, Principal]) -> None:
        self.app = app
        self.people = people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            name = dict(scope["headers"]).get(WHO.encode(), b"").decode()
            if name:
                scope["principal"] = self.people[name]
        await self.app(scope, receive, send)


def with_people(people: Mapping[str, Principal]) -> Callable[[FastAPI], None]:
    """For ``run_service(..., adapt=...)``: requests with the header come from these people."""

    def adapt(app: FastAPI) -> None:
        # The first of the list is the outermost; the service's own sign-in would overwrite an earlier answer.
        app.user_middleware.append(_middleware(people))

    return adapt


def _middleware(people: Mapping[str, Principal]):  # type: ignore[no-untyped-def]
    from starlette.middleware import Middleware

    return Middleware(Introduce, people=people)
