"""What there is to fetch of an upload: the original, findings, reports, the change on the map."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, JSONResponse, Response

from app.resources import Resources, ResourcesOf, SignedIn
from app.uploads.documents import upload_document
from app.uploads.routes import desk_of, parse_id, source_of
from layers.access import Scope
from layers.audit import Event, record_event
from layers.intake.model import Severity
from layers.uploads.desk import Desk
from layers.uploads.errors import FileGone
from layers.uploads.files import CHANGES, FINDINGS, ORIGINAL, REFUSED, Shelf, safe_name
from layers.uploads.findings import list_findings, read_findings
from layers.uploads.model import Upload
from layers.uploads.paper import write_pdf
from layers.uploads.preview import CHANGE_TITLES, read_changes
from layers.uploads.reports import write_csv, write_geojson, write_xlsx
from layers.uploads.states import visible_upload

router = APIRouter(prefix="/api/uploads", tags=["uploads"])
GEOJSON: Final = "application/geo+json"
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MEDIA: Final[Mapping[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "geojson": GEOJSON,
    "xlsx": _XLSX,
    "pdf": "application/pdf",
}
# A file that people sent is never shown by a browser as a page of this service.
_SAFE: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store, no-transform"}


@router.get("/{upload_id}/original", summary="Tệp gốc · The original")
async def get_original(request: Request, upload_id: str, resources: ResourcesOf, person: SignedIn) -> Response:
    """The file byte for byte as it came; its ETag is its SHA-256. Who fetches it is kept in the audit trail."""
    desk = desk_of(resources)
    upload = await anyio.to_thread.run_sync(_fetched, desk, person.scope, upload_id, "original", source_of(request))
    path = desk.shelf.get(upload.id, ORIGINAL)
    headers = {**_SAFE, "ETag": f'"{upload.file_sha256}"', **_attachment(upload.file_name)}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


def _fetched(desk: Desk, scope: Scope, upload_id: str, what: str, source: str | None) -> Upload:
    with desk.engine.begin() as connection:
        upload = visible_upload(connection, scope, parse_id(upload_id))
        event = Event(
            scope.subject,
            "upload_file_fetched",
            "upload",
            upload.object_id,
            unit_code=upload.unit_code,
            source=source,
            detail={"file": what},
        )
        record_event(connection, event)
        return upload


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(safe_name(name))}"}


@router.get("/{upload_id}/findings", summary="Những điều tìm thấy · Findings")
async def get_findings(
    upload_id: str,
    resources: ResourcesOf,
    person: SignedIn,
    severity: Severity | None = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Findings one by one, errors first; ``next`` leads to more. All of them are in the reports."""
    desk, wanted = desk_of(resources), parse_id(upload_id)

    def read() -> list[dict[str, Any]]:
        with desk.engine.connect() as connection:
            visible_upload(connection, person.scope, wanted)
            return list_findings(connection, wanted, severity=severity, after=after, limit=limit)

    found = await anyio.to_thread.run_sync(read)
    document: dict[str, Any] = {"findings": found}
    if len(found) == limit:
        more = f"&severity={severity.value}" if severity else ""
        base = f"{resources.settings.public_url}/api/uploads/{wanted}/findings"
        document["next"] = f"{base}?after={found[-1]['number']}&limit={limit}{more}"
    return JSONResponse(document, headers=_SAFE)


@router.get("/{upload_id}/report.json", summary="Báo cáo JSON · Report as JSON")
async def get_report(upload_id: str, resources: ResourcesOf, person: SignedIn) -> Response:
    """The whole report: decisions, totals, score, change, and the first findings."""
    desk, wanted = desk_of(resources), parse_id(upload_id)

    def read() -> dict[str, Any]:
        with desk.engine.connect() as connection:
            upload = visible_upload(connection, person.scope, wanted)
            document = upload_document(upload, person.scope, resources.settings.public_url)
            return {**document, "findings": list_findings(connection, wanted, limit=1000)}

    return JSONResponse(await anyio.to_thread.run_sync(read), headers=_SAFE)


@router.get("/{upload_id}/report.csv", summary="Báo cáo CSV · Report as CSV")
async def get_report_csv(request: Request, upload_id: str, resources: ResourcesOf, person: SignedIn) -> Response:
    """All findings for spreadsheets; no cell runs as a formula."""
    return await _report(request, resources, person.scope, upload_id, "csv")


@router.get("/{upload_id}/report.geojson", summary="Báo cáo trên bản đồ · Report on the map")
async def get_report_geojson(request: Request, upload_id: str, resources: ResourcesOf, person: SignedIn) -> Response:
    """All findings that have a place, as points in WGS 84."""
    return await _report(request, resources, person.scope, upload_id, "geojson")


