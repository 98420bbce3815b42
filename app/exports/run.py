"""The job that makes a download: one snapshot of a layer, read under the asker's scope, into one file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, select, text

from app.database import Database
from app.exports.request import ExportRequest, check_export, read_body
from app.jobs import checked_scope, do_job, fresh_folder
from app.ogc.conditions import build_conditions, condition_values
from app.ogc.pages import BOM
from layers.access import SCOPE_SETTINGS, Scope
from layers.catalogue import EMPTY, LAYERS_SQL, Layer
from layers.file_formats import (
    MEDIA_TYPES,
    FileFormat,
    table_of,
    watched,
    write_gdal,
    write_geoparquet,
    write_shapefile,
    write_text,
)
from layers.jobs import Job, JobStore
from layers.reader import current_target, past_target
from spatial.crs import CRS84
from spatial.features import count_statement, feature_text
from spatial.page import View
from spatial.page_formats import csv_header, csv_line, row_columns
from spatial.target import Target

BATCH = 2000
STATEMENT_TIMEOUT = "1h"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Exporter:
    """Makes downloads into a folder; every method belongs into a worker thread.

    Attributes:
        folder: Holds one folder per finished job, named by its id.
        keep: How long a file stays.
    """

    database: Database
    folder: Path
    keep: timedelta

    def run(self, job_id: str) -> None:
        """Does a job, or does it again after a crash; one that is finished is left alone."""
        do_job(self.database, job_id, self.keep, self._export)

    def _export(self, store: JobStore, job: Job) -> dict[str, object]:
        scope = checked_scope(self.database, job.scope)
        with fresh_folder(self.folder, job) as draft, self._snapshot(scope) as connection:
            result = _write_file(connection, store, job, draft, scope)
        log.info("export_made", job=str(job.id), bytes=result["bytes"])
        return result

    def _snapshot(self, scope: Scope) -> Connection:
        engine = self.database.engine("diaban_public" if scope.is_public else "diaban_reader")
        connection = engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        settings = [("statement_timeout", STATEMENT_TIMEOUT), ("idle_in_transaction_session_timeout", "10min")]
        if not scope.is_public:
            settings += zip(SCOPE_SETTINGS, scope.settings, strict=True)
        for name, value in settings:
            connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
        return connection


def _read_layer(connection: Connection, slug: str, scope: Scope) -> Layer:
    rows = connection.exec_driver_sql(LAYERS_SQL.replace("$1", "%s"), ([slug],)).mappings().all()
    return EMPTY.replaced({slug}, rows).get(slug, scope)


def _write_file(connection: Connection, store: JobStore, job: Job, folder: Path, scope: Scope) -> dict[str, object]:
    body = read_body(job.request)
    wanted = check_export(body, _read_layer(connection, body.layer, scope))
    layer = wanted.layer
    revision = wanted.asked.revision or layer.revision
    extension = "zip" if wanted.format is FileFormat.SHAPEFILE else wanted.format.value
    path = folder / f"{layer.slug}-r{revision}.{extension}"
    count = _Reading(connection, wanted, store, job).write(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
        os.fsync(file.fileno())
    return {
        "name": path.name,
        "media_type": MEDIA_TYPES[wanted.format],
        "bytes": path.stat().st_size,
        "sha256": digest.hexdigest(),
        "features": count,
        "revision": revision,
        "crs": wanted.crs.uri,
        "synthetic": layer.synthetic,
    }


@dataclass(slots=True)
class _Reading:
    """The rows of one export in one snapshot."""

    connection: Connection
    wanted: ExportRequest
    store: JobStore
    job: Job
    total: int = 0

    def write(self, path: Path) -> int:
        """Writes the file and returns the number of features."""
        wanted = self.wanted
        definition = wanted.layer.definition
        target = past_target(definition) if wanted.asked.revision is not None else current_target(definition)
        conditions = build_conditions(target, wanted.layer, wanted.asked)
        self.total = self.connection.execute(count_statement(target, conditions), self._values()).one().matched
        self._tell(0)
        view = View(wanted.crs)
        if wanted.format in (FileFormat.CSV, FileFormat.GEOJSON):
            self._write_text(path, target, conditions, view)
            return self.total
        batches = watched(self._batches(target, conditions, row_columns(target, target.rows, view)), self._tell)
        table = table_of(wanted.format, view.shown(target), target.geometry_type)
        if wanted.format is FileFormat.GEOPARQUET:
            write_geoparquet(path, table, batches, wanted.crs)
        elif wanted.format is FileFormat.SHAPEFILE:
            write_shapefile(path, table, batches, wanted.crs, definition=definition)
        else:
            write_gdal(wanted.format, path, table, batches, wanted.crs, layer=definition.table)
        return self.total

    def _write_text(self, path: Path, target: Target, conditions: list[Any], view: View) -> None:
        if self.wanted.format is FileFormat.CSV:
            head, tail, separator = BOM + csv_header(target, view).encode(), b"\r\n", "\r\n"
            head += b"\r\n" if self.total else b""
            line = csv_line(target, target.rows, view)
        else:
            head, tail, separator = b'{"type":"FeatureCollection","features":[\n', b"\n]}\n", "},\n"
            line = feature_text(target, target.rows, CRS84, None)
            tail = (b"}" if self.total else b"") + tail
        batches = watched(self._batches(target, conditions, [line]), self._tell)
        write_text(path, head, (row[0] for batch in batches for row in batch), tail, separator=separator)

    def _batches(self, target: Target, conditions: list[Any], columns: list[Any]) -> Iterator[list[Any]]:
        statement = select(*columns).select_from(target.rows).where(*conditions).order_by(target.column("fid"))
        streamed = self.connection.execution_options(yield_per=BATCH).execute(statement, self._values())
        for batch in streamed.partitions():
            yield [tuple(row) for row in batch]

    def _values(self) -> dict[str, object]:
        values = condition_values(self.wanted.layer, self.wanted.asked)
        return values if self.wanted.asked.revision is None else {**values, "revision": self.wanted.asked.revision}

    def _tell(self, done: int) -> None:
        self.store.progress(self.job.id, done, self.total)
