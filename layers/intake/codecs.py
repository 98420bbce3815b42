"""Byte encodings of Vietnamese text before Unicode, for whole blocks of text at a time.

TCVN3 (ABC) and VNI-Windows are in no maintained library; the tables are those of TCVN 5712 and of the VNI fonts.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Final


class Encoding(StrEnum):
    """Encodings that Vietnamese files come in; the value is what people are shown and may say."""

    ASCII = "ASCII"
    UTF8 = "UTF-8"
    UTF8_TWICE = "UTF-8 (×2)"
    TCVN3 = "TCVN3"
    VNI = "VNI-Windows"
    CP1258 = "CP1258"
    CP1252 = "CP1252"


# The soft hyphen (0xAD) is ư: programs that treat it as a hyphen to drop lose the letter.
_TCVN3_BYTES: Final = (
    "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\xadõøö÷ùúýûüþ¡¢§£¤¥¦"
)  # fmt: skip
_TCVN3_LETTERS: Final = (
    "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĂÂĐÊÔƠƯ"
)  # fmt: skip

_ACUTE, _GRAVE, _HOOK, _TILDE, _DOT = "\u0301", "\u0300", "\u0309", "\u0303", "\u0323"
_CIRCUMFLEX, _BREVE = "\u0302", "\u0306"
# A mark stands behind its vowel: alone a tone, or circumflex or breve with a tone.
_VNI_MARKS: Final = {
    "ù": _ACUTE, "ø": _GRAVE, "û": _HOOK, "õ": _TILDE, "ï": _DOT,
    "â": _CIRCUMFLEX, "á": _CIRCUMFLEX + _ACUTE, "à": _CIRCUMFLEX + _GRAVE, "å": _CIRCUMFLEX + _HOOK,
    "ã": _CIRCUMFLEX + _TILDE, "ä": _CIRCUMFLEX + _DOT,
    "ê": _BREVE, "é": _BREVE + _ACUTE, "è": _BREVE + _GRAVE, "ú": _BREVE + _HOOK, "ü": _BREVE + _TILDE,
    "ë": _BREVE + _DOT,
}  # fmt: skip
_VNI_SINGLES: Final = {
    "ñ": "đ", "ô": "ơ", "ö": "ư", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ",
}  # fmt: skip


def _sloppy_1252() -> list[str]:
    """Windows-1252 with the five bytes that it leaves open as in Latin-1."""
    return [bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256)]


_CP1252: Final = _sloppy_1252()
_BYTE_OF: Final = {letter: byte for byte, letter in enumerate(_CP1252)} | {chr(byte): byte for byte in range(256)}


def _tcvn3_table() -> str:
    table = list(_CP1252)
    for byte, letter in zip(_TCVN3_BYTES, _TCVN3_LETTERS, strict=True):
        table[ord(byte)] = letter
    return "".join(table)


def _vni_table() -> dict[int, str]:
    table = dict(enumerate(_CP1252))
    for byte, letters in (_VNI_MARKS | _VNI_SINGLES).items():
        table[ord(byte)] = letters
        table[ord(byte.upper())] = letters.upper()
    return table


_TCVN3: Final = _tcvn3_table()
_VNI: Final = _vni_table()


def decode_tcvn3(raw: bytes) -> str:
    """Decodes TCVN3 (ABC); capitals with a tone do not exist there and come out as the small letters they are."""
    return codecs.charmap_decode(raw, "strict", _TCVN3)[0]


def decode_vni(raw: bytes) -> str:
    """Decodes VNI-Windows, in NFC."""
    return unicodedata.normalize("NFC", codecs.charmap_decode(raw, "strict", _VNI)[0])


def decode_cp1258(raw: bytes) -> str:
    """Decodes Windows-1258, whose tones are combining characters, in NFC."""
    return unicodedata.normalize("NFC", raw.decode("cp1258", "replace"))


def decode_cp1252(raw: bytes) -> str:
    """Decodes Windows-1252, open bytes as in Latin-1."""
    return codecs.charmap_decode(raw, "strict", "".join(_CP1252))[0]


def decode_utf8(raw: bytes) -> str:
    """Decodes UTF-8; bytes that are none become U+FFFD."""
    return unicodedata.normalize("NFC", raw.decode("utf-8", "replace"))


def decode_utf8_twice(raw: bytes) -> str:
    """Decodes UTF-8 that was read as Windows-1252 and written as UTF-8 once more."""
    once = raw.decode("utf-8", "replace")
    return decode_utf8(b"".join(_bytes_or_self(letter) for letter in once))


def _bytes_or_self(letter: str) -> bytes:
    byte = _BYTE_OF.get(letter)
    return letter.encode("utf-8") if byte is None else bytes((byte,))


def as_single_bytes(text: str) -> bytes | None:
    """Returns the bytes that a program took for Windows-1252 or Latin-1 to make this text, or None where it cannot."""
    try:
        return bytes([_BYTE_OF[letter] for letter in text])
    except KeyError:
        return None


DECODERS: Final[dict[Encoding, Callable[[bytes], str]]] = {
    Encoding.UTF8: decode_utf8,
    Encoding.UTF8_TWICE: decode_utf8_twice,
    Encoding.TCVN3: decode_tcvn3,
    Encoding.VNI: decode_vni,
    Encoding.CP1258: decode_cp1258,
    Encoding.CP1252: decode_cp1252,
}
_NAMES: Final = {
    "utf8": Encoding.UTF8, "65001": Encoding.UTF8, "tcvn": Encoding.TCVN3, "tcvn3": Encoding.TCVN3,
    "abc": Encoding.TCVN3, "tcvn57121": Encoding.TCVN3, "vni": Encoding.VNI, "vniwindows": Encoding.VNI,
    "1258": Encoding.CP1258, "cp1258": Encoding.CP1258, "windows1258": Encoding.CP1258, "ansi1258": Encoding.CP1258,
    "windowsvietnamese": Encoding.CP1258, "1252": Encoding.CP1252, "cp1252": Encoding.CP1252,
    "windows1252": Encoding.CP1252, "ansi1252": Encoding.CP1252, "windowslatin1": Encoding.CP1252,
    "iso88591": Encoding.CP1252, "88591": Encoding.CP1252, "latin1": Encoding.CP1252, "ascii": Encoding.ASCII,
}  # fmt: skip


def find_encoding(name: str) -> Encoding | None:
    """Returns the encoding of this name as files (.cpg, CharSet) and people write it, or None."""
    key = "".join(letter for letter in name.casefold() if letter.isalnum())
    return next((known for known in Encoding if known.value == name), None) or _NAMES.get(key)
