"""Writes text in the encodings before Unicode, from the published tables, apart from the product's decoders."""

from __future__ import annotations

import unicodedata

TCVN3_BYTES = "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\xadõøö÷ùúýûüþ¡¢§£¤¥¦"
TCVN3_LETTERS = "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĂÂĐÊÔƠƯ"
_TCVN3 = dict(zip(TCVN3_LETTERS, TCVN3_BYTES, strict=True))
_TONES = {"\u0301": 0, "\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0323": 4}
_VNI_TONES = "ùøûõï"
_VNI_CIRCUMFLEX = "áàåãä"
_VNI_BREVE = "éèúüë"
_VNI_SINGLES = {"đ": "ñ", "ơ": "ô", "ư": "ö", "í": "í", "ì": "ì", "ỉ": "æ", "ĩ": "ó", "ị": "ò", "ỵ": "î"}


def encode_tcvn3(text: str) -> bytes:
    """Toned capitals do not exist: they are written as small letters, as .VnTimeH users do."""
    letters = (
        _TCVN3.get(letter) or _TCVN3.get(letter.lower()) or letter for letter in unicodedata.normalize("NFC", text)
    )
    return "".join(letters).encode("latin-1")


def encode_vni(text: str) -> bytes:
    return "".join(_vni(letter) for letter in unicodedata.normalize("NFC", text)).encode("latin-1")


def _vni(letter: str) -> str:
    if letter.isascii():
        return letter
    small = letter.lower()
    cased = (lambda piece: piece.upper()) if letter.isupper() else (lambda piece: piece)
    if small in _VNI_SINGLES:
        return cased(_VNI_SINGLES[small])
    parts = unicodedata.normalize("NFD", small)
    tone = next((_TONES[mark] for mark in parts if mark in _TONES), None)
    bare = unicodedata.normalize("NFC", "".join(mark for mark in parts if mark not in _TONES))
    if bare in ("ơ", "ư"):
        return cased(_VNI_SINGLES[bare] + ("" if tone is None else _VNI_TONES[tone]))
    if "\u0302" in parts:
        return cased(parts[0] + ("â" if tone is None else _VNI_CIRCUMFLEX[tone]))
    if "\u0306" in parts:
        return cased(parts[0] + ("ê" if tone is None else _VNI_BREVE[tone]))
    if tone is None:
        raise ValueError(letter)
    return cased(parts[0] + _VNI_TONES[tone])


def encode_cp1258(text: str) -> bytes:
    """Vowels whole, tones as combining characters, as Windows writes."""
    pieces = []
    for letter in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", letter)
        tones = "".join(mark for mark in parts if mark in _TONES)
        bare = unicodedata.normalize("NFC", "".join(mark for mark in parts if mark not in _TONES))
        pieces.append(bare + tones)
    return "".join(pieces).encode("cp1258")


ENCODERS = {
    "UTF-8": lambda text: text.encode("utf-8"),
    "TCVN3": encode_tcvn3,
    "VNI-Windows": encode_vni,
    "CP1258": encode_cp1258,
}
