"""What can stand in the way of an upload."""

from __future__ import annotations

from layers.errors import LayerError
from layers.uploads.model import STATE_TITLES, State


class UploadNotFound(LayerError):
    """There is no such upload, or it is none of the reader's: the answers are the same."""

    def __init__(self, upload_id: str) -> None:
        self.upload_id = upload_id
        super().__init__(
            f"Không có lượt gửi “{upload_id}”. Xem các lượt gửi của bạn tại /api/uploads.",
            f'There is no upload "{upload_id}". See /api/uploads for yours.',
            parameter="upload_id",
        )


class WrongState(LayerError):
    """The step does not follow from where the upload stands."""

    def __init__(self, state: State, wanted: State) -> None:
        self.state = state
        self.wanted = wanted
        vi, en = STATE_TITLES[state]
        wanted_vi, wanted_en = STATE_TITLES[wanted]
        super().__init__(
            f"Lượt gửi đang ở trạng thái “{vi}”, không chuyển sang “{wanted_vi}” được. Hãy tải lại trang.",
            f'The upload is "{en}" and cannot become "{wanted_en}". Load it again.',
        )


class SameEyes(LayerError):
    """Who has sent an upload may not approve it."""

    def __init__(self) -> None:
        super().__init__(
            "Người gửi không được tự duyệt dữ liệu của mình. Hãy nhờ một người khác có quyền duyệt.",
            "Who has sent data may not approve them. Ask somebody else who may approve.",
        )


class ChangeMoved(LayerError):
    """The change is no longer the one that the person has looked at."""

    def __init__(self) -> None:
        super().__init__(
            "Lớp dữ liệu hoặc lượt gửi đã đổi sau khi bạn xem; hệ thống đang so sánh lại. "
            "Hãy xem lại thay đổi rồi quyết định.",
            "The layer or the upload has changed since you looked; it is being compared again. "
            "Look at the change again, then decide.",
            parameter="digest",
        )


class NotReady(LayerError):
    """Something must be answered or mended before the upload can go on."""

    def __init__(self, vi: str, en: str, *, parameter: str | None = None) -> None:
        super().__init__(vi, en, parameter=parameter)


class FileTooLarge(LayerError):
    """The file is larger than the service takes."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        megabytes = limit_bytes // 2**20
        super().__init__(
            f"Tệp quá lớn; tối đa {megabytes} MB. Hãy nén tệp, hoặc chia theo xã.",
            f"The file is too large; at most {megabytes} MB. Zip it, or split it by commune.",
            parameter="file",
        )


class NoRoom(LayerError):
    """The disk must keep a reserve that this file would use up."""

    def __init__(self) -> None:
        super().__init__(
            "Máy chủ không còn đủ chỗ để nhận tệp này; chưa có gì bị mất. Hãy báo quản trị viên rồi gửi lại.",
            "The server has not enough room for this file; nothing is lost. Tell the administrator, then send again.",
        )


class KeyUsedOtherwise(LayerError):
    """An Idempotency-Key came before with another request."""

    def __init__(self) -> None:
        super().__init__(
            "Khóa Idempotency-Key này đã dùng cho một yêu cầu khác. Hãy dùng khóa mới.",
            "This Idempotency-Key was used for another request. Use a new one.",
            parameter="Idempotency-Key",
        )


class FileGone(LayerError):
    """A file of the upload is not there (any more)."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Lượt gửi này không có “{name}” (chưa kiểm tra xong, hoặc tệp đã được dọn).",
            f'This upload has no "{name}" (its check has not ended, or the file was removed).',
        )
