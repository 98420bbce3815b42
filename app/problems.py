"""Errors for people: application/problem+json (RFC 9457) in Vietnamese or English."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import asyncpg
import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.live.hub import TooManyListeners
from app.refusals import record_refusal
from app.resources import SignInNeeded
from layers.administrators import LastAdministrator
from layers.errors import (
    FeatureNotFound,
    FileExpired,
    FileNotReady,
    JobNotFound,
    LayerError,
    LayerNotFound,
    RevisionNotFound,
    TooManyJobs,
    VersionConflict,
)
from layers.giving import OwnAccount
from layers.grants import GrantNotFound, OwnRights
from layers.identity.errors import (
    AccountExists,
    AccountNotFound,
    SecondFactorNeeded,
    SignInRefused,
    SignInsBusy,
    TokenNotFound,
    TooManyFailures,
)
from layers.job_keeping import JobNotFailed
from layers.personal.errors import PersonalKeyError, PersonalNotFound, TooManyViews
from layers.restyle import StyleChanged
from layers.rights import NotAllowed
from layers.units import UnitNotFound
from layers.uploads.errors import (
    ChangeMoved,
    FileGone,
    FileTooLarge,
    KeyUsedOtherwise,
    NoRoom,
    NotReady,
    SameEyes,
    UploadNotFound,
    WrongState,
)
from scenarios.alerts.errors import ActOutOfOrder, AlertChanged, AlertNotFound, NotMergeable, PlaceHasNewerAlert
from scenarios.errors import ScenarioError, ScenarioNotFound
from scenarios.evaluation.errors import NoHistoryOfFeatures, RuleNotEvaluable, RuleNotFound, TooManyMoments
from scenarios.figures.errors import IndicatorNotOfScenario
from scenarios.forecasts.errors import HistoryTooShort, NotForecast
from scenarios.notifying.errors import ChannelExists, ChannelNotFound, DeliveryNotFound, DeliveryUnderWay
from scenarios.observations.errors import IndicatorNotFound, TooManyObservations
from scenarios.photos.errors import PhotoNotFound, PhotoTooLarge, SubjectNotFound
from scenarios.reports.errors import (
    ReportChanged,
    ReporterUnknown,
    ReportNotFound,
    ReportOutOfOrder,
    TooManyReports,
)
from scenarios.revisions.errors import (
    BaseMoved,
    NothingChanged,
    OwnRevision,
    RevisionDecided,
    ScenarioRevisionNotFound,
)
from scenarios.tasks.errors import TaskChanged, TaskNotFound, TaskOfAnother, TaskOutOfOrder
from spatial.errors import SpatialError
from tiles.errors import MatrixSetNotFound, StyleNotFound, TileError, TileOutsideLimits, TileOutsideMatrix
from tiles.raster.errors import NoSceneThen, RasterNotFound
from web.report_maps.assets import ReportAssetsMissing

MEDIA_TYPE = "application/problem+json"
DATABASE_DOWN = (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.InterfaceError)
_NOT_FOUND = (
    LayerNotFound,
    FeatureNotFound,
    RevisionNotFound,
    UnitNotFound,
    TileOutsideMatrix,
    TileOutsideLimits,
    MatrixSetNotFound,
    StyleNotFound,
    JobNotFound,
    RasterNotFound,
    NoSceneThen,
    AlertNotFound,
    ChannelNotFound,
    DeliveryNotFound,
    TaskNotFound,
    ReportNotFound,
    ReporterUnknown,
    PhotoNotFound,
    SubjectNotFound,
    IndicatorNotFound,
    IndicatorNotOfScenario,
    ScenarioNotFound,
    ScenarioRevisionNotFound,
    RuleNotFound,
    AccountNotFound,
    TokenNotFound,
    GrantNotFound,
    UploadNotFound,
    FileGone,
    PersonalNotFound,
)
_STATUSES: Mapping[type[Exception], int] = {
    FileNotReady: 409,
    FileExpired: 410,
    TooManyJobs: 429,
    VersionConflict: 409,
    AlertChanged: 409,
    ActOutOfOrder: 409,
    PlaceHasNewerAlert: 409,
    NotMergeable: 409,
    TooManyObservations: 413,
    NoHistoryOfFeatures: 409,
    RuleNotEvaluable: 409,
    HistoryTooShort: 409,
    NotForecast: 409,
    TooManyMoments: 413,
    TaskChanged: 409,
    BaseMoved: 409,
    RevisionDecided: 409,
    NothingChanged: 409,
    OwnRevision: 403,
    TaskOutOfOrder: 409,
    TaskOfAnother: 403,
    ReportChanged: 409,
    ReportOutOfOrder: 409,
    ChannelExists: 409,
    DeliveryUnderWay: 409,
    TooManyReports: 429,
    PhotoTooLarge: 413,
    SignInRefused: 401,
    SecondFactorNeeded: 401,
    TooManyFailures: 429,
    SignInsBusy: 503,
    TooManyListeners: 503,
    TooManyViews: 429,
    AccountExists: 409,
    LastAdministrator: 409,
    OwnAccount: 403,
    OwnRights: 403,
    StyleChanged: 409,
    JobNotFailed: 409,
    WrongState: 409,
    ChangeMoved: 409,
    NotReady: 422,
    KeyUsedOtherwise: 422,
    SameEyes: 403,
    FileTooLarge: 413,
    NoRoom: 507,
    ReportAssetsMissing: 503,
}
_TITLES = {
    400: ("Yêu cầu không hợp lệ", "Invalid request"),
    401: ("Cần đăng nhập", "Sign-in needed"),
    403: ("Không có quyền", "Not allowed"),
    404: ("Không tìm thấy", "Not found"),
    405: ("Phương thức không được phép", "Method not allowed"),
    406: ("Không có định dạng này", "Not acceptable"),
    409: ("Xung đột", "Conflict"),
    410: ("Không còn nữa", "Gone"),
    412: ("Đối tượng đã thay đổi", "Precondition failed"),
    413: ("Yêu cầu quá lớn", "Content too large"),
    415: ("Kiểu nội dung không được hỗ trợ", "Unsupported media type"),
    422: ("Nội dung không hợp lệ", "Unprocessable content"),
    428: ("Thiếu điều kiện", "Precondition required"),
    429: ("Quá nhiều yêu cầu", "Too many requests"),
    423: ("Đang bị giữ", "Locked"),
    507: ("Hết chỗ chứa", "Insufficient storage"),
    500: ("Lỗi của dịch vụ", "Internal error"),
    503: ("Dịch vụ tạm thời chưa sẵn sàng", "Service unavailable"),
}
log = structlog.get_logger(__name__)


class BadParameter(Exception):
    """A parameter of an HTTP request is unknown or malformed.

    Attributes:
        parameter: Its name.
        vi: What is wrong and what to do, in Vietnamese.
        en: The same in English.
    """

    def __init__(self, parameter: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.parameter = parameter
        self.vi = vi
        self.en = en


class BadMediaType(BadParameter):
    """A body has another media type than JSON."""

    def __init__(self, media_type: str) -> None:
        shown = media_type[:100]
        super().__init__(
            "Content-Type",
            f"Kiểu nội dung '{shown}' không đọc được. Hãy gửi JSON với Content-Type: application/json.",
            f"The media type '{shown}' cannot be read. Send JSON with Content-Type: application/json.",
        )


def wants_english(accept_language: str | None) -> bool:
    """Whether English is preferred to Vietnamese by an ``Accept-Language`` header (RFC 9110, 12.5.4)."""
    weights = {"vi": 0.0, "en": 0.0}
    for part in (accept_language or "").split(","):
        language, _, rest = part.strip().partition(";")
        primary = language.strip().lower().partition("-")[0]
        if primary not in weights:
            continue
        quality = rest.strip().removeprefix("q=")
        try:
            weights[primary] = max(weights[primary], float(quality) if quality else 1.0)
        except ValueError:
            continue
    return weights["en"] > weights["vi"]


def problem(
    request: Request,
    status: int,
    vi: str,
    en: str,
    *,
    kind: str = "about:blank",
    extra: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document in the reader's language.

    Args:
        request: The request that failed.
        status: HTTP status.
        vi: Detail in Vietnamese: what is wrong, where, what to do.
        en: Detail in English.
        kind: The problem's type, as the last part of its URI.
        extra: Extension members.
        headers: More headers.
    """
    english = wants_english(request.headers.get("accept-language"))
    titles = _TITLES.get(status, _TITLES[400] if status < 500 else _TITLES[500])
    body: dict[str, object] = {
        "type": kind if kind == "about:blank" else f"/problems/{kind}",
        "title": titles[1] if english else titles[0],
        "status": status,
        "detail": en if english else vi,
        "instance": request.url.path,
        "request_id": request.scope.get("request_id"),
    }
    body.update(extra or {})
    sent = {"Content-Language": "en" if english else "vi", "Vary": "Accept-Language", **(headers or {})}
    # A lone surrogate in what the client sent must not turn its 400 into a 500.
    text = orjson.dumps(_printable(body))
    return Response(text, status_code=status, media_type=MEDIA_TYPE, headers=sent)


