"""Answers are compressed as the client accepts, and their tags stay true."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable

import brotli
import httpx
import pytest
import zstandard
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.encoding import Encode, choose_encoding
from tests.conftest import Service

BODY = b'{"name": "Th\xe1\xbb\xa7 \xc4\x90\xe1\xbb\xa9c"}' * 300
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


class TestChoice:
    CASES = (
        ("", None), ("identity", None), ("gzip", "gzip"), ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, br;q=0.5", "gzip"), ("br;q=0, gzip", "gzip"), ("*", "zstd"), ("*;q=0", None),
        ("zstd;q=0, *", "br"), ("gzip;q=oops", None), ("GZIP", "gzip"), ("gzip;q=0", None),
    )  # fmt: skip

    @pytest.mark.parametrize(("header", "chosen"), CASES)
    def test_follows_the_client_then_our_order(self, header: str, chosen: str | None) -> None:
        assert choose_encoding(header) == chosen


def fetch(path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer and its bytes as they came, undecoded."""

    async def ask() -> tuple[httpx.Response, bytes]:
        transport = httpx.ASGITransport(app=APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            async with client.stream("GET", path, headers={"Accept-Encoding": "identity", **sent}) as response:
                return response, b"".join([part async for part in response.aiter_raw()])

    return asyncio.run(ask())


def answer(etag: str | None = None, body: bytes = BODY, kind: str = "application/geo+json", **more: str):
    def handler(request: Request) -> Response:
        headers = {**more, **({"ETag": etag} if etag else {})}
        if etag and etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)

    return handler


def streamed(request: Request) -> Response:
    return StreamingResponse(iter([BODY[i : i + 500] for i in range(0, len(BODY), 500)]), media_type="text/csv")


APP = Encode(
    Starlette(
        routes=[
            Route("/weak", answer('W/"a1"')),
            Route("/strong", answer('"a1"')),
            Route("/small", answer(body=b"{}")),
            Route("/large", answer(body=BODY * 100)),
            Route("/image", answer(kind="image/png")),
            Route("/tile", answer(kind="application/json", **{"Content-Encoding": "gzip"})),
            Route("/file", answer(**{"Cache-Control": "no-transform"})),
            Route("/stream", streamed),
        ]
    )
)


class TestBody:
    @pytest.mark.parametrize("encoding", DECODERS)
    @pytest.mark.parametrize("path", ["/weak", "/large", "/stream"])
    def test_is_what_was_sent(self, encoding: str, path: str) -> None:
        response, raw = fetch(path, Accept_Encoding=encoding)
        assert response.headers["content-encoding"] == encoding
        assert len(raw) < len(BODY)
        assert DECODERS[encoding](raw) == (BODY * 100 if path == "/large" else BODY)
        if "content-length" in response.headers:
            assert int(response.headers["content-length"]) == len(raw)

    @pytest.mark.parametrize("path", ["/small", "/image", "/tile", "/file"])
    def test_passes_as_it_is_where_that_is_better(self, path: str) -> None:
        plain, coded = fetch(path), fetch(path, Accept_Encoding="gzip, br, zstd")
        assert plain[1] == coded[1]
        assert plain[0].headers.get("content-encoding") == coded[0].headers.get("content-encoding")

    def test_says_that_it_varies_even_when_plain(self) -> None:
        assert "Accept-Encoding" in fetch("/weak")[0].headers["vary"]


class TestTags:
    def test_a_weak_tag_stands_for_all_encodings(self) -> None:
        tag = fetch("/weak", Accept_Encoding="br")[0].headers["etag"]
        assert tag == 'W/"a1"'
        assert fetch("/weak", Accept_Encoding="gzip", If_None_Match=tag)[0].status_code == 304

    @pytest.mark.parametrize("encoding", DECODERS)
    def test_a_strong_tag_differs_by_encoding_and_comes_back(self, encoding: str) -> None:
        assert fetch("/strong")[0].headers["etag"] == '"a1"'
        tag = fetch("/strong", Accept_Encoding=encoding)[0].headers["etag"]
        assert tag == f'"a1-{encoding}"'
        again, body = fetch("/strong", Accept_Encoding=encoding, If_None_Match=f'"zz", {tag}')
        assert (again.status_code, again.headers["etag"], body) == (304, tag, b"")

    def test_a_tag_of_other_content_does_not_pass(self) -> None:
        assert fetch("/strong", Accept_Encoding="gzip", If_None_Match='"a2-gzip"')[0].status_code == 200


@pytest.mark.db
class TestService:
    @pytest.mark.parametrize("encoding", DECODERS)
    def test_items_are_encoded(self, service: Service, encoding: str) -> None:
        url = "/ogc/collections/schools/items?limit=50"
        with service.client.stream("GET", url, headers={"Accept-Encoding": encoding}) as response:
            raw = b"".join(response.iter_raw())
        assert response.headers["content-encoding"] == encoding
        plain = service.client.get(url, headers={"Accept-Encoding": "identity"})
        assert DECODERS[encoding](raw).split(b'"timeStamp"')[0] == plain.content.split(b'"timeStamp"')[0]
        assert response.headers["etag"] == plain.headers["etag"]

    def test_a_tile_keeps_its_own_encoding(self, service: Service) -> None:
        west, south, east, north = service.client.get("/tiles/communes.json").json()["bounds"]
        assert west < east
        assert south < north
        response = service.client.get("/tiles/communes/0/0/0.pbf", headers={"Accept-Encoding": "gzip, br, zstd"})
        assert response.headers.get("content-encoding") in (None, "gzip")