@router.get("/{upload_id}/report.xlsx", summary="Báo cáo XLSX · Report as a workbook")
async def get_report_xlsx(request: Request, upload_id: str, resources: ResourcesOf, person: SignedIn) -> Response:
    """Summary, findings, and the refused rows to be mended and sent again."""
    return await _report(request, resources, person.scope, upload_id, "xlsx")


@router.get("/{upload_id}/report.pdf", summary="Báo cáo PDF · Report as PDF")
async def get_report_pdf(request: Request, upload_id: str, resources: ResourcesOf, person: SignedIn) -> Response:
    """The report on A4, in Vietnamese."""
    return await _report(request, resources, person.scope, upload_id, "pdf")


async def _report(request: Request, resources: Resources, scope: Scope, upload_id: str, form: str) -> Response:
    desk = desk_of(resources)
    upload = await anyio.to_thread.run_sync(_fetched, desk, scope, upload_id, f"report.{form}", source_of(request))
    folder = Path(tempfile.mkdtemp(prefix="report-"))
    path = folder / f"report.{form}"
    try:
        await anyio.to_thread.run_sync(_write_report, desk.shelf, upload, form, path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    stem = safe_name(upload.file_name or upload.layer).rpartition(".")[0] or upload.layer
    day = upload.changed_at.strftime("%Y-%m-%d")
    headers = {**_SAFE, **_attachment(f"bao-cao-{stem}-{day}.{form}")}
    return FileResponse(
        path,
        media_type=_MEDIA[form],
        headers=headers,
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )


def _write_report(shelf: Shelf, upload: Upload, form: str, path: Path) -> None:
    findings = read_findings(shelf.get(upload.id, FINDINGS))
    writers: dict[str, Callable[[], None]] = {
        "csv": lambda: write_csv(findings, path),
        "geojson": lambda: write_geojson(findings, path),
        "pdf": lambda: write_pdf(upload, findings, path),
        "xlsx": lambda: write_xlsx(upload, findings, shelf.path(upload.id, REFUSED), path),
    }
    writers[form]()


@router.get("/{upload_id}/changes", summary="Thay đổi trên bản đồ · The change on the map")
async def get_changes(
    upload_id: str,
    resources: ResourcesOf,
    person: SignedIn,
    change: Annotated[str | None, Query(pattern="^(insert|update|delete)$")] = None,
    kind: Annotated[str | None, Query(max_length=20)] = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Response:
    """Features that would change (WGS 84): the shape after, ``before`` where another stood there, and what changes."""
    desk, wanted = desk_of(resources), parse_id(upload_id)

    def read() -> bytes:
        with desk.engine.connect() as connection:
            upload = visible_upload(connection, person.scope, wanted)
        found = list(read_changes(desk.shelf.get(wanted, CHANGES), limit=limit, after=after, change=change, kind=kind))
        titles = {name: {"vi": vi, "en": en} for name, (vi, en) in CHANGE_TITLES.items()}
        document = {"type": "FeatureCollection", "counts": upload.change, "kinds": titles, "features": found}
        if len(found) == limit:
            base = f"{resources.settings.public_url}/api/uploads/{wanted}/changes"
            document["next"] = f"{base}?after={found[-1]['id']}&limit={limit}"
        return json.dumps(document, ensure_ascii=False).encode()

    return Response(await anyio.to_thread.run_sync(read), media_type=GEOJSON, headers=_SAFE)


@router.get("/{upload_id}/places", summary="Các vị trí có thể · Where the file may lie")
async def get_places(upload_id: str, resources: ResourcesOf, person: SignedIn) -> Response:
    """A polygon for each way to read the coordinates, best first, with what speaks for it; answered by ``wish.crs``."""
    desk, wanted = desk_of(resources), parse_id(upload_id)

    def read() -> list[dict[str, Any]]:
        with desk.engine.connect() as connection:
            upload = visible_upload(connection, person.scope, wanted)
        decision = (upload.report or {}).get("crs")
        if not decision:
            raise FileGone("places")
        return list(_places(decision))

    document = {"type": "FeatureCollection", "features": await anyio.to_thread.run_sync(read)}
    return JSONResponse(document, media_type=GEOJSON, headers=_SAFE)


def _places(decision: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for rank, candidate in enumerate(decision["candidates"], start=1):
        told = {name: value for name, value in candidate.items() if name != "footprint"}
        yield {
            "type": "Feature",
            "geometry": candidate["footprint"],
            "properties": {**told, "rank": rank, "is_chosen": candidate["value"] == decision["chosen"]},
        }
