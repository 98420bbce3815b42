"""Pages of features and single features: SQL text passed through, with links and headers round it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from app.ogc.conditions import build_conditions, condition_values, shape_of
from app.ogc.forms import FEATURE_FORMS, MEDIA_TYPES, PAGE_FORMS, Form
from app.ogc.pages import builder_of, collection_document, instant_of
from app.ogc.params import ItemsRequest
from app.ogc.sorting import make_cursor, make_sorted_cursor
from app.resources import Resources
from layers.access import Scope
from layers.catalogue import Layer
from layers.errors import FeatureNotFound, RevisionNotFound
from spatial.crs import CRS
from spatial.features import count_statement, feature_statement, feature_text
from spatial.page import MAX_COUNT, View
from spatial.page_formats import jsonfg_text
from spatial.sorting import sort_parameter
from spatial.target import Target

REVALIDATE = "no-cache"


@dataclass(frozen=True, slots=True)
class ItemsPage:
    """A page as the database gave it.

    Attributes:
        body: Features as text; empty where the form is made of rows.
        rows: Features as rows, for the forms that are files.
        matched: Number of features that match; None where that is not known exactly.
        next_cursor: Cursor of the next page; None on the last page.
    """

    body: bytes
    returned: int
    matched: int | None
    next_cursor: str | None
    revision: int
    rows: Sequence[Sequence[Any]] = ()


async def read_page(
    resources: Resources, scope: Scope, layer: Layer, asked: ItemsRequest, form: Form = Form.GEOJSON
) -> ItemsPage:
    """Reads one page of features in one statement, in the form given; HTML is made of GeoJSON.

    Raises:
        RevisionNotFound: The layer never had the revision asked for.
    """
    if asked.hits_only:
        return await _count(resources, scope, layer, asked)
    view = view_of(asked)
    builder = builder_of(form, layer)

    def build(target: Target):  # type: ignore[no-untyped-def]
        return builder(target, build_conditions(target, layer, asked), view)

    shape = ("items", Form.GEOJSON if form is Form.HTML else form, view, shape_of(asked))
    values = {**page_values(asked), **condition_values(layer, asked)}
    row = await _fetch(resources, scope, layer, asked, shape, build, values)
    matched = row["matched"] if view.counted else layer.feature_count
    if (view.counted and matched > MAX_COUNT) or (asked.revision is not None and not view.counted):
        matched = None
    following = _next_cursor(asked, row)
    if form is Form.FLATGEOBUF:
        return ItemsPage(b"", row["returned"], matched, following, row["revision"], row["body"] or ())
    return ItemsPage(row["body"], row["returned"], matched, following, row["revision"])


def view_of(asked: ItemsRequest) -> View:
    """How the page is shown; part of what tells one statement from another."""
    return View(
        crs=asked.crs,
        properties=asked.properties,
        counted=asked.has_conditions,
        sort=asked.sort,
        resumed=asked.place is not None,
    )


def page_values(asked: ItemsRequest) -> dict[str, object]:
    """Values of the parameters that say which page is wanted."""
    values: dict[str, object] = {"after": asked.after, "skip": asked.offset, "page": asked.limit}
    if asked.place is not None:
        values["after"] = asked.place[-1]
        values |= {sort_parameter(number): value for number, value in enumerate(asked.place[:-1])}
    return values


def _next_cursor(asked: ItemsRequest, row: Mapping[str, Any]) -> str | None:
    if not row["more"]:
        return None
    return make_sorted_cursor(asked.sort, row["last_place"]) if asked.sort else make_cursor(row["last_fid"])


async def _count(resources: Resources, scope: Scope, layer: Layer, asked: ItemsRequest) -> ItemsPage:
    def build(target: Target):  # type: ignore[no-untyped-def]
        return count_statement(target, build_conditions(target, layer, asked))

    values = condition_values(layer, asked)
    row = await _fetch(resources, scope, layer, asked, ("hits", shape_of(asked)), build, values)
    return ItemsPage(b"", 0, row["matched"], None, row["revision"])


async def _fetch(  # type: ignore[no-untyped-def]
    resources: Resources, scope: Scope, layer: Layer, asked: ItemsRequest, shape, build, values: dict[str, object]
):
    if asked.revision is None:
        statement = resources.statements.get(layer, shape, build)
    else:
        if asked.revision > layer.revision:
            raise RevisionNotFound(layer.slug, asked.revision, newest=layer.revision)
        statement = resources.statements.get_past(layer, shape, build)
        values = {**values, "revision": asked.revision}
    async with resources.gate.read(layer.reader(scope)) as connection:
        return await connection.fetchrow(statement.text, *statement.args(values))


def page_document(page: ItemsPage, links: list[dict[str, str]], *, synthetic: bool) -> bytes:
    """The GeoJSON FeatureCollection of a page."""
    return collection_document(page.body, page_members(page, links, synthetic=synthetic))


def page_members(page: ItemsPage, links: list[dict[str, str]], *, synthetic: bool) -> dict[str, object]:
    """What a FeatureCollection says of itself (OGC API - Features Part 1, 7.15.7)."""
    members: dict[str, object] = {"links": links, "timeStamp": now_text(), "numberReturned": page.returned}
    if page.matched is not None:
        members["numberMatched"] = page.matched
    if synthetic:
        members["synthetic"] = True
    return members


def page_links(
    request: Request, base: str, asked: ItemsRequest, page: ItemsPage, form: Form = Form.GEOJSON
) -> list[dict[str, str]]:
    """Links ``self``, ``alternate`` and, where features follow, ``next``."""
    given = {name: value for name, value in request.query_params.multi_items() if name != "f"}
    links = [_link("self" if other is form else "alternate", base, given, other) for other in PAGE_FORMS]
    links.sort(key=lambda link: link["rel"] != "self")
    if page.next_cursor is not None:
        following = {name: value for name, value in given.items() if name not in ("offset", "cursor", "limit")}
        following |= {"limit": str(asked.limit), "cursor": page.next_cursor}
        links.append(_link("next", base, following, form))
    return links


def _link(rel: str, base: str, given: Mapping[str, str], form: Form) -> dict[str, str]:
    query = urlencode({**given, "f": form.value}, quote_via=quote, safe=":/")
    return {"rel": rel, "type": MEDIA_TYPES[form], "href": f"{base}?{query}"}


async def read_feature(
    resources: Resources, scope: Scope, layer: Layer, fid: int, crs: CRS, form: Form = Form.GEOJSON
) -> tuple[bytes, int]:
    """GeoJSON or JSON-FG of one feature without its closing brace, and the revision that it dates from.

    Raises:
        FeatureNotFound: There is no such feature now.
    """
    instant = instant_of(layer)

    def build(target: Target):  # type: ignore[no-untyped-def]
        if form is Form.JSONFG:
            text = jsonfg_text(target, target.rows, View(crs), instant)
        else:
            text = feature_text(target, target.rows, crs, None)
        return feature_statement(target, text)

    statement = resources.statements.get(layer, ("feature", form is Form.JSONFG, crs.uri), build)
    async with resources.gate.read(layer.reader(scope)) as connection:
        row = await connection.fetchrow(statement.text, *statement.args({"fid": fid}))
    if row is None:
        raise FeatureNotFound(layer.slug, fid)
    return row["body"], row["feature_revision"]


def feature_links(collection_url: str, fid: int, form: Form = Form.GEOJSON) -> list[dict[str, str]]:
    """Links ``self``, ``alternate`` and ``collection`` of a feature (Part 1, 7.16.4)."""
    here = f"{collection_url}/items/{fid}"
    links = [
        {"rel": "self" if other is form else "alternate", "type": MEDIA_TYPES[other], "href": f"{here}?f={other}"}
        for other in FEATURE_FORMS
    ]
    links.sort(key=lambda link: link["rel"] != "self")
    return [*links, {"rel": "collection", "type": "application/json", "href": collection_url}]


def etag_of(request: Request, layer: Layer, revision: int, form: Form = Form.GEOJSON) -> str:
    """Weak tag of a representation: layer, definition, revision, form and what was asked."""
    asked = hashlib.blake2b(f"{form}?{request.url.query}".encode(), digest_size=8).hexdigest()
    return f'W/"{layer.edition}-{revision}-{asked}"'


def is_known(request: Request, etag: str) -> bool:
    """Whether the client has this representation already (RFC 9110, 13.1.2)."""
    given = request.headers.get("if-none-match")
    return given is not None and etag in (part.strip() for part in given.split(","))


def now_text() -> str:
    """The present instant as OGC's ``timeStamp`` wants it: UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def not_modified(headers: Mapping[str, str]) -> Response:
    """The answer 304 with the headers of the representation."""
    return Response(status_code=304, headers=headers)
