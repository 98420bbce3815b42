"""The job that publishes an approved upload: exactly the change that was approved, or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, select, text

from layers.definition import Definition
from layers.delta import Delta, give_fids
from layers.errors import LayerError
from layers.publication import ChangeNote, LockedLayer, Published, database_refusals, lock_layer, publish_delta
from layers.staging import stage_table
from layers.uploads.checking import CHANGING, SYSTEM, compare_upload, notify_sender, queue_check, sealed, terms_of
from layers.uploads.comparison import compare_known, digest_of
from layers.uploads.desk import Desk, Progress
from layers.uploads.files import DELTA, ROWS
from layers.uploads.holding import hold_publication
from layers.uploads.kinship import Kin
from layers.uploads.model import State, Upload, UploadKind
from layers.uploads.rows_file import changing_rows, read_delta
from layers.uploads.store import Move, get_upload, move

STAGES: Final = 2
_KINDS: Final[Mapping[UploadKind, str]] = {UploadKind.RECORD: "edit", UploadKind.REVERT: "revert"}
_LINEAGE: Final = text("""
INSERT INTO uploads.lineage (layer, revision, kind, old_fid, new_fid, old_share, new_share)
VALUES (:layer, :revision, :kind, :old_fid, :new_fid, :old_share, :new_share) ON CONFLICT DO NOTHING
""")
_CONFIRM: Final = text("""
INSERT INTO uploads.confirmations (layer, unit_code, subject, upload_id, note)
SELECT :layer, code, :subject, :upload_id, 'không thay đổi' FROM unnest(CAST(:units AS text[])) AS code
""")
_UNITS: Final = text("""
SELECT unit_code FROM catalogue.feature_counts WHERE slug = :slug AND unit_code <> '00000'
AND (CAST(:unit AS text) IS NULL OR CASE length(:unit) WHEN 2 THEN province_code ELSE unit_code END = :unit)
ORDER BY unit_code
""")
_FIGURES: Final = text("""
INSERT INTO uploads.period_figures AS held (layer, fid, period, figures, upload_id)
VALUES (:layer, :fid, :period, CAST(:figures AS jsonb), :upload_id)
ON CONFLICT (layer, fid, period) DO UPDATE SET figures = excluded.figures, upload_id = excluded.upload_id,
    published_at = clock_timestamp()
