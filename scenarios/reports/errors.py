"""What can be wrong with field reports and with acts on them. No message repeats what a sender wrote."""

from __future__ import annotations

from collections.abc import Iterable

from layers.errors import LayerError


class ReportError(LayerError):
    """Root of the errors of field reports."""


class BadReport(ReportError):
    """A part of a report is missing or malformed."""


class UnknownReportKind(ReportError):
    """The kind is none of the list."""

    def __init__(self, known: Iterable[str]) -> None:
        listed = ", ".join(known)
        super().__init__(
            f"Lĩnh vực phản ánh không có trong danh mục. Hãy chọn một trong: {listed}.",
            f"The kind of the report is none of the list. Choose one of: {listed}.",
            parameter="kind",
        )


class PlaceMissing(ReportError):
    """Neither a point nor a commune was given."""

    def __init__(self) -> None:
        super().__init__(
            "Chưa biết phản ánh ở đâu. Hãy bật định vị (lon, lat) hoặc chọn xã, phường (unit_code).",
            "It is not known where this is. Let the device tell (lon, lat), or choose the commune (unit_code).",
            parameter="unit_code",
        )


class PlaceOutside(ReportError):
    """The point lies in no commune of the province, or there is no such commune."""

    def __init__(self, parameter: str) -> None:
        super().__init__(
            "Vị trí không thuộc xã, phường nào của tỉnh này. Hãy xem lại vị trí, hoặc chọn xã, phường trong danh sách.",
            "The place lies in no commune of this province. Check the place, or choose the commune from the list.",
            parameter=parameter,
        )


class ReportNotFound(ReportError):
    """There is no such report, its code is another, or it is none of the reader's units': the answers are the same."""

    def __init__(self) -> None:
        super().__init__(
            "Không có phản ánh với số và mã này. Hãy xem lại biên nhận: số bắt đầu bằng PA, mã gồm 12 ký tự.",
            "There is no report with this number and code. Look at the receipt: the number begins with PA, the code has"
            " 12 characters.",
            parameter="number",
        )


class ReportChanged(ReportError):
    """Somebody else changed the report since it was read."""

    def __init__(self, number: str, expected: int, found: int) -> None:
        super().__init__(
            f"Phản ánh {number} đã thay đổi (bản {expected} nay là bản {found}). Hãy tải lại rồi quyết định.",
            f"Report {number} has changed (version {expected} is now {found}). Load it again and decide anew.",
            parameter="version",
        )


class ReportOutOfOrder(ReportError):
    """The report is not in a state from which the act leads on."""

    def __init__(self, number: str, act: str, state: str) -> None:
        super().__init__(
            f"Phản ánh {number} đang ở trạng thái “{state}”, không thể “{act}”. Hãy làm theo thứ tự.",
            f'Report {number} is in the state "{state}", "{act}" does not follow it. Take the steps in order.',
            parameter="act",
        )


class ReportActIncomplete(ReportError):
    """The act needs something that was not given."""

    def __init__(self, act: str, parameter: str) -> None:
        super().__init__(
            f"Việc “{act}” cần có “{parameter}”. Hãy điền rồi gửi lại.",
            f'To "{act}" a report, "{parameter}" is needed. Give it and send again.',
            parameter=parameter,
        )


class ReporterUnknown(ReportError):
    """Whoever sent the report did not say who they are."""

    def __init__(self, number: str) -> None:
        super().__init__(
            f"Người gửi phản ánh {number} không để lại tên và số điện thoại.",
            f"The sender of report {number} left neither name nor telephone number.",
            parameter="number",
        )


class TooManyReports(ReportError):
    """So many reports have come from one address that further ones must wait.

    Attributes:
        again_s: Seconds after which another one is taken for sure.
    """

    again_s = 3600

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"Từ địa chỉ này đã có {limit} phản ánh trong một giờ. Hãy gửi lại sau; khẩn cấp xin gọi 113, 114, 115.",
            f"{limit} reports have come from this address within an hour. Send again later; in an emergency call 113,"
            " 114 or 115.",
        )
