"""Pure ASGI wrappers at the edge: who may read from another website, and addresses with a final slash."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

# POST asks spatial questions. Nothing that changes data may be sent by another website's page.
METHODS = ("GET", "HEAD", "POST", "OPTIONS")
SENT_HEADERS = ("Accept", "Accept-Language", "Content-Language", "Content-Type", "If-None-Match", "Range")
# What map programs read beyond the few headers that browsers show by themselves.
SHOWN_HEADERS = ("Content-Crs", "ETag", "Link", "OGC-NumberMatched", "OGC-NumberReturned", "X-Request-Id")
MAX_AGE_S = 3600


class OtherWebsites(CORSMiddleware):
    """Lets pages of other websites read, as a visitor who is not signed in: cookies never come along.

    Args:
        app: The application.
        origins: Websites that may, or ``*`` for all.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=SENT_HEADERS,
            expose_headers=SHOWN_HEADERS,
            allow_credentials=False,
            max_age=MAX_AGE_S,
        )


class FinalSlash:
    """Answers an address of the OGC API with a final slash as without: clients try both, and some follow no redirect.

    The framework's own redirect would also name the host and scheme behind a proxy.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(f"{self.prefix}/") and path.endswith("/"):
            scope = {**scope, "path": path[:-1], "raw_path": scope.get("raw_path", b"").removesuffix(b"/")}
        await self.app(scope, receive, send)
