"""The job on an upload: read its file once, compare it with the layer, and say what was found."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, text

from layers.definition import Definition
from layers.errors import LayerError
from layers.intake.model import Finding, Intake, Severity
from layers.jobs import JobKind, queue_job
from layers.notices import Message, add_notice
from layers.uploads.comparison import Comparison, Terms, compare_revision, compare_rows
from layers.uploads.desk import Desk, Progress
from layers.uploads.files import CHANGES, DELTA, FINDINGS, ORIGINAL, REFUSED, ROWS
from layers.uploads.findings import aside_findings, counts_by_code, read_findings, store_findings, write_findings
from layers.uploads.model import State, Upload, UploadKind
from layers.uploads.preview import write_changes
from layers.uploads.rows_file import (
    ROW_COLUMN,
    copy_changing,
    file_digest,
    read_delta,
    read_rows_file,
    said_fields,
    write_delta,
    write_rows,
)
from layers.uploads.score import score_upload, total_score
from layers.uploads.states import read_definition
from layers.uploads.store import Move, get_upload, move, set_values
from layers.uploads.wishes import wish_digest, wish_of
from layers.uploads.world import VIETNAM, build_world

READING: Final = "reading.json"
CHANGING: Final = "changing.parquet"
# A file of changed rows of its own pays while it is much smaller than the whole.
_WORTH: Final = 0.5
STAGES: Final = 3
SYSTEM: Final = "diaban"


def queue_check(connection: Connection, upload: Upload) -> UUID:
    """Queues the check of an upload in the transaction that calls for it."""
    return queue_job(connection, JobKind.INTAKE, {"upload_id": str(upload.id)}, upload.scope)


def check_upload(desk: Desk, upload_id: UUID, tell: Progress) -> None:
    """Does all that a check is, from wherever an earlier attempt has come to; done twice it changes nothing.

    What waits for approval is only compared again.
    """
    upload = _begin(desk, upload_id)
    if upload is None:
        return
    tell(0, STAGES)
    try:
        if upload.kind is not UploadKind.REVERT:
            _read_once(desk, upload)
        tell(1, STAGES)
        _compare(desk, upload)
    except LayerError as error:
        refuse(desk, upload.id, error.vi, error.en)
        return
    tell(STAGES, STAGES)


def refuse(desk: Desk, upload_id: UUID, vi: str, en: str) -> None:
    """Ends an upload that cannot be taken, and tells its sender why; one that has got further is left alone."""
    with desk.engine.begin() as connection:
        upload = get_upload(connection, upload_id, lock=True)
        if upload.state not in (State.RECEIVING, State.RECEIVED, State.CHECKING):
            return
        move(connection, upload, Move(State.REFUSED, SYSTEM, vi, {"problem": {"vi": vi, "en": en}}))
        notify_sender(connection, upload, "upload_refused", f"Không nhận được tệp: {vi}", f"Refused: {en}")


def notify_sender(connection: Connection, upload: Upload, kind: str, vi: str, en: str) -> None:
    """Gives the sender a notice that leads to the upload."""
    named = upload.file_name or upload.layer
    add_notice(connection, upload.sender, Message(kind, f"{named}: {vi}", f"{named}: {en}", link_of(upload)))


def link_of(upload: Upload) -> str:
    """Path of the page of an upload inside the service."""
    return f"/desk/{upload.id}"


def _begin(desk: Desk, upload_id: UUID) -> Upload | None:
    with desk.engine.begin() as connection:
        upload = get_upload(connection, upload_id, lock=True)
        if upload.state is State.RECEIVED:
            return move(connection, upload, Move(State.CHECKING, SYSTEM))
        going_on = (State.CHECKING, State.CHECKED, State.SUBMITTED, State.APPROVED)
        return upload if upload.state in going_on else None


def _read_once(desk: Desk, upload: Upload) -> None:
    """Runs the pipeline, unless an attempt before has read the same file with the same answers to its end."""
    if _was_read(desk, upload):
        return
    with desk.engine.connect() as connection:
        definition, version, _ = read_definition(connection, upload.layer)
    if upload.kind is UploadKind.RECORD:
        # The row was checked when its owner sent it, and lies there as a file of rows.
        document: dict[str, Any] = {"is_ready": True, "totals": {"read": 1, "good": 1, "refused": 0}}
        findings: tuple[Finding, ...] = ()
    else:
        original = desk.shelf.get(upload.id, ORIGINAL)
        intake = desk.read(original, upload.file_name, wish_of(upload), build_world(desk.engine, definition, upload))
        document, findings = _reading_document(definition, intake), intake.findings
        with desk.shelf.whole(upload.id, ROWS) as path:
            write_rows(definition, intake.rows, path)
        with desk.shelf.whole(upload.id, REFUSED) as path:
            # Values of refused rows are as the file has them: text.
            refused = intake.refused.astype("string")
            refused.insert(0, ROW_COLUMN, intake.refused.index.astype("int64"))
            refused.to_parquet(path, index=False)
    with desk.shelf.whole(upload.id, FINDINGS) as path:
        write_findings(path, findings)
    document |= {"wish_digest": wish_digest(upload), "definition_version": version}
    with desk.shelf.whole(upload.id, READING) as path:
        path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def _was_read(desk: Desk, upload: Upload) -> bool:
    path = desk.shelf.path(upload.id, READING)
    if not path.is_file():
        return False
    document = json.loads(path.read_text(encoding="utf-8"))
    with desk.engine.connect() as connection:
        version = read_definition(connection, upload.layer)[1]
    return bool(document["wish_digest"] == wish_digest(upload) and document["definition_version"] == version)


def _reading_document(definition: Definition, intake: Intake) -> dict[str, Any]:
    """What is kept of the reading besides rows and findings."""
    criteria = score_upload(definition, intake, datetime.now(UTC).astimezone(VIETNAM).date())
    return {
        "is_ready": intake.is_ready,
        "is_rejected": intake.is_rejected,
        "source": _plain(intake.source),
        "encoding": _plain(intake.encoding),
        "crs": _plain(intake.crs),
        "mapping": _plain(intake.mapping),
        "questions": [_plain(question) for question in intake.questions],
        "totals": _plain(intake.totals),
        "severities": {severity.value: intake.count(severity) for severity in Severity},
        "codes": counts_by_code(intake.findings),
        "score": {"total": total_score(criteria), "criteria": [asdict(criterion) for criterion in criteria]},
    }


def _plain(value: object) -> Any:
    """Dataclasses as JSON; shapes as GeoJSON."""
    if value is None:
        return None
    return json.loads(json.dumps(asdict(value), default=_json, ensure_ascii=False))  # type: ignore[call-overload]


def _json(value: object) -> object:
    if isinstance(value, BaseGeometry):
        return json.loads(shapely.to_geojson(value))
    return str(value)


def _compare(desk: Desk, upload: Upload) -> None:
    """Compares the rows with the layer as it stands, keeps the change as files, and moves the upload on."""
    report: dict[str, Any] = {"is_ready": True}
    if upload.kind is not UploadKind.REVERT:
        report = json.loads(desk.shelf.get(upload.id, READING).read_text(encoding="utf-8"))
    comparison: Comparison | None = None
    connection = desk.engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with connection:
        definition, version, revision = read_definition(connection, upload.layer)
        if report["is_ready"]:
            comparison = compare_upload(desk, connection, definition, upload)
            _keep_change(desk, connection, definition, upload, comparison)
        connection.rollback()
    findings = _all_findings(desk, upload, comparison)
    if comparison is not None and comparison.aside:
        report = {**report, "codes": counts_by_code(findings)}
    values: dict[str, object] = {
        "base_revision": revision,
        "definition_version": version,
        "report": report,
        "change": comparison.numbers() if comparison else None,
        "digest": sealed(desk, upload, comparison.digest) if comparison else None,
    }
    _conclude(desk, upload, values, findings)


def compare_upload(desk: Desk, connection: Connection, definition: Definition, upload: Upload) -> Comparison:
    """Stages and marks what the upload would do to the layer as the connection's transaction sees it."""
    if upload.kind is UploadKind.REVERT:
        assert upload.reverts_to is not None  # noqa: S101 - a CHECK of its table
        return compare_revision(connection, definition, upload.reverts_to, upload.unit_code)
    path = desk.shelf.get(upload.id, ROWS)
    return compare_rows(connection, definition, read_rows_file(path), terms_of(definition, desk, upload))