""")
_REMEMBER: Final = text("""
INSERT INTO uploads.mappings (layer, unit_code, upload_id, mapping)
VALUES (:layer, :unit, :id, CAST(:mapping AS jsonb)) ON CONFLICT DO NOTHING
""")


class _Moved(Exception):
    """The change would no longer be the one that was approved."""


def publish_upload(desk: Desk, upload_id: UUID, tell: Progress) -> Published | None:
    """Publishes an approved upload in one transaction; None where there is nothing to do (any more).

    What comes out must be what was approved, to the row and the state of every feature it touches: otherwise
    nothing happens, the upload is compared again, and who approved it must look at it again.
    """
    tell(0, STAGES)
    try:
        with desk.engine.begin() as connection:
            upload = get_upload(connection, upload_id, lock=True)
            if upload.state is not State.PUBLISHING:
                return None
            done = _publish(desk, connection, upload)
    except _Moved:
        _return(desk, upload_id, "Lớp dữ liệu đã đổi sau khi duyệt; đang so sánh lại, cần duyệt lại.")
        return None
    except LayerError as error:
        _return(desk, upload_id, error.vi)
        return None
    tell(STAGES, STAGES)
    return done


def _publish(desk: Desk, connection: Connection, upload: Upload) -> Published:
    layer = lock_layer(connection, upload.layer)
    with database_refusals(layer.definition):
        delta, kin = _staged(desk, connection, layer, upload)
        if sealed(desk, upload, digest_of(connection, layer.definition)) != upload.digest:
            raise _Moved
        hold_publication(connection, layer.definition, upload)
        give_fids(connection, layer.definition)
        fids = _fids_of(connection, layer.definition, kin)
        note = ChangeNote(
            author=upload.sender,
            message=f"upload {upload.id}",
            approver=upload.approver,
            source_name=upload.file_name or None,
            source_sha256=upload.file_sha256,
            data_date=_data_date(upload),
        )
        kind = _KINDS.get(upload.kind, upload.mode.value)
        done = publish_delta(connection, layer, delta, kind=kind, note=note, reverts_to=upload.reverts_to)
    _record_lineage(connection, upload, done, kin, fids)
    _record_rest(connection, upload, done)
    values: dict[str, object] = {"revision": done.revision, "published_at": datetime.now(UTC)}
    detail = {"revision": done.revision, "inserted": done.inserted, "updated": done.updated, "deleted": done.deleted}
    move(connection, upload, Move(State.PUBLISHED, SYSTEM, values=values, detail=detail))
    vi = f"đã công bố ở phiên bản {done.revision}." if done.changed else "không có gì thay đổi; đã ghi nhận xác nhận."
    en = f"published as revision {done.revision}." if done.changed else "nothing changed; the confirmation is kept."
    notify_sender(connection, upload, "upload_published", vi, en)
    return done


def _staged(desk: Desk, connection: Connection, layer: LockedLayer, upload: Upload) -> tuple[Delta, Sequence[Kin]]:
    """The change staged and marked: from the comparison that was kept where it still holds, else compared anew."""
    definition = layer.definition
    is_known = (
        upload.kind is not UploadKind.REVERT
        and layer.revision == upload.base_revision
        and layer.definition_version == upload.definition_version
        and desk.shelf.path(upload.id, DELTA).is_file()
    )
    if not is_known:
        comparison = compare_upload(desk, connection, definition, upload)
        return comparison.delta, comparison.kin
    known = read_delta(desk.shelf.get(upload.id, DELTA))
    changing = desk.shelf.path(upload.id, CHANGING)
    path = changing if changing.is_file() else desk.shelf.get(upload.id, ROWS)
    terms = terms_of(definition, desk, upload)
    return compare_known(connection, definition, changing_rows(path, known), known.deleted, terms), known.kin


def _fids_of(connection: Connection, definition: Definition, kin: Sequence[Kin]) -> dict[int, int]:
    stage = stage_table(definition)
    rows = sorted({one.row for one in kin})
    if not rows:
        return {}
    found = connection.execute(select(stage.c.row_no, stage.c.fid).where(stage.c.row_no.in_(rows)))
    return {int(row[0]): int(row[1]) for row in found}


def _record_lineage(
    connection: Connection, upload: Upload, done: Published, kin: Sequence[Kin], fids: Mapping[int, int]
) -> None:
    rows = [
        {
            "layer": upload.layer,
            "revision": done.revision,
            "kind": one.kind.value,
            "old_fid": one.old_fid,
            "new_fid": fids[one.row],
            "old_share": one.old_share,
            "new_share": one.new_share,
        }
        for one in kin
        if one.row in fids
    ]
    if rows and done.changed:
        connection.execute(_LINEAGE, rows)


def _record_rest(connection: Connection, upload: Upload, done: Published) -> None:
    """What a publication leaves beside the layer: how the file was read, what was confirmed, figures of a period."""
    mapping = (upload.report or {}).get("mapping")
    if mapping is not None and upload.kind is UploadKind.FILE:
        crs, encoding = ((upload.report or {}).get(name) or {} for name in ("crs", "encoding"))
        fields = {one["column"]: one["field"] for one in mapping["matches"] if one["column"] is not None}
        remembered = {
            "fields": fields | dict.fromkeys(mapping["unmapped"], ""),
            "crs": crs.get("chosen"),
            "encoding": encoding.get("encoding"),
        }
        connection.execute(
            _REMEMBER,
            {
                "layer": upload.layer,
                "unit": upload.unit_code or "",
                "id": upload.id,
                "mapping": json.dumps(remembered, ensure_ascii=False),
            },
        )
    if upload.kind is UploadKind.RECORD and upload.wish.get("period"):
        record_figures(connection, upload, upload.wish["fid"], upload.wish["period"], upload.wish["figures"])
    if not _is_whole(upload):
        return
    units = list(connection.execute(_UNITS, {"slug": upload.layer, "unit": upload.unit_code}).scalars())
    if upload.unit_code is not None and len(upload.unit_code) == 5:
        units = [upload.unit_code]
    # Units of which nothing differed have been looked at all the same.
    given = {"layer": upload.layer, "subject": upload.sender, "upload_id": upload.id, "units": units}
    connection.execute(_CONFIRM, given)


def _is_whole(upload: Upload) -> bool:
    """Whether the upload speaks for all of its unit."""
    return upload.kind is UploadKind.FILE and upload.mode.value == "replace"


def _data_date(upload: Upload) -> date | None:
    said = upload.wish.get("data_on")
    return date.fromisoformat(said) if said else None


def _return(desk: Desk, upload_id: UUID, vi: str) -> None:
    """Brings an upload that could not be published back to those who approve, to be compared and seen again."""
    with desk.engine.begin() as connection:
        upload = get_upload(connection, upload_id, lock=True)
        if upload.state is not State.PUBLISHING:
            return
        values: dict[str, object] = {"approver": None, "approved_at": None, "publish_at": None}
        back = move(connection, upload, Move(State.SUBMITTED, SYSTEM, vi, values))
        queue_check(connection, back)
        notify_sender(connection, upload, "upload_returned", vi, "not published; it must be approved again.")


def record_figures(
    connection: Connection, upload: Upload, fid: int, period: str, figures: Mapping[str, object]
) -> None:
    """Keeps the figures of one period beside the feature, in place of earlier ones of that period."""
    connection.execute(
        _FIGURES,
        {
            "layer": upload.layer,
            "fid": fid,
            "period": period,
            "figures": json.dumps(figures, ensure_ascii=False),
            "upload_id": upload.id,
        },
    )


def unfinished_publications(connection: Connection) -> list[UUID]:
    """Uploads whose publication failed for good, to be brought back to those who approve."""
    rows = connection.execute(
        text(
            "SELECT u.id FROM uploads.uploads u WHERE u.state = 'publishing'"
            " AND NOT EXISTS (SELECT 1 FROM jobs.jobs j WHERE j.kind = 'publish'"
            " AND j.request->>'upload_id' = u.id::text AND j.status IN ('queued', 'running')) ORDER BY u.id"
        )
    ).scalars()
    return list(rows)


def bring_back(desk: Desk, upload_id: UUID) -> None:
    """Returns an upload whose publication could not be done in several attempts."""
    _return(desk, upload_id, "Công bố nhiều lần không xong; cần xem lại.")
