"""What can be wrong with alerts and with acts on them."""

from __future__ import annotations

from layers.errors import LayerError


class AlertError(LayerError):
    """Root of the errors of alerts."""


class UnstorableEvidence(AlertError):
    """Evidence of an outcome is no JSON (NaN, infinity, a null character or an object of the program)."""

    def __init__(self, scenario: str, rule: str, key: str) -> None:
        super().__init__(
            f"Bằng chứng của quy tắc {scenario}/{rule} tại “{key[:60]}” không lưu được dưới dạng JSON."
            " Hãy sửa quy tắc để chỉ ghi số hữu hạn, chữ, danh sách và đối tượng.",
            f'The evidence of rule {scenario}/{rule} at "{key[:60]}" cannot be kept as JSON.'
            " Mend the rule so that it writes finite numbers, texts, lists and objects only.",
            parameter="evidence",
        )


class AlertNotFound(AlertError):
    """There is no such alert, or it is none of the reader's units'."""

    def __init__(self, alert_id: int) -> None:
        super().__init__(
            f"Không có cảnh báo số {alert_id} trong địa bàn của tài khoản này. Hãy xem lại danh sách cảnh báo.",
            f"There is no alert {alert_id} in the area of this account. Look at the list of alerts again.",
            parameter="id",
        )


class AlertChanged(AlertError):
    """Somebody else changed the alert since it was read."""

    def __init__(self, alert_id: int, expected: int, found: int) -> None:
        super().__init__(
            f"Cảnh báo {alert_id} đã thay đổi (bản {expected} nay là bản {found}). Hãy tải lại rồi quyết định.",
            f"Alert {alert_id} has changed (version {expected} is now {found}). Load it again and decide anew.",
            parameter="version",
        )


class ActOutOfOrder(AlertError):
    """The alert is not in a state from which the act leads on."""

    def __init__(self, alert_id: int, act: str, state: str) -> None:
        super().__init__(
            f"Cảnh báo {alert_id} đang ở trạng thái “{state}”, không thể “{act}”. Hãy làm theo thứ tự.",
            f'Alert {alert_id} is in the state "{state}", "{act}" does not follow it. Take the steps in order.',
            parameter="act",
        )


class ActIncomplete(AlertError):
    """The act needs something that was not given."""

    def __init__(self, act: str, parameter: str) -> None:
        super().__init__(
            f"Việc “{act}” cần có “{parameter}”. Hãy điền rồi gửi lại.",
            f'To "{act}" an alert, "{parameter}" is needed. Give it and send again.',
            parameter=parameter,
        )


class PlaceHasNewerAlert(AlertError):
    """A closed alert cannot be reopened: its rule has raised another one at the same place."""

    def __init__(self, alert_id: int) -> None:
        super().__init__(
            f"Không mở lại được cảnh báo {alert_id}: nơi này đã có cảnh báo mới hơn. Hãy xử lý cảnh báo đó.",
            f"Alert {alert_id} cannot be reopened: its rule has a newer alert at this place. Work on the newer one.",
            parameter="id",
        )


class NotMergeable(AlertError):
    """An alert cannot be merged into that one."""

    def __init__(self, alert_id: int, into: int) -> None:
        super().__init__(
            f"Không gộp được cảnh báo {alert_id} vào {into}. Hãy chọn một cảnh báo khác đang mở, cùng đơn vị, cùng"
            " kịch bản hoặc cùng nơi; cảnh báo đã nhận gộp thì không gộp tiếp.",
            f"Alert {alert_id} cannot be merged into {into}. Choose another open one of the same unit and of the same"
            " scenario or place; one that others were merged into is not merged on.",
            parameter="into",
        )