def terms_of(definition: Definition, desk: Desk, upload: Upload) -> Terms:
    """On what terms the rows of an upload become a change."""
    path = desk.shelf.get(upload.id, ROWS)
    return Terms(upload.mode, upload.unit_code, said_fields(definition, path))


def sealed(desk: Desk, upload: Upload, digest: str) -> str:
    """A digest of the change together with the values of its rows."""
    path = desk.shelf.path(upload.id, ROWS)
    rows = file_digest(path) if path.is_file() else ""
    return hashlib.sha256(f"{digest}\n{rows}".encode()).hexdigest()


def _keep_change(
    desk: Desk, connection: Connection, definition: Definition, upload: Upload, comparison: Comparison
) -> None:
    with desk.shelf.whole(upload.id, CHANGES) as path:
        write_changes(connection, definition, comparison.kin, path)
    with desk.shelf.whole(upload.id, DELTA) as path:
        changing = write_delta(connection, definition, comparison.kin, path)
    if upload.kind is UploadKind.REVERT:
        return
    total = changing + comparison.same
    if total and changing / total < _WORTH:
        delta = read_delta(desk.shelf.get(upload.id, DELTA))
        with desk.shelf.whole(upload.id, CHANGING) as path:
            copy_changing(desk.shelf.get(upload.id, ROWS), delta, path)
    else:
        desk.shelf.path(upload.id, CHANGING).unlink(missing_ok=True)


