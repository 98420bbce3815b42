"""What people send along with a step of an upload."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.moment import Moment
from layers.publish import Mode

Unit = Annotated[
    str | None, Field(None, pattern=r"^([0-9]{2}|[0-9]{5})$", description="Mã xã (5 số) hoặc tỉnh (2 số) · unit code")
]


class Body(BaseModel):
    """A body whose unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class WishBody(Body):
    """What the sender says beside the file; everything may be left open."""

    part: str | None = Field(None, max_length=300, description="Lớp hoặc trang trong tệp · layer or sheet inside")
    crs: str | None = Field(None, max_length=100, description="Hệ tọa độ đã chọn · the CRS chosen")
    encoding: str | None = Field(None, max_length=50)
    encodings: dict[str, str] = Field(default_factory=dict, max_length=300)
    fields: dict[str, str] = Field(default_factory=dict, max_length=300, description="cột → trường · column → field")
    units: dict[str, str] = Field(default_factory=dict, max_length=300)
    constants: dict[str, str] = Field(default_factory=dict, max_length=300)
    data_on: date | None = Field(None, description="Ngày số liệu · date of the data")
    answers: dict[str, str] = Field(default_factory=dict, max_length=300)


class AnswerBody(WishBody):
    """Answers to what the check asked."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"crs": "EPSG:9210", "fields": {"SHTHUA": "parcel_number"}}]}
    )
    mode: Mode | None = None


class SubmitBody(Body):
    """Hands the upload to those who approve."""

    comment: str = Field("", max_length=2000)
    confirm_deletions: bool = Field(False, description="Đồng ý xóa nhiều đối tượng · yes to many deletions")


class ApproveBody(Body):
    """Approves the change that was looked at."""

    digest: str = Field(min_length=64, max_length=64, description="“digest” của lượt gửi đã xem · as it was looked at")
    comment: str = Field("", max_length=2000)


class CommentBody(Body):
    """Something to say."""

    comment: str = Field("", max_length=2000)


class PublishBody(Body):
    """Now, or at an instant with its zone."""

    at: Moment | None = Field(None, examples=["2026-12-01T06:00:00+07:00"])


class RevertBody(Body):
    """Asks for an earlier revision to come back."""

    layer: str = Field(max_length=63)
    unit_code: Unit = None
    revision: int = Field(ge=0, le=2**62)
    reason: str = Field(min_length=1, max_length=2000)
