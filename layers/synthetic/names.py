"""Made-up Vietnamese names: every one holds "Mẫu" (sample), "Giả" (pretended) or "Mô Phỏng" (simulated)."""

from __future__ import annotations

import unicodedata
from itertools import islice, product
from typing import Final

SYNTHETIC_VI: Final = "(dữ liệu mô phỏng)"
SYNTHETIC_EN: Final = "(simulated data)"

PROVINCE_CODE: Final = "99"
PROVINCE_NAME: Final = f"Tỉnh Mô Phỏng {SYNTHETIC_VI}"
PROVINCE_NAME_EN: Final = f"Mo Phong Province {SYNTHETIC_EN}"

_FIRST = ("Mẫu", "Giả")
_SECOND = ("An", "Bình", "Châu", "Đông", "Gia", "Hòa", "Khánh", "Lộc", "Minh", "Ninh", "Phú", "Quang", "Sơn")
_THIRD = ("", " Thượng", " Hạ", " Trung", " Nội", " Ngoại", " Tây", " Bắc", " Nam")
_DISTRICTS = ("Thị xã Mẫu Thành", "Huyện Giả Hải", "Huyện Mẫu Lâm", "Huyện Giả Giang")

_FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương")
_GIVEN = ("An", "Bình", "Chi", "Dung", "Giang", "Hạnh", "Khoa", "Lan", "Minh", "Nga", "Phúc", "Quân")


def without_marks(text: str) -> str:
    """Return Vietnamese text in plain letters, for names in English."""
    plain = unicodedata.normalize("NFD", text.replace("Đ", "D").replace("đ", "d"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def unit_names(count: int, skip: int = 0) -> list[str]:
    """Return `count` different names of units without the word for their kind.

    There are 234 of them; a larger province counts on with numbers.
    """
    words = [f"{a} {b}{c}" for c, b, a in product(_THIRD, _SECOND, _FIRST)]
    endless = (word if turn == 1 else f"{word} {turn}" for turn in range(1, 1000) for word in words)
    return list(islice(endless, skip, skip + count))


def district_names(count: int) -> list[str]:
    """Return names of former districts, the town first."""
    return list(_DISTRICTS[:count])


def person(number: int) -> str:
    """Return the name of a person who does not exist, different for every number."""
    family, rest = _FAMILY[number % 12], number // 12
    return f"{family} Giả {_GIVEN[rest % 12]} {number:06d}"
