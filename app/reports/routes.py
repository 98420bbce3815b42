"""Field reports over HTTP: sent, looked up by their senders, worked on by officers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import anyio.to_thread
import orjson
from fastapi import APIRouter, Path, Query, Request
from sqlalchemy import Connection, Engine
from starlette.responses import Response

from app.client_address import source_of
from app.moment import Moment
from app.reports.bodies import REPORT_FORM, OpeningBody, RatingBody, ReportStepBody
from app.reports.photo_routes import photo_file, shown_photo
from app.reports.receiving import take_report
from app.resources import PrincipalOf, ResourcesOf, SignedIn, SignInNeeded
from app.work_calendar import work_calendar
from scenarios.photos.errors import PhotoNotFound
from scenarios.reports.acting import ReportStep, act_on_report
from scenarios.reports.hotspots import HotSpot, SpotQuestion, count_by_kind, find_hot_spots
from scenarios.reports.opening import open_reporter
from scenarios.reports.own import OwnReport, rate_report, read_own_report
from scenarios.reports.reading import MOST, ReportFilter, WholeReport, list_reports, read_report
from scenarios.reports.report import Report, ReportState, report_kinds, workflow_steps

router = APIRouter(prefix="/api/reports", tags=["reports"])
_BIGGEST: Final = 2**63 - 1
_FRESH: Final = {"Cache-Control": "no-store"}
_HIDDEN: Final = ("id", "content", "place_text", "lon", "lat", "reply", "duplicate_of")
Number = Annotated[str, Path(pattern=r"^[Pp][Aa][0-9]{6}-[0-9A-Za-z]{8}$")]
Code = Annotated[str | None, Query(max_length=40, description="Mã trên biên nhận · the code on the receipt")]
_T = TypeVar("_T")


@router.post("", status_code=201, summary="Gửi phản ánh · Report something", openapi_extra=REPORT_FORM)
async def post_report(request: Request, resources: ResourcesOf, principal: PrincipalOf) -> Response:
    """Takes a report and gives its number, and a code that is told this once."""
    receipt = await take_report(request, resources, principal)
    shown = {**asdict(receipt), "state": ReportState.RECEIVED}
    shown["page"] = f"{resources.settings.public_url}/report/state?number={receipt.number}"
    del shown["id"]
    return _json(shown, 201)


@router.get("/kinds", summary="Các lĩnh vực phản ánh · Kinds of reports")
async def get_kinds() -> Response:
    """Kinds with their titles, and the steps that the source states, with actors, channels and deadlines."""
    kinds = [{"code": entry.code, "title": entry.label} for entry in report_kinds().entries]
    return _json({"kinds": kinds, "steps": [asdict(step) for step in workflow_steps()]})


@router.get("", summary="Các phản ánh · Reports")
async def get_reports(
    request: Request,
    resources: ResourcesOf,
    principal: SignedIn,
    kind: Annotated[str | None, Query(pattern=r"^[a-z]{1,40}$")] = None,
    state: Annotated[list[ReportState] | None, Query(description="Có thể lặp lại · may be repeated")] = None,
    unit: Annotated[str | None, Query(pattern=r"^[0-9]{5}$")] = None,
    mine: Annotated[bool, Query(description="Chỉ phản ánh giao cho tôi · only those handed to me")] = False,
    late: Annotated[bool, Query(description="Chỉ phản ánh quá hạn · only late ones")] = False,
    before: Annotated[int | None, Query(ge=1, le=_BIGGEST, description="id cuối trang trước · next page")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    f: Literal["json", "geojson"] = "json",
) -> Response:
    """Reports of the units in which the reader may read them, newest first; on the map without what people wrote."""
    assignee = principal.scope.subject if mine else None
    wanted = ReportFilter(kind, tuple(state or ()), unit, assignee, late, before)
    now = datetime.now(UTC)
    found = await _read(resources.editing, lambda c: list_reports(c, principal.scope, wanted, now, limit=limit))
    following = _following(request, resources.settings.public_url, found, limit)
    headers = _FRESH | ({"Link": f'<{following}>; rel="next"'} if following else {})
    if f == "geojson":
        collection = {"type": "FeatureCollection", "features": [_feature(report, now) for report in found]}
        return Response(orjson.dumps(collection), media_type="application/geo+json", headers=headers)
    document = {"reports": [_shown(report, now) for report in found], "next": following}
    return Response(orjson.dumps(document), media_type="application/json", headers=headers)


@router.get("/hotspots", summary="Điểm nóng phản ánh · Where reports crowd")
async def get_hotspots(
    resources: ResourcesOf,
    principal: SignedIn,
    days: Annotated[int, Query(ge=1, le=366, description="So với số ngày như thế trước đó · days")] = 30,
    until: Annotated[Moment | None, Query(description="Đến trước lúc · until, exclusive; now")] = None,
    radius: Annotated[float, Query(ge=10, le=5000, description="mét · metres")] = 150,
    least: Annotated[int, Query(ge=2, le=1000, description="Số phản ánh tối thiểu · reports at least")] = 3,
    kind: Annotated[str | None, Query(pattern=r"^[a-z]{1,40}$")] = None,
    unit: Annotated[str | None, Query(pattern=r"^[0-9]{5}$")] = None,
    f: Literal["json", "geojson"] = "json",
) -> Response:
    """Crowds of reports of one kind, and counts by commune and kind, each with the time of the same length before."""
    end = until or datetime.now(UTC)
    question = SpotQuestion(end - timedelta(days=days), end, radius, least, kind, unit)
    spots = await _read(resources.editing, lambda c: find_hot_spots(c, principal.scope, question))
    if f == "geojson":
        collection = {"type": "FeatureCollection", "features": [_spot_feature(spot) for spot in spots]}
        return Response(orjson.dumps(collection), media_type="application/geo+json", headers=_FRESH)
    counts = await _read(resources.editing, lambda c: count_by_kind(c, principal.scope, question))
    return _json({"since": question.since, "until": end, "spots": spots, "counts": counts})


@router.get("/{number}", summary="Một phản ánh · One report")
async def get_report(resources: ResourcesOf, principal: PrincipalOf, number: Number, code: Code = None) -> Response:
    """For the sender, with the code: how far it is, the answer; for officers all but who sent it."""
    if code is not None:
        own = await _read(resources.editing, lambda c: read_own_report(c, number.upper(), code))
        return _json(own_document(own))
    if principal is None:
        raise SignInNeeded
    whole = await _read(resources.editing, lambda c: read_report(c, principal.scope, number.upper()))
    return _json(_whole(whole))


@router.get("/{number}/photos/{photo_id}", summary="Ảnh kết quả · A photo of the result")
async def get_own_photo(resources: ResourcesOf, number: Number, photo_id: UUID, code: Code = None) -> Response:
    """A photo of the result, for the sender with the code."""
    own = await _read(resources.editing, lambda c: read_own_report(c, number.upper(), code or ""))
    photo = next((photo for photo in own.photos if photo.id == photo_id), None)
    if photo is None:
        raise PhotoNotFound
    return photo_file(resources, photo)


@router.post("/{number}/steps", summary="Làm một việc với phản ánh · One act on a report")
async def post_step(
    request: Request, resources: ResourcesOf, principal: SignedIn, number: Number, body: ReportStepBody
) -> Response:
    """Does one act and gives the report afterwards; of two people at once the second gets a conflict."""
    other = body.other.upper() if body.other else None
    step = ReportStep(body.act, body.version, body.comment, body.office, body.assignee, body.is_ordinary, other)
    calendar, source = work_calendar(resources.settings), source_of(request)

    def act(connection: Connection) -> WholeReport:
        now, given = datetime.now(UTC), number.upper()
        act_on_report(connection, principal.scope, given, step, now, calendar, source=source)
        return read_report(connection, principal.scope, given)

    return _json(_whole(await _write(resources.editing, act)))


@router.post("/{number}/rating", summary="Đánh giá kết quả · Rate the result")
async def post_rating(request: Request, resources: ResourcesOf, number: Number, body: RatingBody) -> Response:
    """The sender says how content they are, from 1 to 5."""
    source = source_of(request)

    def rate(connection: Connection) -> OwnReport:
        now, given = datetime.now(UTC), number.upper()
        rate_report(connection, given, body.code, body.rating, now, remark=body.comment, source=source)
        return read_own_report(connection, given, body.code)

    return _json(own_document(await _write(resources.editing, rate)))


@router.post("/{number}/reporter", summary="Xem người gửi · Open who sent it")
async def post_reporter(
    request: Request, resources: ResourcesOf, principal: SignedIn, number: Number, body: OpeningBody
) -> Response:
    """Name and telephone number of the sender; who looks and why is kept in the audit trail."""
    key, source = resources.sealing, source_of(request)
    reporter = await _write(
        resources.editing,
        lambda c: open_reporter(c, key, principal.scope, number.upper(), body.reason, source=source),
    )
    return _json({"name": reporter.name, "phone": reporter.phone})


def own_document(own: OwnReport) -> dict[str, Any]:
    """A report as its sender sees it."""
    photos = [{"id": photo.id, "width": photo.width, "height": photo.height} for photo in own.photos]
    document = {**asdict(own), "photos": photos}
    del document["id"]
    return document


async def _read(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    def run() -> _T:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            return work(connection)

    return await anyio.to_thread.run_sync(run)


async def _write(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    def run() -> _T:
        with engine.begin() as connection:
            return work(connection)

    return await anyio.to_thread.run_sync(run)


def _following(request: Request, base: str, found: list[Report], limit: int) -> str | None:
    if len(found) < limit:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "before"]
    return f"{base}/api/reports?{urlencode([*kept, ('before', str(found[-1].id))])}"


def _shown(report: Report, now: datetime) -> dict[str, Any]:
    document = {**asdict(report), "is_late": report.is_late(now), "is_duplicate": report.duplicate_of is not None}
    del document["duplicate_of"]
    return document


def _feature(report: Report, now: datetime) -> dict[str, Any]:
    properties = {name: value for name, value in _shown(report, now).items() if name not in _HIDDEN}
    geometry = None if report.lon is None else {"type": "Point", "coordinates": [report.lon, report.lat]}
    return {"type": "Feature", "id": report.id, "geometry": geometry, "properties": properties}


def _spot_feature(spot: HotSpot) -> dict[str, Any]:
    properties = asdict(spot)
    point = [properties.pop("lon"), properties.pop("lat")]
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": point}, "properties": properties}


def _whole(whole: WholeReport) -> dict[str, Any]:
    return {
        **_shown(whole.report, datetime.now(UTC)),
        "duplicate_of": whole.duplicate_of,
        "steps": whole.steps,
        "photos": [shown_photo(photo) for photo in whole.photos],
        "near": whole.near,
        "acts": whole.acts,
        "has_reporter": whole.has_reporter,
        "may_open_reporter": whole.may_open_reporter,
    }


def _json(document: object, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json", headers=_FRESH)
