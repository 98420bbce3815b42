"""Says whose request it is, by the session's cookie, a bearer token, or a token as the password of Basic."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.identity.people import Known, People
from app.problems import problem

COOKIE: Final = "diaban_session"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_KNOWN: Final = "known"


class Identify:
    """Puts the principal into the request's scope (RFC 6750, 7617; cookies for browsers only).

    A wrong or expired token is 401 rather than a look at what is public, so that a program notices. An expired
    session is nobody. A request that changes something and rests on a cookie must come from our own pages.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get("authorization")
        secret = request.cookies.get(COOKIE) if given is None else _secret_of(given)
        if given is None and _opens_session(request) and _is_of_another_website(request):
            await _other_website(request)(scope, receive, send)
            return
        if given is None and not secret:
            await self.app(scope, receive, send)
            return
        people: People = scope["app"].state.resources.people
        known = await people.find(secret) if secret else None
        if given is not None and known is None:
            await _unknown_token(request)(scope, receive, send)
            return
        if known is not None and given is None and request.method not in _SAFE and not _is_own_page(request):
            await _other_website(request)(scope, receive, send)
            return
        if known is None:
            await self.app(scope, receive, send)
            return
        scope["principal"] = known.principal
        scope[_KNOWN] = known

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start":
                _make_private(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_private)


def known_of(request: Request) -> Known | None:
    """Who sent the request, with the session or token that says so."""
    found = request.scope.get(_KNOWN)
    return found if isinstance(found, Known) else None


def _secret_of(header: str) -> str:
    """The token of an Authorization header; empty where it holds none."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        plain = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return plain.partition(":")[2]


def _is_own_page(request: Request) -> bool:
    """Whether a browser sent it from a page of this very host (OWASP: verifying origin with standard headers)."""
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == request.headers.get("host")
    return request.headers.get("sec-fetch-site") in ("same-origin", "none")


def _is_of_another_website(request: Request) -> bool:
    """Whether a browser says that the request comes from a page of another host; programs say nothing."""
    return request.headers.get("origin") is not None and not _is_own_page(request)


def _opens_session(request: Request) -> bool:
    """Whether the request would open a session: another website could sign a visitor into its own account."""
    return request.method == "POST" and request.url.path.endswith(("/signin", "/api/session"))


def _make_private(headers: MutableHeaders) -> None:
    """No shared cache may hand the answer to anybody else."""
    control = headers.get("cache-control")
    if control is None:
        headers["cache-control"] = "private, no-store"
    elif "no-store" not in control:
        kept = [word.strip() for word in control.split(",") if word.strip() not in ("public", "private")]
        headers["cache-control"] = ", ".join(["private", *(word for word in kept if "s-maxage" not in word)])
    headers.add_vary_header("Authorization")
    headers.add_vary_header("Cookie")


def _unknown_token(request: Request) -> Response:
    return problem(
        request,
        401,
        "Mã truy cập không đúng, đã hết hạn hoặc đã thu hồi. Hãy tạo mã mới ở /account; với QGIS, nhập mã vào ô"
        " mật khẩu.",
        "The token is wrong, over or revoked. Make a new one at /account; for QGIS and Basic, type it as the password.",
        kind="unknown-token",
        headers={"WWW-Authenticate": 'Basic realm="diaban", charset="UTF-8"'},
    )


def _other_website(request: Request) -> Response:
    return problem(
        request,
        403,
        "Yêu cầu thay đổi phải đến từ trang của chính dịch vụ này. Chương trình khác hãy dùng mã truy cập.",
        "A change must come from a page of this service itself. Other programs use a token.",
        kind="other-website",
    )
