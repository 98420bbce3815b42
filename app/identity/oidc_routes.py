"""Signing in through another service: the way there and the way back."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from app.client_address import source_of
from app.identity.oidc import WAIT_S, AnswerRefused, Provider, ProviderAway, cookie_path, opened_journey
from app.identity.pages import ACCOUNT, safe_path, signin_page
from app.identity.routes import act, set_cookie
from app.resources import Resources, ResourcesOf
from layers.errors import LayerError
from layers.identity.external import sign_in_confirmed

router = APIRouter(include_in_schema=False)
JOURNEY: Final = "diaban_oidc"


@router.get("/signin/oidc")
async def get_oidc(
    request: Request, resources: ResourcesOf, following: Annotated[str, Query(alias="next", max_length=2000)] = ACCOUNT
) -> Response:
    """Sends the browser to the other service."""
    provider, settings = _provider(resources), resources.settings
    try:
        url, journey = await provider.begin(safe_path(following))
    except ProviderAway as error:
        return signin_page(request, resources, safe_path(following), error, 503)
    answer = RedirectResponse(url, 303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        JOURNEY,
        journey.sealed(resources.people.key),
        max_age=WAIT_S,
        httponly=True,
        # Lax, not strict: the browser comes back from a page of another website.
        samesite="lax",
        secure=settings.public_url.startswith("https://"),
        path=cookie_path(settings),
    )
    return answer


@router.get("/signin/oidc/callback")
async def get_callback(request: Request, resources: ResourcesOf) -> Response:
    """Takes the browser back, checks what it brings, and opens a session."""
    following = ACCOUNT
    try:
        journey = opened_journey(request.cookies.get(JOURNEY, ""), resources.people.key)
        following = journey.following
        confirmed = await _provider(resources).finish(request.query_params, journey)
        source, rules = source_of(request), resources.people.rules
        found = await act(resources.people, lambda c: sign_in_confirmed(c, confirmed, source=source, rules=rules))
        if isinstance(found, LayerError):
            raise found
    except LayerError as error:
        status = 503 if isinstance(error, ProviderAway) else 400 if isinstance(error, AnswerRefused) else 401
        return _forget(signin_page(request, resources, following, error, status), resources)
    known = await resources.people.find(found)
    path = ACCOUNT if known is not None and known.is_restricted else following
    answer = RedirectResponse(f"{resources.settings.public_url}{path}", 303, headers={"Cache-Control": "no-store"})
    return _forget(set_cookie(answer, resources, found), resources)


def _provider(resources: Resources) -> Provider:
    if resources.people.provider is None:
        raise HTTPException(404)
    return resources.people.provider


def _forget(answer: Response, resources: Resources) -> Response:
    """A journey is gone once, whatever came of it."""
    answer.delete_cookie(JOURNEY, path=cookie_path(resources.settings), httponly=True, samesite="lax")
    return answer
