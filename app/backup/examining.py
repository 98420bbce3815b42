"""Looks at a restored copy: every layer counted, a question asked, the audit trail verified, files named and there."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
from sqlalchemy import Connection, func, select, text

from app.audit_keeper import checkpoint_file, log_snapshot, signing_key_file
from app.backup.copy import Copy
from app.query_command import ask_question
from app.settings import Settings
from layers.audit.keys import load_key, public_bytes
from layers.audit.verify import FaultKind, verify_log
from layers.definition_json import from_json
from layers.tables import feature_table
from scenarios.photos.store import photo_path

SHOWN: Final = 5
# Degrees around an extent.
BEYOND: Final = 0.01
_LAYERS: Final = text("SELECT slug, definition, feature_count FROM catalogue.layers ORDER BY slug")
_ASKED: Final = text(
    "SELECT slug, extent, feature_count FROM catalogue.layers WHERE feature_count > 0 AND extent IS NOT NULL"
    " ORDER BY slug <> 'communes', slug LIMIT 1"
)
_ORIGINALS: Final = text(
    "SELECT id::text AS id, file_sha256 FROM uploads.uploads WHERE file_sha256 IS NOT NULL ORDER BY id"
)
_PHOTOS: Final = text("SELECT DISTINCT sha256 FROM reports.photos ORDER BY sha256")
_SCENES: Final = text("SELECT file FROM catalogue.raster_scenes ORDER BY scene_id")


@dataclass(frozen=True, slots=True)
class Check:
    """Something read in the copy.

    Attributes:
        vi: What, in Vietnamese.
        en: The same in English.
        is_well: Whether it is as it should be.
        found: What was found, in numbers and ids.
        remedy_vi: What to know or do, where there is something.
        remedy_en: The same in English.
    """

    vi: str
    en: str
    is_well: bool
    found: str
    remedy_vi: str = ""
    remedy_en: str = ""


def examine_copy(copy: Copy, settings: Settings, roots: Mapping[str, Path]) -> tuple[Check, ...]:
    """Reads through a copy; nothing in it is changed.

    Args:
        copy: The running copy.
        settings: Of the installation, with its checkpoints of the audit trail.
        roots: Folders of the restored files.
    """
    with copy.database.superuser_engine().connect() as connection:
        found = (_count_layers(connection), _find_files(connection, roots))
    return (*found, _ask(copy, settings), _verify_audit(copy, settings))


def _count_layers(connection: Connection) -> Check:
    rows = connection.execute(_LAYERS).all()
    wrong = [row.slug for row in rows if _count(connection, row.definition) != row.feature_count]
    found = f"{len(rows)}: {sum(row.feature_count for row in rows):,}" if not wrong else ", ".join(wrong[:SHOWN])
    return Check("Số đối tượng của mọi lớp", "Features of every layer", not wrong, found)


def _count(connection: Connection, definition: dict[str, object]) -> int:
    return connection.execute(select(func.count()).select_from(feature_table(from_json(definition)))).scalar_one()


def _find_files(connection: Connection, roots: Mapping[str, Path]) -> Check:
    originals = [(roots["uploads"] / row.id / "original", row.file_sha256) for row in connection.execute(_ORIGINALS)]
    scenes = [(roots["rasters"] / row.file, None) for row in connection.execute(_SCENES)]
    digests = connection.execute(_PHOTOS).scalars()
    photos = [(photo_path(roots["photos"], digest), digest) for digest in digests]
    named = [*originals, *scenes, *photos]
    lost = [path for path, digest in named if not _is_there(path, digest)]
    found = f"{len(named) - len(lost)}/{len(named)}"
    if lost:
        found += ": " + ", ".join("/".join(path.parts[-3:]) for path in lost[:SHOWN])
    return Check(
        "Tệp mà cơ sở dữ liệu nhắc đến",
        "Files that the database names",
        not lost,
        found,
        "Tệp đến sau lần chép cuối; nhờ người gửi gửi lại." if lost else "",
        "They came after files were last copied; ask their senders for them." if lost else "",
    )


def _is_there(path: Path, digest: str | None) -> bool:
    if not path.is_file():
        return False
    if digest is None:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def _ask(copy: Copy, settings: Settings) -> Check:
    """How many features lie in a layer's extent, asked through the reader that answers people."""
    names = ("Câu hỏi không gian", "A spatial question")
    with copy.database.superuser_engine().connect() as connection:
        row = connection.execute(_ASKED).first()
    if row is None:
        return Check(*names, True, "-")
    west, south, east, north = (
        value + step for value, step in zip(row.extent, (-BEYOND, -BEYOND, BEYOND, BEYOND), strict=True)
    )
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    zone = {"geometry": {"type": "Polygon", "coordinates": [ring]}}
    question: dict[str, object] = {
        "layer": row.slug, "where": [{"zone": zone}], "features": {"limit": 1}, "format": "json",
    }  # fmt: skip
    count = orjson.loads(asyncio.run(ask_question(copy.database, settings, question)))["numberMatched"]
    return Check(*names, count == row.feature_count, f"{row.slug}: {count:,}/{row.feature_count:,}")


def _verify_audit(copy: Copy, settings: Settings) -> Check:
    key = load_key(signing_key_file(settings))
    with log_snapshot(copy.database) as connection:
        verdict = verify_log(connection, checkpoint_file(settings), known_key=public_bytes(key) if key else None)
    head = verdict.head.seq
    names = ("Nhật ký kiểm toán", "Audit trail")
    if not verdict.faults:
        return Check(*names, True, f"{head:,}")
    shown = f"{head:,}; " + "; ".join(fault.en for fault in verdict.faults[:SHOWN])
    if {fault.kind for fault in verdict.faults} <= {FaultKind.LOG_CUT, FaultKind.CHECKPOINTS_CUT}:
        return Check(
            *names,
            True,
            shown,
            "Bản phục hồi cũ hơn điểm kiểm cuối: khi dùng thật, chạy diaban audit resume để ký nhận phần bị mất.",
            "It is older than the last checkpoint: once it serves, diaban audit resume signs what is lost.",
        )
    return Check(*names, False, shown)
