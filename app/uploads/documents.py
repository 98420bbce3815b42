"""Uploads as people and programs read them: titles in words, links to everything else, and what may be done next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from layers.access import Scope
from layers.rights import Action
from layers.uploads.model import STATE_TITLES, STEPS, State, Step, Upload, UploadKind

REPORTS: Final = ("json", "geojson", "csv", "xlsx", "pdf")
_MOMENTS: Final = (
    "created_at",
    "changed_at",
    "submitted_at",
    "approved_at",
    "publish_at",
    "published_at",
    "expires_at",
)
_KIND_TITLES: Final = {
    UploadKind.FILE: ("Tệp dữ liệu", "Data file"),
    UploadKind.RECORD: ("Bản ghi của cơ sở", "A facility's own record"),
    UploadKind.REVERT: ("Quay về phiên bản cũ", "Return to an earlier revision"),
}
_MODE_TITLES: Final = {
    "replace": ("Thay toàn bộ dữ liệu của đơn vị", "Replace the unit's part of the layer"),
    "upsert": ("Thêm và cập nhật, không xóa", "Add and update, delete nothing"),
    "append": ("Chỉ thêm mới", "Add only"),
}


def upload_document(upload: Upload, scope: Scope, base: str, steps: Sequence[Step] = ()) -> dict[str, Any]:
    """An upload for one reader.

    Args:
        upload: The upload.
        scope: The reader; decides what ``may`` lists.
        base: The service's public address.
        steps: Its steps, where they are wanted.
    """
    url = f"{base}/api/uploads/{upload.id}"
    document: dict[str, Any] = {
        "id": str(upload.id),
        "kind": {"id": upload.kind.value, **_titles(_KIND_TITLES[upload.kind])},
        "layer": upload.layer,
        "unit_code": upload.unit_code,
        "mode": {"id": upload.mode.value, **_titles(_MODE_TITLES[upload.mode.value])},
        "state": {"id": upload.state.value, **_titles(STATE_TITLES[upload.state])},
        "version": upload.version,
        "sender": upload.sender,
        "approver": upload.approver,
        "file": _file(upload, url),
        "wish": upload.wish,
        "reverts_to": upload.reverts_to,
        "base_revision": upload.base_revision,
        "revision": upload.revision,
        "report": upload.report,
        "change": upload.change,
        "digest": upload.digest,
        "is_deletion_confirmed": upload.is_deletion_confirmed,
        "problem": upload.problem,
        **{name: moment.isoformat() if (moment := getattr(upload, name)) else None for name in _MOMENTS},
        "may": allowed(upload, scope),
        "links": _links(upload, url, base),
    }
    if steps:
        document["steps"] = [
            {
                "number": step.number,
                "actor": step.actor,
                "from": step.from_state.value if step.from_state else None,
                "to": step.to_state.value,
                **_titles(STATE_TITLES[step.to_state]),
                "comment": step.comment,
                "at": step.at.isoformat(),
            }
            for step in steps
        ]
    return document


def _titles(pair: tuple[str, str]) -> dict[str, str]:
    return {"title_vi": pair[0], "title_en": pair[1]}


def _file(upload: Upload, url: str) -> dict[str, Any] | None:
    if upload.kind is UploadKind.REVERT:
        return None
    href = f"{url}/original" if upload.file_sha256 else None
    return {"name": upload.file_name, "bytes": upload.file_bytes, "sha256": upload.file_sha256, "href": href}


def allowed(upload: Upload, scope: Scope) -> list[str]:
    """Steps that this reader may take now, by the last part of their address."""
    following = STEPS[upload.state]
    may = {action: scope.may(action, upload.layer, upload.unit_code) for action in Action}
    is_sender = upload.sender == scope.subject
    steps: list[str] = []
    if State.RECEIVED in following and upload.state is not State.RECEIVING and (is_sender or may[Action.EDIT]):
        steps.append("answer")
    if State.SUBMITTED in following and upload.digest and upload.state in (State.CHECKED, State.SENT_BACK):
        steps += ["submit"] if may[Action.EDIT] else []
    if State.APPROVED in following and upload.state is State.SUBMITTED and may[Action.APPROVE] and not is_sender:
        steps.append("approve")
    if State.SENT_BACK in following and may[Action.APPROVE]:
        steps.append("send-back")
    if State.PUBLISHING in following and may[Action.PUBLISH]:
        steps.append("publish")
    if State.WITHDRAWN in following and (is_sender or may[Action.APPROVE]):
        steps.append("withdraw")
    return steps


def _links(upload: Upload, url: str, base: str) -> list[dict[str, str]]:
    found = [("self", url, "Lượt gửi này"), ("collection", f"{base}/api/uploads", "Các lượt gửi")]
    if upload.report is not None:
        found.append(("findings", f"{url}/findings", "Những điều tìm thấy"))
        found += [(f"report-{form}", f"{url}/report.{form}", f"Báo cáo {form.upper()}") for form in REPORTS]
    if upload.change is not None:
        found.append(("changes", f"{url}/changes", "Thay đổi trên bản đồ"))
    if upload.report and upload.report.get("crs"):
        found.append(("places", f"{url}/places", "Các vị trí có thể trên bản đồ"))
    if upload.revision is not None:
        found.append(("layer", f"{base}/ogc/collections/{upload.layer}", "Lớp dữ liệu"))
    return [{"rel": rel, "href": href, "title": title} for rel, href, title in found]
