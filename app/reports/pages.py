"""Pages to report something on, and to look what became of it; they work without scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final

import anyio.to_thread
from fastapi import APIRouter, Form, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import RedirectResponse, Response

from app.client_address import source_of
from app.ogc.negotiation import language_wanted
from app.problems import BadParameter
from app.reports.receiving import admit, photo_shelf, take_form
from app.resources import PrincipalOf, Resources, ResourcesOf, SignInNeeded
from app.uploads.forms import ReceivedForm, incoming_folder, receive_form
from layers.definition import Label
from layers.errors import LayerError
from layers.rights import NotAllowed
from layers.uploads.errors import FileTooLarge, NoRoom
from scenarios.photos.errors import PhotoTooLarge
from scenarios.reports.errors import ReportError, ReportNotFound, ReportOutOfOrder, TooManyReports
from scenarios.reports.own import OwnReport, rate_report, read_own_report
from scenarios.reports.report import report_kinds
from scenarios.reports.routing import list_communes
from web.account import Notice
from web.environment import Site
from web.reports import KeptReceipt, ReportForm, render_receipt, render_report_form, render_state

router = APIRouter(include_in_schema=False)
REPORT: Final = "/report"
_FIELDS: Final = ("kind", "text", "unit_code", "place_text", "lon", "lat", "name", "phone")
_STATUSES: Final = {
    TooManyReports: 429,
    PhotoTooLarge: 413,
    FileTooLarge: 413,
    NoRoom: 507,
    ReportNotFound: 404,
    ReportOutOfOrder: 409,
    NotAllowed: 403,
}
_TITLES: Final = {
    "kind": Label("Lĩnh vực", "What it is about"),
    "text": Label("Nội dung", "What is the matter"),
    "unit_code": Label("Xã, phường", "Commune"),
    "place_text": Label("Địa điểm", "Place in words"),
    "lon": Label("Kinh độ", "Longitude"),
    "lat": Label("Vĩ độ", "Latitude"),
    "name": Label("Họ tên", "Name"),
    "phone": Label("Điện thoại", "Telephone"),
}
_RATED: Final = Notice(Label("Cảm ơn bạn đã đánh giá.", "Thank you for your rating."))
Typed = Annotated[str, Form(max_length=40)]


@router.api_route(REPORT, methods=["GET", "HEAD"])
async def get_form(request: Request, resources: ResourcesOf, principal: PrincipalOf) -> Response:
    """The page to report on."""
    site = _site(request, resources)
    if principal is None and not resources.settings.public_reports:
        return RedirectResponse(site.href(f"/signin?next={REPORT}"), 303)
    return _page(render_report_form(site, await _form(resources)), site)


@router.post(REPORT)
async def post_form(request: Request, resources: ResourcesOf, principal: PrincipalOf) -> Response:
    """Takes a report in and shows the receipt, or says why not with what was typed kept."""
    site, shelf = _site(request, resources), photo_shelf(resources)
    form = ReceivedForm()
    try:
        sender = await admit(request, resources, principal)
        with incoming_folder(shelf) as folder:
            form = await receive_form(request, shelf, folder)
            form.texts |= {name: form.texts.get(name, "").strip().replace(",", ".") for name in ("lon", "lat")}
            receipt = await take_form(resources, sender, form)
    except SignInNeeded:
        return RedirectResponse(site.href(f"/signin?next={REPORT}"), 303)
    except (LayerError, BadParameter, RequestValidationError) as error:
        shown = await _form(resources, form, _notice(error))
        return _page(render_report_form(site, shown), site, _STATUSES.get(type(error), 400))
    communes = dict(await _communes(resources))
    kept = KeptReceipt(
        receipt.number,
        receipt.code,
        communes.get(receipt.unit_code, receipt.unit_code),
        receipt.office,
        receipt.due_at,
    )
    return _page(render_receipt(site, kept), site, 201)


@router.api_route("/report/state", methods=["GET", "HEAD"])
async def get_state(request: Request, resources: ResourcesOf) -> Response:
    """The page that asks for number and code; neither the code nor the report is ever in its address."""
    site = _site(request, resources)
    return _page(render_state(site, number=request.query_params.get("number", "")[:40]), site)


@router.post("/report/state")
async def post_state(request: Request, resources: ResourcesOf, number: Typed, code: Typed) -> Response:
    """How far a report is, for whoever has its code."""
    site = _site(request, resources)

    def look() -> OwnReport:
        with resources.editing.connect() as connection:
            return read_own_report(connection, number.strip().upper(), code)

    try:
        own = await anyio.to_thread.run_sync(look)
    except ReportNotFound as error:
        return _page(render_state(site, number=number, notice=_notice(error)), site, 404)
    return _page(render_state(site, number=number, code=code, own=own), site)


@router.post("/report/rating")
async def post_rating(
    request: Request,
    resources: ResourcesOf,
    number: Typed,
    code: Typed,
    rating: Annotated[int, Form()],
    comment: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Keeps a rating and shows the report again."""
    site = _site(request, resources)
    rate = partial(_rate, resources, number.strip().upper(), code, rating, comment, source_of(request))
    try:
        own = await anyio.to_thread.run_sync(rate)
    except ReportError as error:
        return _page(render_state(site, number=number, notice=_notice(error)), site, _STATUSES.get(type(error), 400))
    return _page(render_state(site, number=number, code=code, own=own, notice=_RATED), site)


def _rate(resources: Resources, number: str, code: str, rating: int, comment: str, source: str | None) -> OwnReport:
    with resources.editing.begin() as connection:
        rate_report(connection, number, code, rating, datetime.now(UTC), remark=comment, source=source)
        return read_own_report(connection, number, code)


async def _form(resources: Resources, form: ReceivedForm | None = None, notice: Notice | None = None) -> ReportForm:
    texts = form.texts if form else {}
    typed = {name: texts.get(name, "") for name in _FIELDS}
    return ReportForm(report_kinds().entries, await _communes(resources), typed, notice)


async def _communes(resources: Resources) -> list[tuple[str, str]]:
    def read() -> list[tuple[str, str]]:
        with resources.editing.connect() as connection:
            return list_communes(connection)

    return await anyio.to_thread.run_sync(read)


def _notice(error: LayerError | BadParameter | RequestValidationError) -> Notice:
    if not isinstance(error, RequestValidationError):
        return Notice(Label(error.vi, error.en), is_error=True)
    titles = [_TITLES.get(str(item["loc"][1]), Label("?", "?")) for item in error.errors() if len(item["loc"]) > 1]
    vi, en = ", ".join(title.vi for title in titles), ", ".join(title.en for title in titles)
    return Notice(Label(f"Hãy điền lại: {vi}.", f"Please fill in again: {en}."), is_error=True)


def _site(request: Request, resources: Resources) -> Site:
    english, lang = language_wanted(request)
    return Site(resources.settings.public_url, english=english, lang=lang)


def _page(body: bytes, site: Site, status: int = 200) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Language": "en" if site.english else "vi",
        "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
        "Referrer-Policy": "same-origin",
    }
    return Response(body, status, headers=headers, media_type="text/html")
