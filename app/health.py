"""Is the process alive, can it serve, and what does it measure."""

from __future__ import annotations

import asyncio

import asyncpg
import orjson
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from app.audit_health import measure_audit
from app.backup.watching import backup_notes, measure_backups
from app.metrics import CATALOGUE_VERSION, LAYER_REVISIONS, TILE_CACHE
from app.problems import DATABASE_DOWN
from app.resources import Resources, ResourcesOf

router = APIRouter(tags=["health"])
PATIENCE_S = 2.0

_CHECKS = """
SELECT (SELECT count(*) = 3 FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'postgis'
        WHERE p.proleakproof AND p.oid::regprocedure::text IN (
            'geometry_overlaps(geometry,geometry)', 'geography_overlaps(geography,geography)',
            'geography(geometry)')) AS leakproof,
       (SELECT count(*) = 21 FROM spatial_ref_sys WHERE srid BETWEEN 903405 AND 909218) AS vn2000
"""


@router.get("/healthz", summary="Tiến trình đang chạy · The process is alive")
async def healthz() -> Response:
    """Answers as long as the process runs, whatever the database does."""
    return Response(b'{"status":"ok"}', media_type="application/json")


@router.get("/readyz", summary="Sẵn sàng phục vụ · Ready to serve")
async def readyz(resources: ResourcesOf) -> Response:
    """Tells whether requests can be answered rightly: database, leakproof operators, VN-2000 rows, catalogue."""
    checks = {"database": False, "leakproof": False, "vn2000": False, "catalogue": resources.watcher.is_current}
    # A time limit cancels once, and giving a stuck connection back then waits without limit: nobody waits for that.
    looking = asyncio.create_task(_look(resources))
    done, _ = await asyncio.wait({looking}, timeout=PATIENCE_S)
    if done:
        checks |= looking.result()
    else:
        looking.cancel()
    ready = all(checks.values())
    # What is told of back-ups is for people: taking the service out of a balancer would not mend them.
    notes = await backup_notes(resources) if ready else []
    said = {"status": "ready" if ready else "not ready", "checks": checks, "notes": notes}
    body = orjson.dumps(said)
    return Response(body, status_code=200 if ready else 503, media_type="application/json")


async def _look(resources: Resources) -> dict[str, bool]:
    """What the database says of itself; nothing where it does not answer."""
    try:
        async with resources.gate.public.acquire() as connection:
            row = await connection.fetchrow(_CHECKS)
    except (*DATABASE_DOWN, asyncpg.PostgresError, TimeoutError):
        return {}
    return {"database": True, "leakproof": row["leakproof"], "vn2000": row["vn2000"]}


@router.get("/metrics", summary="Số đo Prometheus · Prometheus metrics")
async def metrics(resources: ResourcesOf) -> Response:
    """Metrics of this process in the Prometheus text format."""
    cache = resources.tiles.cache
    for what, value in (("hits", cache.hits), ("misses", cache.misses), ("bytes", cache.bytes_held)):
        TILE_CACHE.labels(what).set(value)
    await measure_audit(resources)
    await measure_backups(resources)
    CATALOGUE_VERSION.set(resources.catalogue.version)
    LAYER_REVISIONS.set(sum(layer.revision for layer in resources.catalogue.layers.values()))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
