"""What can be wrong with the key of personal data and with what is sealed under it."""

from __future__ import annotations

from pathlib import Path

from layers.errors import LayerError


class PersonalKeyError(LayerError):
    """Personal values cannot be sealed or opened here; everything else goes on."""


class PersonalKeyMissing(PersonalKeyError):
    """The database holds sealed values, and the key's file is not there."""

    def __init__(self, path: Path, wanted: str) -> None:
        super().__init__(
            f"Không có tệp khóa dữ liệu cá nhân {path.name}; cơ sở dữ liệu này cần khóa {wanted}. Hãy đặt lại tệp khóa"
            " từ nơi cất giữ, hoặc trỏ DIABAN_PERSONAL_KEY tới tệp đó.",
            f"The key file of personal data, {path.name}, is not there; this database needs key {wanted}. Put the file"
            " back from where it is kept safe, or point DIABAN_PERSONAL_KEY to it.",
        )


class PersonalKeyUnreadable(PersonalKeyError):
    """The file is no key of personal data, or may not be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Không đọc được tệp khóa dữ liệu cá nhân {path.name}; cần tệp do Địa Bàn tạo, chỉ chủ sở hữu đọc được.",
            f"The key file of personal data, {path.name}, cannot be read; it must be one that Địa Bàn made.",
        )


class WrongPersonalKey(PersonalKeyError):
    """The file holds another key than the one that the database's values are sealed under."""

    def __init__(self, path: Path, *, wanted: str, found: str) -> None:
        super().__init__(
            f"Tệp {path.name} chứa khóa dữ liệu cá nhân {found}, nhưng cơ sở dữ liệu này dùng khóa {wanted}. Hãy đặt"
            " đúng tệp khóa rồi khởi động lại.",
            f"The file {path.name} holds the personal-data key {found}, but this database uses {wanted}. Put the right"
            " key file in place, then start again.",
        )


class NoPersonalKey(PersonalKeyError):
    """The program reached the database by a way that brings no key."""

    def __init__(self) -> None:
        super().__init__(
            "Kết nối này không mang khóa dữ liệu cá nhân nên không đọc, ghi được trường cá nhân.",
            "This connection brings no key of personal data, so personal fields can be neither read nor written.",
        )


class SealBroken(PersonalKeyError):
    """Sealed values, or the key that they are sealed under, are not as they were written.

    Attributes:
        place: Layer and fid, or the number of the key.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        super().__init__(
            f"Dữ liệu cá nhân đã mã hóa ở {place} không còn nguyên vẹn (bị sửa hoặc chép từ nơi khác)."
            " Hãy báo người quản trị: diaban doctor, diaban audit verify.",
            f"The sealed personal values at {place} are not as they were written (altered, or copied from elsewhere)."
            " Tell the administrator: diaban doctor, diaban audit verify.",
        )


class ValuesUnsealed(PersonalKeyError):
    """An older version left personal values of this layer unsealed, and they must be sealed first."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Lớp “{slug}” còn dữ liệu cá nhân chưa mã hóa từ phiên bản cũ. Hãy chạy diaban personal seal rồi thử lại.",
            f'Layer "{slug}" still has personal values that an older version left unsealed.'
            " Run diaban personal seal, then try again.",
        )


class PersonalNotFound(LayerError):
    """There is no such feature, its layer has no personal fields, or the reader has no right to them."""

    def __init__(self, slug: str, fid: int) -> None:
        super().__init__(
            f"Không có thông tin cá nhân của đối tượng {fid} lớp “{slug}” mà tài khoản này được xem."
            " Hãy kiểm tra số đối tượng, hoặc đề nghị người quản trị cấp quyền.",
            f'There are no personal values of feature {fid} of layer "{slug}" that this account may see.'
            " Check the number, or ask whoever gives rights.",
        )


class TooManyViews(LayerError):
    """The account has opened as many features' values in full as it may within an hour."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Tài khoản này đã mở đầy đủ thông tin cá nhân {most} lần trong một giờ qua. Hãy chờ rồi thử lại; cần nhiều"
            " hơn thì lập yêu cầu trích xuất có phê duyệt.",
            f"This account has opened personal values in full {most} times within the last hour. Wait, then try again;"
            " for more, ask for an approved extract.",
        )
