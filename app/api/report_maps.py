"""Report maps over HTTP: a question, a scenario or a revision as one HTML file or one PNG picture."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from app.api.figures import PeriodText
from app.api.query import DESCRIBED, check_media_type
from app.moment import Moment
from app.ogc.negotiation import language_wanted
from app.report_maps.making import MEDIA_TYPES, ReportForm, make_in_thread
from app.report_maps.reading import Reading, read_question, read_revision, unit_name
from app.report_maps.scenario import Wanted, read_scenario
from app.resources import Principal, PrincipalOf, Resources, ResourcesOf, ScopeOf, SignedIn
from layers.access import Scope
from scenarios.figures.classes import Measure
from scenarios.figures.periods import parse_period
from spatial.question import parse_question
from spatial.question_text import decode_question
from web.report_maps.report import About, Report

router = APIRouter(prefix="/api/report-maps", tags=["report-maps"])
_CONTENT: Final[dict[str, object]] = {kind.partition(";")[0]: {"schema": {}} for kind in MEDIA_TYPES.values()}
_BIGGEST: Final = 2**63 - 1
_MADE: Final = {"200": {"description": "Báo cáo bản đồ · the report map", "content": _CONTENT}}
_ASKED: Final = {
    **DESCRIBED,
    "responses": {**DESCRIBED["responses"], **_MADE},
}
Form = Annotated[ReportForm, Query(alias="f", description="Một tệp HTML hay một ảnh PNG · one HTML file or a PNG")]
Title = Annotated[str, Query(max_length=200, description="Tiêu đề, thay cho tên lớp · in place of the layer's title")]


@router.get(
    "/question",
    summary="Báo cáo bản đồ của một câu hỏi · A question as a report map",
    responses=_MADE,  # type: ignore[arg-type]
    response_class=Response,
)
async def get_question_report(
    request: Request,
    resources: ResourcesOf,
    scope: ScopeOf,
    principal: PrincipalOf,
    question: Annotated[
        str,
        Query(
            max_length=50_000,
            description="Câu hỏi như của POST /api/query · the JSON document of POST /api/query",
            openapi_examples={"schools": {"value": '{"layer": "schools"}'}},
        ),
    ],
    f: Form = ReportForm.HTML,
    title: Title = "",
) -> Response:
    """The answer's features on a map with legend, figures, sources and dates, in one file that needs no network."""
    about = await about_of(request, resources, scope, principal, title)
    return await _answer_question(resources, scope, question, f, about)


@router.post(
    "/question",
    summary="Báo cáo bản đồ của một câu hỏi dài · A long question as a report map",
    openapi_extra=_ASKED,
    response_class=Response,
)
async def post_question_report(
    request: Request,
    resources: ResourcesOf,
    scope: ScopeOf,
    principal: PrincipalOf,
    f: Form = ReportForm.HTML,
    title: Title = "",
) -> Response:
    """The same for a question that is too long for an address."""
    check_media_type(request.headers.get("content-type"))
    about = await about_of(request, resources, scope, principal, title)
    return await _answer_question(resources, scope, await request.body(), f, about)


@router.get(
    "/scenario/{code}",
    summary="Báo cáo bản đồ của một kịch bản tại một thời điểm · A scenario at a moment as a report map",
    responses=_MADE,  # type: ignore[arg-type]
    response_class=Response,
)
async def get_scenario_report(
    request: Request,
    resources: ResourcesOf,
    principal: SignedIn,
    code: Annotated[str, Path(max_length=20)],
    at: Annotated[Moment | None, Query(description="Lúc xem, kèm múi giờ · the moment; now")] = None,
    indicator: Annotated[str | None, Query(max_length=60, description="Chỉ tiêu tô màu · the one coloured")] = None,
    measure: Measure | None = None,
    period: PeriodText = None,
    against: PeriodText = None,
    f: Form = ReportForm.HTML,
    title: Title = "",
) -> Response:
    """Units coloured by a figure, alerts not closed at the moment as points, both as tables, in one file."""
    about = await about_of(request, resources, principal.scope, principal, title)
    spans = (parse_period(period) if period else None, parse_period(against, parameter="against") if against else None)
    wanted = Wanted(code, at or about.made_at, indicator, measure, *spans)
    report = await read_scenario(reading_of(resources, principal.scope), resources.editing, wanted, about)
    return await report_response(report, f, f"scenario-{code}")


@router.get(
    "/revision/{slug}/{revision}",
    summary="Báo cáo bản đồ các thay đổi của một phiên bản · A revision's changes as a report map",
    responses=_MADE,  # type: ignore[arg-type]
    response_class=Response,
)
async def get_revision_report(
    request: Request,
    resources: ResourcesOf,
    scope: ScopeOf,
    principal: PrincipalOf,
    slug: Annotated[str, Path(max_length=100)],
    revision: Annotated[int, Path(ge=1, le=_BIGGEST)],
    f: Form = ReportForm.HTML,
    title: Title = "",
) -> Response:
    """Features that a revision inserted, updated and deleted, with what changed, and numbers by commune."""
    about = await about_of(request, resources, scope, principal, title)
    report = await read_revision(reading_of(resources, scope), slug, revision, about)
    return await report_response(report, f, f"{slug}-{revision}")


async def _answer_question(
    resources: Resources, scope: Scope, text: str | bytes, form: ReportForm, about: About
) -> Response:
    question = parse_question(decode_question(text))
    report = await read_question(reading_of(resources, scope), question, about)
    return await report_response(report, form, question.layer)


def reading_of(resources: Resources, scope: Scope) -> Reading:
    """What reports are read with, for this reader."""
    least = resources.settings.small_count
    return Reading(resources.gate, resources.catalogue, resources.statements, scope, least)


async def about_of(
    request: Request, resources: Resources, scope: Scope, principal: Principal | None, title: str
) -> About:
    """Maker, moment and language: the reader's unit, else the office of the settings; never a person's name."""
    english, _ = language_wanted(request)
    office = resources.settings.office
    if principal is not None and principal.unit_code is not None:
        office = await unit_name(reading_of(resources, scope), principal.unit_code) or office
    return About(title.strip(), office, datetime.now(UTC), english)


async def report_response(report: Report, form: ReportForm, name: str) -> Response:
    """The report as a download; opened in place it may do nothing but draw itself."""
    body = await make_in_thread(report, form)
    moment = report.about.made_at.strftime("%Y%m%d-%H%M")
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="{name}-{moment}.{form.value}"',
        "Content-Language": "en" if report.about.english else "vi",
        "Content-Security-Policy": "sandbox allow-scripts",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, media_type=MEDIA_TYPES[form], headers=headers)
