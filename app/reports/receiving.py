"""Takes a report in, as JSON or as a form with photos, from the API and from the page alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread
import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.client_address import source_of
from app.problems import BadParameter
from app.reports.bodies import ReportBody
from app.resources import Principal, Resources, SignInNeeded
from app.settings import Settings
from app.uploads.forms import ReceivedForm, incoming_folder, receive_form
from app.work_calendar import work_calendar
from layers.rights import Action, Area, NotAllowed
from layers.uploads.files import Shelf
from scenarios.photos.errors import TooManyPhotos
from scenarios.photos.store import MAX_BYTES, MOST, CleanPhoto, clean_photo, keep_photos
from scenarios.reports.flood import count_attempt
from scenarios.reports.intake import NewReport, Receipt, receive_report
from scenarios.reports.own import PUBLIC
from scenarios.reports.routing import ReportPlace
from scenarios.reports.sealing import Reporter

MAX_JSON: Final = 64 * 1024
PHOTO: Final = "photo"
# A picture takes a process of its own and its memory while it is made anew.
_CLEANING: Final = anyio.CapacityLimiter(2)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a report, and from where; None is somebody without an account."""

    principal: Principal | None
    source: str | None

    @property
    def subject(self) -> str:
        """Id for the audit trail."""
        return self.principal.subject if self.principal else PUBLIC


def reports_key_file(settings: Settings) -> Path:
    """Where the key lies that senders of reports are sealed with; processes of one service share it."""
    return settings.reports_key or settings.state_dir / "secrets" / "reports.key"


def photo_shelf(resources: Resources) -> Shelf:
    """Where photos come in: under the folder in which they are kept, so that keeping one is a link."""
    settings = resources.settings
    return Shelf(settings.photos_dir, MOST * MAX_BYTES, settings.disk_reserve_mb * 2**20)


async def take_report(request: Request, resources: Resources, principal: Principal | None) -> Receipt:
    """Reads a request with a report and keeps it.

    Raises:
        SignInNeeded: Nobody has signed in, and not everybody may report.
        TooManyReports: Too many came from this address.
        RequestValidationError: A field is missing or malformed.
        LayerError: The report, its place or a photo is refused.
    """
    sender = await admit(request, resources, principal)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
        new = _new_report(await _small_json(request))
        return await anyio.to_thread.run_sync(partial(_keep, resources, sender, new, ()))
    shelf = photo_shelf(resources)
    with incoming_folder(shelf) as folder:
        return await take_form(resources, sender, await receive_form(request, shelf, folder))


async def take_form(resources: Resources, sender: Sender, form: ReceivedForm) -> Receipt:
    """Keeps a report that came as a form, with its photos; fields that were left empty count as left out."""
    new = _new_report({name: value for name, value in form.texts.items() if value and name != PHOTO})
    photos = await clean_photos(form)
    return await anyio.to_thread.run_sync(partial(_keep, resources, sender, new, photos))


async def clean_photos(form: ReceivedForm) -> list[CleanPhoto]:
    """The files of a form as clean photos, in their order.

    Raises:
        TooManyPhotos: There are more than are taken.
        NoPhoto: One is no picture.
        PhotoTooLarge: One is too large.
    """
    if len(form.files) > MOST:
        raise TooManyPhotos(MOST)
    cleaned: list[CleanPhoto] = []
    for place, (path, _) in enumerate(form.files, 1):
        clean = partial(clean_photo, path, path.with_name(f"{path.name}.jpg"), place=place)
        cleaned.append(await anyio.to_thread.run_sync(clean, limiter=_CLEANING))
    return cleaned


async def admit(request: Request, resources: Resources, principal: Principal | None) -> Sender:
    """Lets somebody report, before anything of the body is read.

    Raises:
        SignInNeeded: Nobody has signed in, and not everybody may report.
        TooManyReports: Too many came from this address.
    """
    sender = Sender(principal, source_of(request))
    if principal is not None:
        return sender
    if not resources.settings.public_reports:
        raise SignInNeeded
    address = request.client.host if request.client else "unknown"
    most = resources.settings.reports_per_hour

    def count() -> None:
        with resources.editing.begin() as connection:
            count_attempt(connection, resources.sealing, address, datetime.now(UTC), most)

    await anyio.to_thread.run_sync(count)
    return sender


def _keep(resources: Resources, sender: Sender, new: NewReport, photos: Sequence[CleanPhoto]) -> Receipt:
    at, calendar = datetime.now(UTC), work_calendar(resources.settings)
    with resources.editing.begin() as connection:
        receipt = receive_report(
            connection,
            resources.sealing,
            _with_channel(new, sender),
            at,
            calendar,
            actor=sender.subject,
            source=sender.source,
        )
        _require_right(resources, sender, receipt.unit_code)
        root = resources.settings.photos_dir
        keep_photos(connection, root, photos, "report", receipt.id, at, purpose="sent", added_by=sender.subject)
    return receipt


def _require_right(resources: Resources, sender: Sender, unit: str) -> None:
    """Where not everybody may report, whoever does needs the right to, in that commune."""
    if resources.settings.public_reports or sender.principal is None:
        return
    if not sender.principal.scope.may(Action.EDIT, Area.FIELD_REPORTS, unit):
        raise NotAllowed(Action.EDIT, Area.FIELD_REPORTS)


def _with_channel(new: NewReport, sender: Sender) -> NewReport:
    """Only somebody who works on reports says by which channel one came."""
    may_say = sender.principal is not None and sender.principal.scope.may_somewhere(Action.EDIT, Area.FIELD_REPORTS)
    return new if may_say else NewReport(new.kind, new.content, new.place, new.reporter)


def _new_report(values: Any) -> NewReport:
    try:
        body = ReportBody.model_validate(values)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_context=False)
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in problems]) from None
    place = ReportPlace(body.lon, body.lat, body.unit_code, body.place_text)
    return NewReport(body.kind, body.text, place, Reporter(body.name, body.phone), body.channel or "web")


async def _small_json(request: Request) -> Any:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_JSON:
            raise BadParameter(
                "body",
                "Phản ánh dạng JSON dài quá 64 KB. Hãy viết ngắn hơn; ảnh thì gửi bằng multipart/form-data.",
                "A report in JSON has more than 64 KB. Make it shorter; photos go as multipart/form-data.",
            )
    try:
        return orjson.loads(bytes(data))
    except orjson.JSONDecodeError:
        raise BadParameter("body", "Nội dung không phải JSON.", "The body is no JSON.") from None
