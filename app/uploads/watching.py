"""The watched folder: files that lie in ``<layer>/[<unit>/]`` are taken in once they stop growing.

A file moves to ``.taken`` when its upload is announced, and from there to ``done`` or ``refused`` with its report
beside it. Doing a round twice, or being killed in one, takes nothing in twice and loses nothing.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from app.jobs import scope_document
from app.settings import Settings
from layers.access import Scope
from layers.errors import LayerError
from layers.publish import Mode
from layers.uploads.desk import Desk
from layers.uploads.files import FINDINGS, bundle
from layers.uploads.findings import read_findings
from layers.uploads.model import State, Upload
from layers.uploads.receiving import Announcement, announce_upload, finish_receiving
from layers.uploads.reports import summary_lines, write_csv
from layers.uploads.store import get_upload

QUIET_S: Final = 5.0
DONE, REFUSED, TAKEN = "done", "refused", ".taken"
_OWN: Final = (DONE, REFUSED, TAKEN)
_UNIT: Final = re.compile(r"[0-9]{5}|[0-9]{2}")
# The parts of one Shapefile or MapInfo table are one upload.
_LOOSE: Final = frozenset(
    {".shp", ".shx", ".dbf", ".prj", ".cpg", ".qpj", ".tab", ".dat", ".map", ".id", ".mif", ".mid"}
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    """Files that make one upload, and what their place says."""

    layer: str
    unit_code: str | None
    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """The upload's file name."""
        return self.paths[0].name if len(self.paths) == 1 else self.paths[0].stem + ".zip"


def watch_once(desk: Desk, settings: Settings) -> None:
    """Takes in what has come to rest, and brings out what has been checked."""
    root = settings.watch_dir
    if root is None or not root.is_dir():
        return
    for name in _OWN:
        (root / name).mkdir(exist_ok=True)
    _bring_out(desk, root)
    for found in _find(root):
        _take(desk, root, found)


def _find(root: Path) -> Iterator[_Found]:
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and path.name not in _OWN):
        yield from _in_folder(folder, folder.name, None)
        for inner in sorted(path for path in folder.iterdir() if path.is_dir() and _UNIT.fullmatch(path.name)):
            yield from _in_folder(inner, folder.name, inner.name)


def _in_folder(folder: Path, layer: str, unit_code: str | None) -> Iterator[_Found]:
    groups: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            is_loose = path.suffix.lower() in _LOOSE
            groups.setdefault(path.stem.lower() if is_loose else path.name, []).append(path)
    for paths in groups.values():
        if all(time.time() - path.stat().st_mtime > QUIET_S for path in paths):
            yield _Found(layer, unit_code, tuple(paths))


def _take(desk: Desk, root: Path, found: _Found) -> None:
    """Copies the files of one upload to the shelf, then moves them aside under the upload's id."""
    scope = Scope.local_admin()
    key = "|".join(f"{path}:{path.stat().st_mtime_ns}:{path.stat().st_size}" for path in found.paths)
    said = Announcement(
        layer=found.layer,
        unit_code=found.unit_code,
        mode=Mode.REPLACE if found.unit_code else Mode.UPSERT,
        file_name=found.name,
        scope=scope_document(scope),
        key=key[-190:],
        watched_path=str(found.paths[0].parent.relative_to(root)),
    )
    try:
        upload = announce_upload(desk, scope, said).upload
        if upload.state is State.RECEIVING:
            part = desk.shelf.open_part(upload.id)
            if len(found.paths) == 1:
                shutil.copyfile(found.paths[0], part)
            else:
                bundle([(path, path.name) for path in found.paths], part)
            finish_receiving(desk, upload.id, scope.subject)
    except LayerError as error:
        _move_away(root / REFUSED, found, error.vi)
        log.info("watched_file_refused", layer=found.layer)
        return
    aside = root / TAKEN / str(upload.id)
    aside.mkdir(exist_ok=True)
    for path in found.paths:
        path.replace(aside / path.name)
    log.info("watched_file_taken", upload=str(upload.id), layer=found.layer)


def _move_away(folder: Path, found: _Found, reason: str) -> None:
    target = folder / f"{time.time_ns()}"
    target.mkdir()
    for path in found.paths:
        path.replace(target / path.name)
    (target / "ly-do.txt").write_text(reason + "\n", encoding="utf-8")


def _bring_out(desk: Desk, root: Path) -> None:
    """Moves files whose check has ended to where their sender finds them, with the report beside them."""
    for aside in sorted((root / TAKEN).iterdir()):
        with desk.engine.connect() as connection:
            known = connection.execute(text("SELECT 1 FROM uploads.uploads WHERE id::text = :id"), {"id": aside.name})
            if known.first() is None:
                continue
            upload = get_upload(connection, UUID(aside.name))
        if upload.state in (State.RECEIVING, State.RECEIVED, State.CHECKING):
            continue
        _write_beside(desk, upload, aside)
        folder = root / (REFUSED if upload.state is State.REFUSED else DONE)
        aside.replace(folder / aside.name)


def _write_beside(desk: Desk, upload: Upload, folder: Path) -> None:
    lines = [f"{name}: {value}" for name, value in summary_lines(upload)]
    if upload.problem:
        lines.append(f"Lý do: {upload.problem['vi']}")
    (folder / "bao-cao.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "bao-cao.json").write_text(json.dumps(upload.report, ensure_ascii=False, indent=1), encoding="utf-8")
    findings = desk.shelf.path(upload.id, FINDINGS)
    if findings.is_file():
        write_csv(read_findings(findings), folder / "bao-cao.csv")
