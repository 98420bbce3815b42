"""Personal values with all but a few characters replaced: enough to tell records apart, not to use them."""

from __future__ import annotations

import re
from typing import Final

from layers.definition import Field, FieldType
from layers.personal.values import ID_NUMBERS, PHONES, PLATES

DOTS: Final = "••••"
_NAMES: Final = re.compile(r"(^|_)(name|head|representative|principal|manager|owner|author)$")
_EMAILS: Final = re.compile(r"(^|_)email$")
_ADDRESSES: Final = re.compile(r"(^|_)address$")


def masked(field: Field, value: object) -> object:
    """A value as people see it who may not open it; what is no text says no more than that it is there."""
    if field.type in (FieldType.DATE, FieldType.DATETIME):
        return f"{str(value)[:4]}-••-••"
    if field.type is not FieldType.TEXT:
        return DOTS
    text = str(value).strip()
    for pattern, mask in _MASKS:
        if pattern.search(field.name):
            return mask(text)
    return DOTS


def mask_name(text: str) -> str:
    """``Nguyễn Văn An`` as ``Nguyễn V. A.``; a single word as its first letter."""
    first, *others = text.split()
    if not others:
        return first[:1] + DOTS
    return " ".join([first, *(f"{word[0]}." for word in others)])


def mask_number(text: str) -> str:
    """``079012341234`` as ``0790••••1234``; a shorter number keeps less."""
    if len(text) >= 12:
        return text[:4] + DOTS + text[-4:]
    return DOTS + text[-2:] if len(text) >= 6 else DOTS


def mask_phone(text: str) -> str:
    """The last three digits."""
    digits = re.sub(r"\D", "", text)
    return DOTS + digits[-3:] if len(digits) >= 8 else DOTS


def mask_plate(text: str) -> str:
    """The province's number, which begins a plate."""
    return text[:2] + DOTS if len(text) >= 6 else DOTS


def mask_email(text: str) -> str:
    """The first letter and the address after the sign."""
    name, sign, place = text.partition("@")
    return f"{name[:1]}{DOTS}@{place}" if sign and name else DOTS


def mask_address(text: str) -> str:
    """What comes after the first comma: commune and province, not house and street."""
    _, comma, place = text.partition(",")
    return f"{DOTS},{place}" if comma else DOTS


_MASKS: Final = (
    (ID_NUMBERS, mask_number),
    (PHONES, mask_phone),
    (PLATES, mask_plate),
    (_EMAILS, mask_email),
    (_ADDRESSES, mask_address),
    (_NAMES, lambda text: mask_name(text) if text else DOTS),
)
