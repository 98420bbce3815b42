"""Observations and targets over HTTP: sent as JSON or CSV, good rows taken in, the others told by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import anyio
import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import Engine
from starlette.responses import Response

from app.client_address import source_of
from app.problems import BadParameter
from app.resources import Resources, ResourcesOf, SignedIn
from layers.access import Scope
from scenarios.observations.observation import Kept, Observation, Recorded, Refused
from scenarios.observations.recording import MOST_AT_ONCE, record_observations

router = APIRouter(prefix="/api", tags=["indicators"])
_FRESH = {"Cache-Control": "no-store"}
_CSV = "text/csv"
_NAMES = ("indicator", "place", "at", "value", "unit", "unit_code", "lon", "lat")


class ObservationBody(BaseModel):
    """One value at one place; ``at`` is any moment of its period, with a zone."""

    model_config = ConfigDict(extra="forbid")

    indicator: Annotated[str, Field(max_length=60)]
    place: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]
    at: datetime
    value: float
    unit: Annotated[str | None, Field(max_length=40)] = None
    unit_code: Annotated[str | None, Field(max_length=5)] = None
    lon: float | None = None
    lat: float | None = None


_ROWS = TypeAdapter(list[dict[str, Any]])


@router.post("/observations", summary="Gửi số liệu quan sát · Send observations")
async def post_observations(request: Request, resources: ResourcesOf, principal: SignedIn) -> Response:
    """Takes values in: ``{"observations": [...]}``, a bare list, or CSV with the same names as its heading."""
    return await _record(request, resources, principal.scope, Kept.OBSERVATION)


@router.post("/targets", summary="Gửi kế hoạch · Send targets")
async def post_targets(request: Request, resources: ResourcesOf, principal: SignedIn) -> Response:
    """The same for planned values; ``at`` is any moment of the period planned for."""
    return await _record(request, resources, principal.scope, Kept.TARGET)


async def _record(request: Request, resources: Resources, scope: Scope, kept: Kept) -> Response:
    body = await request.body()
    is_csv = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _CSV
    rows, malformed = await anyio.to_thread.run_sync(read_rows, body, is_csv)
    address = source_of(request)
    recorded = await anyio.to_thread.run_sync(_keep, resources.editing, scope, rows, kept, address)
    refused = sorted([*malformed, *_renumbered(recorded.refused, rows)], key=lambda row: row.row)
    document = {
        "added": recorded.added,
        "corrected": recorded.corrected,
        "same": recorded.same,
        "refused": [asdict(row) for row in refused],
    }
    return Response(orjson.dumps(document), media_type="application/json", headers=_FRESH)


def _keep(
    engine: Engine, scope: Scope, rows: list[tuple[int, Observation]], kept: Kept, address: str | None
) -> Recorded:
    with engine.begin() as connection:
        given = [row for _, row in rows]
        return record_observations(connection, scope, given, source=f"api:{scope.subject}", kept=kept, address=address)


def _renumbered(refused: Iterable[Refused], rows: list[tuple[int, Observation]]) -> Iterator[Refused]:
    """Row numbers as the sender counts them, malformed rows included."""
    for row in refused:
        yield Refused(rows[row.row - 1][0], row.field, row.vi, row.en)


def read_rows(body: bytes, is_csv: bool) -> tuple[list[tuple[int, Observation]], list[Refused]]:
    """Rows with their numbers from 1, and those that cannot be read.

    Raises:
        BadParameter: The body as a whole is no list of rows.
    """
    found: list[tuple[int, Observation]] = []
    malformed: list[Refused] = []
    for number, row in enumerate(_csv_rows(body) if is_csv else _json_rows(body), 1):
        if number > MOST_AT_ONCE:
            raise BadParameter("body", f"Tối đa {MOST_AT_ONCE} dòng mỗi lần gửi.", f"At most {MOST_AT_ONCE} rows.")
        try:
            found.append((number, Observation(**ObservationBody.model_validate(row).model_dump())))
        except ValidationError as error:
            malformed.append(_malformed(number, error))
    return found, malformed


def _malformed(number: int, error: ValidationError) -> Refused:
    field = ".".join(str(part) for part in error.errors()[0]["loc"]) or "row"
    return Refused(
        number,
        field[:60],
        f"Giá trị của “{field[:60]}” thiếu hoặc không đọc được. Hãy sửa dòng này rồi gửi lại.",
        f'The value of "{field[:60]}" is missing or cannot be read. Mend the row and send it again.',
    )


def _json_rows(body: bytes) -> list[dict[str, Any]]:
    try:
        document = orjson.loads(body)
        return _ROWS.validate_python(document["observations"] if isinstance(document, dict) else document)
    except (orjson.JSONDecodeError, KeyError, ValidationError):
        raise BadParameter(
            "body",
            'Nội dung phải là JSON {"observations": [{"indicator", "place", "at", "value"}, …]}.',
            'The body must be JSON {"observations": [{"indicator", "place", "at", "value"}, …]}.',
        ) from None


def _csv_rows(body: bytes) -> Iterator[dict[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))
        heading = [name.strip().lower() for name in reader.fieldnames or ()]
    except (UnicodeDecodeError, csv.Error):
        raise BadParameter("body", "Tệp CSV phải là văn bản UTF-8.", "The CSV must be text in UTF-8.") from None
    missing = [name for name in _NAMES[:4] if name not in heading]
    if missing:
        listed = ", ".join(missing)
        raise BadParameter("body", f"Dòng tiêu đề CSV thiếu: {listed}.", f"The CSV heading lacks: {listed}.")
    reader.fieldnames = heading
    try:
        for row in reader:
            yield {name: value for name, value in row.items() if name is not None and value not in (None, "")}
    except csv.Error:
        raise BadParameter("body", "Tệp CSV bị hỏng giữa chừng.", "The CSV is damaged half-way.") from None
