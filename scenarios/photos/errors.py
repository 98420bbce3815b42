"""What can be wrong with a photo that somebody sends."""

from __future__ import annotations

from layers.errors import LayerError


class PhotoError(LayerError):
    """Root of the errors of photos."""


class PhotoNotFound(PhotoError):
    """There is no such photo, or the reader may not see what it is about."""

    def __init__(self) -> None:
        super().__init__(
            "Không có ảnh này. Hãy mở lại phản ánh hoặc cảnh báo.",
            "There is no such photo. Open the report or the alert again.",
            parameter="photo_id",
        )


class NoPhoto(PhotoError):
    """The file is no picture of a kind that is taken, whatever its name says."""

    def __init__(self, place: int) -> None:
        super().__init__(
            f"Tệp thứ {place} không phải ảnh JPEG, PNG hoặc WebP đọc được. Hãy chụp lại hoặc chọn ảnh khác.",
            f"File {place} is no JPEG, PNG or WebP picture that can be read. Take it again, or choose another one.",
            parameter="photo",
        )


class PhotoTooLarge(PhotoError):
    """The picture has more bytes or more pixels than are taken."""

    def __init__(self, place: int, megabytes: int, megapixels: int) -> None:
        super().__init__(
            f"Ảnh thứ {place} quá lớn; tối đa {megabytes} MB và {megapixels} triệu điểm ảnh. Hãy chụp ở cỡ nhỏ hơn.",
            f"Picture {place} is too large; at most {megabytes} MB and {megapixels} million pixels. Take it smaller.",
            parameter="photo",
        )


class TooManyPhotos(PhotoError):
    """More photos than one report takes."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Mỗi lần gửi tối đa {most} ảnh. Hãy chọn những ảnh rõ nhất.",
            f"At most {most} photos at a time. Choose the clearest ones.",
            parameter="photo",
        )


class SubjectNotFound(PhotoError):
    """What the photos should be of is not there, or is none of the reader's units'."""

    def __init__(self) -> None:
        super().__init__(
            "Không có phản ánh, cảnh báo hoặc việc này trong địa bàn của tài khoản. Hãy xem lại “about” và “id”.",
            'There is no such report, alert or task in the area of this account. Look at "about" and "id" again.',
            parameter="id",
        )
