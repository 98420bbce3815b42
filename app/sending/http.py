"""One HTTP request to a stranger: bounded in time and in size, no redirect followed, its answer judged."""

from __future__ import annotations

import asyncio
import email.utils
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final
from urllib.parse import urlsplit

import httpx

from scenarios.notifying.errors import SendFailed, SendRefused

WHOLE_S: Final = 15.0
"""From the look-up of the name to the end of the answer, whatever the other side does."""
STEP_S: Final = 10.0
MOST_BYTES: Final = 64 * 1024
# These say "not now"; every other 4xx says that the same message will not do tomorrow either.
_NOT_NOW: Final = frozenset({408, 423, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as far as it is read."""

    status: int
    body: bytes
    wait_s: float | None


def post(url: str, body: bytes, headers: Mapping[str, str], *, whole_s: float = WHOLE_S) -> Answer:
    """Sends a body and returns the answer where it is 2xx.

    Raises:
        SendFailed: No answer in time, a broken connection, or an answer that means "not now".
        SendRefused: The address is not http(s), or the answer means "never".
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise SendRefused("the address is neither http nor https")
    try:
        answer = asyncio.run(_post(url, body, headers, whole_s))
    except TimeoutError:
        raise SendFailed(f"no whole answer within {whole_s:g} s") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
        raise SendRefused("the address cannot be used") from None
    except (httpx.HTTPError, OSError) as error:
        raise SendFailed(f"no answer ({type(error).__name__})") from None
    _judge(answer)
    return answer


async def _post(url: str, body: bytes, headers: Mapping[str, str], whole_s: float) -> Answer:
    async with asyncio.timeout(whole_s):
        client = httpx.AsyncClient(verify=_trust(), timeout=STEP_S, follow_redirects=False)
        async with client, client.stream("POST", url, content=body, headers=dict(headers)) as response:
            taken = bytearray()
            async for piece in response.aiter_raw(8192):
                taken += piece
                if len(taken) >= MOST_BYTES:
                    break
            return Answer(response.status_code, bytes(taken[:MOST_BYTES]), _asked_wait(response))


@cache
def _trust() -> ssl.SSLContext:
    """The machine's own authorities, among which an office puts its own."""
    return ssl.create_default_context()


def _judge(answer: Answer) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    if status >= 500 or status in _NOT_NOW:
        raise SendFailed(f"answered {status}", wait_s=answer.wait_s)
    raise SendRefused(f"answered {status}")


def _asked_wait(response: httpx.Response) -> float | None:
    """Seconds of ``Retry-After``, given as a number or as a date."""
    given = response.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given[:9])
    try:
        until = email.utils.parsedate_to_datetime(given)
    except ValueError:
        return None
    known = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (known - datetime.now(UTC)).total_seconds())
