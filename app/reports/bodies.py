"""What people send with a report and with acts on it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from scenarios.reports.acting import ReportAct
from scenarios.reports.intake import MAX_CONTENT, MAX_NAME, MAX_PHONE, MAX_PLACE_TEXT

_SUBJECT: Final = r"^[A-Za-z0-9_.:@-]{1,100}$"
_NUMBER: Final = r"^[Pp][Aa][0-9]{6}-[0-9A-Za-z]{8}$"
_LINE: Final = r"^[^\x00]*$"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ReportBody(_Body):
    """One report; of ``lon``/``lat`` and ``unit_code`` one must be there."""

    kind: Annotated[str, Field(pattern=r"^[a-z]{1,40}$", description="Lĩnh vực · see /api/reports/kinds")]
    text: Annotated[str, Field(max_length=MAX_CONTENT * 2, description="Nội dung · what is the matter")]
    lon: Annotated[float | None, Field(ge=-180, le=180)] = None
    lat: Annotated[float | None, Field(ge=-90, le=90)] = None
    unit_code: Annotated[str | None, Field(pattern=r"^[0-9]{5}$", description="Mã xã · code of the commune")] = None
    place_text: Annotated[str, Field(max_length=MAX_PLACE_TEXT * 2, description="Địa điểm · the place in words")] = ""
    name: Annotated[str, Field(max_length=MAX_NAME * 2, description="Không bắt buộc · optional, kept under a seal")] = (
        ""
    )
    phone: Annotated[str, Field(max_length=MAX_PHONE * 2)] = ""
    channel: Annotated[str, Field(max_length=60, pattern=_LINE, description="Chỉ chương trình · programs only")] = ""


class ReportStepBody(_Body):
    """One act on a report."""

    act: ReportAct
    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="Bản đã xem · the version that was seen")]
    comment: Annotated[str, Field(max_length=4000, pattern=_LINE)] = ""
    office: Annotated[str | None, Field(max_length=200, pattern=_LINE)] = None
    assignee: Annotated[str | None, Field(pattern=_SUBJECT)] = None
    is_ordinary: Annotated[bool, Field(description="Vụ việc thông thường: hạn 24 giờ · ordinary: due in 24 hours")] = (
        True
    )
    other: Annotated[str | None, Field(pattern=_NUMBER, description="Phản ánh trùng · the report of the same")] = None


class RatingBody(_Body):
    """How content the sender is."""

    code: Annotated[str, Field(max_length=40)]
    rating: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str, Field(max_length=2000)] = ""


class OpeningBody(_Body):
    """Why somebody must know who sent a report."""

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=_LINE)]


REPORT_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": ReportBody.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["kind", "text"],
                    "properties": {
                        **{
                            name: {"type": "number"} if name in ("lon", "lat") else {"type": "string"}
                            for name in ReportBody.model_fields
                        },
                        "photo": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            },
        },
    }
}