def _all_findings(desk: Desk, upload: Upload, comparison: Comparison | None) -> list[Finding]:
    """Findings of the reading with those of this comparison, in the file too."""
    path = desk.shelf.path(upload.id, FINDINGS)
    if not path.is_file():
        return []
    found = [finding for finding in read_findings(path) if not finding.code.startswith("scope.")]
    aside = aside_findings(comparison.aside) if comparison else []
    order = list(Severity)
    every = sorted([*found, *aside], key=lambda one: (order.index(one.severity), one.row or 0))
    with desk.shelf.whole(upload.id, FINDINGS) as target:
        write_findings(target, every)
    return every


def _conclude(desk: Desk, upload: Upload, values: dict[str, object], findings: list[Finding]) -> None:
    with desk.engine.begin() as connection:
        now = get_upload(connection, upload.id, lock=True)
        if wish_digest(now) != wish_digest(upload):
            return  # Its sender has said something else meanwhile: the check of that is queued.
        store_findings(connection, upload.id, findings)
        if now.state is State.CHECKING:
            _conclude_check(connection, now, values, findings)
        elif now.state in (State.CHECKED, State.SUBMITTED, State.APPROVED):
            _conclude_again(connection, now, values)


def _conclude_check(connection: Connection, upload: Upload, values: dict[str, Any], findings: list[Finding]) -> None:
    if values["report"].get("is_rejected"):
        first = next(finding for finding in findings if finding.severity is Severity.ERROR)
        problem = {"vi": f"{first.vi} {first.remedy_vi}".strip(), "en": f"{first.en} {first.remedy_en}".strip()}
        move(connection, upload, Move(State.REFUSED, SYSTEM, values={**values, "problem": problem}))
        notify_sender(connection, upload, "upload_refused", problem["vi"], problem["en"])
        return
    checked = move(connection, upload, Move(State.CHECKED, SYSTEM, values=values))
    notify_sender(connection, checked, "upload_checked", "đã kiểm tra xong, mời xem kết quả.", "the check is done.")


def _conclude_again(connection: Connection, upload: Upload, values: dict[str, Any]) -> None:
    """After the layer has moved: where the change is another one, who had approved it must look again."""
    moved = values["digest"] != upload.digest
    if not moved:
        set_values(connection, upload, {"base_revision": values["base_revision"]})
        return
    if upload.state is State.APPROVED:
        vi = "Lớp dữ liệu đã đổi sau khi duyệt; đã so sánh lại, cần duyệt lại."
        move(connection, upload, Move(State.SUBMITTED, SYSTEM, vi, {**values, "approver": None, "approved_at": None}))
        if upload.approver is not None:
            en = "The layer has changed since the approval; compared again, please look at it again."
            add_notice(connection, upload.approver, Message("upload_changed", vi, en, link_of(upload)))
        return
    set_values(connection, upload, values)


def failed_checks(connection: Connection) -> list[UUID]:
    """Uploads whose job has failed for good while they were being checked."""
    rows = connection.execute(
        text(
            "SELECT u.id FROM uploads.uploads u WHERE u.state IN ('received', 'checking')"
            " AND EXISTS (SELECT 1 FROM jobs.jobs j WHERE j.kind = 'intake' AND j.request->>'upload_id' = u.id::text)"
            " AND NOT EXISTS (SELECT 1 FROM jobs.jobs j WHERE j.kind = 'intake'"
            " AND j.request->>'upload_id' = u.id::text AND j.status IN ('queued', 'running')) ORDER BY u.id"
        )
    ).scalars()
    return list(rows)