def _printable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {str(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    return value


def register_problems(app: FastAPI) -> None:
    """Gives every error that can leave the service its problem document."""
    for kind in (SpatialError, LayerError, TileError, ScenarioError, BadParameter, ReportAssetsMissing):
        app.add_exception_handler(kind, _domain_error)
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(asyncpg.QueryCanceledError, _too_slow)
    app.add_exception_handler(asyncpg.DataError, _beyond_numbers)
    app.add_exception_handler(asyncio.TimeoutError, _too_slow)
    for lost in DATABASE_DOWN:
        app.add_exception_handler(lost, _database_down)
    app.add_exception_handler(Exception, _unexpected)


def _domain_error(request: Request, error: Exception) -> Response:
    status = _STATUSES.get(type(error), 404 if isinstance(error, _NOT_FOUND) else 400)
    if isinstance(error, PersonalKeyError):
        # The key's file is the operator's to put right; the question was a good one.
        status = 503
    if isinstance(error, BadMediaType):
        status = 415
    kind = "".join(f"-{c.lower()}" if c.isupper() else c for c in type(error).__name__).lstrip("-")
    extra: dict[str, object] = {"parameter": getattr(error, "parameter", None)}
    for name in ("vertex", "location", "position", "rows"):
        value = getattr(error, name, None)
        if value not in (None, ()):
            extra[name] = value
    vi, en = str(getattr(error, "vi", error)), str(getattr(error, "en", error))
    again = getattr(error, "again_s", None)
    return problem(
        request, status, vi, en, kind=kind, extra=extra, headers={"Retry-After": str(again)} if again else None
    )


def _sign_in_needed(request: Request, error: Exception) -> Response:
    return problem(
        request,
        401,
        "Cần đăng nhập để làm việc này. Hãy đăng nhập, hoặc gửi mã truy cập trong tiêu đề Authorization.",
        "This needs an identity. Sign in, or send a token in the Authorization header.",
        kind="sign-in-needed",
        headers={"WWW-Authenticate": 'Bearer realm="diaban", charset="UTF-8"'},
    )


async def _not_allowed(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotAllowed)  # noqa: S101 - registered for this class only
    await record_refusal(request, error)
    return problem(request, 403, error.vi, error.en, kind="not-allowed", extra={"action": error.action.value})


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    if error.status_code == 404:
        vi = "Không có địa chỉ này. Xem /ogc để biết các lớp dữ liệu và /docs để biết các điểm truy cập."
        en = "There is nothing at this address. See /ogc for the layers and /docs for the endpoints."
    elif error.status_code == 405:
        vi, en = "Địa chỉ này không nhận phương thức đó.", "This address does not take that method."
    else:
        vi = en = str(error.detail)
    return problem(request, error.status_code, vi, en, headers=error.headers)


def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    errors = [
        {"parameter": ".".join(str(part) for part in item["loc"][1:]), "reason": item["msg"]} for item in error.errors()
    ]
    named = ", ".join(item["parameter"] for item in errors)
    return problem(
        request,
        400,
        f"Tham số không hợp lệ: {named}. Xem “errors” để biết lý do từng tham số.",
        f'Invalid parameters: {named}. See "errors" for the reason of each.',
        kind="invalid-parameter",
        extra={"errors": errors, "parameter": errors[0]["parameter"] if errors else None},
    )


def _too_slow(request: Request, error: Exception) -> Response:
    log.warning("statement_timeout", path=request.url.path)
    return problem(
        request,
        503,
        "Yêu cầu cần nhiều thời gian hơn mức cho phép. Hãy thu hẹp vùng, thêm bộ lọc hoặc giảm số đối tượng.",
        "The request needs more time than allowed. Narrow the area, add a filter or ask for fewer features.",
        kind="statement-timeout",
        headers={"Retry-After": "5"},
    )


def _beyond_numbers(request: Request, error: Exception) -> Response:
    log.info("value_out_of_range", path=request.url.path, sqlstate=getattr(error, "sqlstate", None))
    return problem(
        request,
        400,
        "Phép tính hoặc giá trị trong bộ lọc vượt quá số mà cơ sở dữ liệu giữ được. Hãy dùng giá trị nhỏ hơn.",
        "A calculation or value of the filter is beyond the numbers that the database holds. Use smaller values.",
        kind="value-out-of-range",
        extra={"parameter": "filter"},
    )


def _database_down(request: Request, error: Exception) -> Response:
    log.error("database_unavailable", error=type(error).__name__)
    return problem(
        request,
        503,
        "Cơ sở dữ liệu tạm thời không trả lời. Hãy thử lại sau vài giây.",
        "The database does not answer for the moment. Try again in a few seconds.",
        kind="database-unavailable",
        headers={"Retry-After": "2"},
    )


def _unexpected(request: Request, error: Exception) -> Response:
    # Starlette logs the traceback when it raises this error again after the answer.
    return problem(
        request,
        500,
        "Dịch vụ gặp lỗi ngoài dự kiến; hãy báo quản trị viên kèm request_id.",
        "The service met an unexpected error; tell the administrator the request_id.",
        kind="internal-error",
    )
