"""Downloads of layers as files: asked for here, made by a worker, fetched here."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from starlette.responses import JSONResponse, Response

from app.client_address import source_of
from app.exports.request import ExportBody, check_export
from app.jobs import require_asker, scope_document
from app.resources import Resources, ResourcesOf, ScopeOf
from layers.access import Scope
from layers.errors import FileExpired, FileNotReady, JobNotFound
from layers.jobs import Job, JobKind, JobStatus, add_job, get_job

router = APIRouter(prefix="/api/exports", tags=["exports"])
_WAITING = (JobStatus.QUEUED, JobStatus.RUNNING)


@router.post("", status_code=202, summary="Yêu cầu tệp tải về · Ask for a file")
async def post_export(request: Request, body: ExportBody, resources: ResourcesOf, scope: ScopeOf) -> Response:
    """Queues a download of a layer as GeoPackage, GeoParquet, Shapefile, FlatGeobuf, CSV or GeoJSON."""
    check_export(body, resources.catalogue.get(body.layer, scope))
    async with resources.writer.acquire() as connection:
        asked, source = body.model_dump(mode="json"), source_of(request)
        job_id = await add_job(connection, JobKind.EXPORT, asked, scope_document(scope), source=source)
        job = await get_job(connection, JobKind.EXPORT, job_id)
    return JSONResponse(
        job_document(resources, job), 202, headers={"Location": _url(resources, job), "Retry-After": "1"}
    )


@router.get("/{job_id}", summary="Xem tiến độ · Look at a job")
async def get_export(job_id: str, resources: ResourcesOf, scope: ScopeOf) -> Response:
    """How far the job is, why it failed, or where its file is."""
    job = await _find(resources, scope, job_id)
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "1"} if job.status in _WAITING else {})
    return JSONResponse(job_document(resources, job), headers=headers)


# Apart: one route for both methods would carry one operation id twice, which OpenAPI forbids.
@router.head("/{job_id}/file", include_in_schema=False)
@router.get("/{job_id}/file", summary="Tải tệp · Fetch the file")
async def get_file(request: Request, job_id: str, resources: ResourcesOf, scope: ScopeOf) -> Response:
    """The file, whole or in parts (RFC 9110, 14); its ETag is its SHA-256."""
    job = await _find(resources, scope, job_id)
    if job.status is JobStatus.EXPIRED:
        raise FileExpired
    if job.result is None:
        raise FileNotReady(job.status.value)
    path = resources.settings.exports_dir / str(job.id) / str(job.result["name"])
    if not path.is_file():
        raise FileExpired
    # Parts are counted in the bytes of the file, which an encoding on the way would change.
    headers = {"ETag": f'"{job.result["sha256"]}"', "Cache-Control": "private, no-cache, no-transform"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=job.result["media_type"], filename=path.name, headers=headers)


async def _find(resources: Resources, scope: Scope, text: str) -> Job:
    try:
        job_id = UUID(text)
    except ValueError:
        raise JobNotFound(text[:60]) from None
    async with resources.writer.acquire() as connection:
        job = await get_job(connection, JobKind.EXPORT, job_id)
    require_asker(job, scope)
    return job


def _url(resources: Resources, job: Job) -> str:
    return f"{resources.settings.public_url}/api/exports/{job.id}"


def job_document(resources: Resources, job: Job) -> dict[str, object]:
    """The job as people and programs read it; its scope stays inside."""
    moments = ("created_at", "started_at", "finished_at", "expires_at")
    document: dict[str, object] = {
        "id": str(job.id),
        "kind": job.kind.value,
        "status": job.status.value,
        "done": job.done,
        "total": job.total,
        "progress": _progress(job),
        "attempts": job.attempts,
        "request": job.request,
        "error": job.error,
        **{name: moment.isoformat() if (moment := getattr(job, name)) else None for name in moments},
    }
    if job.result is not None and job.status is JobStatus.SUCCEEDED:
        document["file"] = {**job.result, "href": f"{_url(resources, job)}/file"}
    return document


def _progress(job: Job) -> float | None:
    if job.status is JobStatus.SUCCEEDED:
        return 1.0
    return round(job.done / job.total, 3) if job.total else None
