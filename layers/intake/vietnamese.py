"""Written Vietnamese: which words are syllables of it, and forms in which two spellings of a name compare equal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_TONES: Final = {"\u0300": 1, "\u0301": 2, "\u0309": 3, "\u0303": 4, "\u0323": 5}
_STOPS: Final = ("c", "ch", "p", "t")
_STOP_TONES: Final = (2, 5)
_ONSETS: Final = (
    "", "b", "c", "ch", "d", "đ", "g", "gh", "gi", "h", "k", "kh", "kr", "l", "m", "n", "ng", "ngh", "nh", "p", "ph",
    "q", "qu", "r", "s", "t", "th", "tr", "v", "x",
)  # fmt: skip
# Rhymes without tone; a final k is written in names of the Central Highlands (Đắk, Lắk).
_RHYME_TEXT: Final = """
    a e ê i o ô ơ u ư y ia ua ưa uya uê uơ uy oa oe
    ai ao au ay âu ây eo êu iu iêu yêu oi ôi ơi ui ưi ưu ươi ươu uôi oai oao oay oeo uây uyu uôi uâu
    am an ang anh ap at ac ach ak ăm ăn ăng ăp ăt ăc ăk âm ân âng âp ât âc
    em en eng ep et ec ek êm ên ênh êng êp êt êch êk im in inh ip it ich ik
    om on ong op ot oc ok oong ooc ôm ôn ông ôp ôt ôc ôk ơm ơn ơp ơt
    um un ung up ut uc uk ưm ưn ưng ưt ưc iêm iên iêng iêp iêt iêc iêk yêm yên yêng yêt
    uôm uôn uông uôp uôt uôc ươm ươn ương ươp ươt ươc
    oam oan oang oanh oap oat oac oach oăm oăn oăng oăt oăc oen oet oem
    uân uâng uât uênh uêch uên uynh uych uyt uyn uyp uyên uyêt uym
"""
_RHYMES: Final = frozenset(_RHYME_TEXT.split())
_WORD: Final = re.compile(r"[^\x00-@\[-`{-~\s]+")
_ALL_MARKS: Final = re.compile("[\u0300-\u036f]")


@lru_cache(maxsize=200_000)
def is_syllable(word: str) -> bool:
    """Tells whether a word is spelt as a Vietnamese syllable; upper and lower case, both places of the tone."""
    toneless, tone = split_tone(word.lower())
    if tone < 0:
        return False
    return any(
        toneless.startswith(onset)
        and toneless[len(onset) :] in _RHYMES
        and (tone in _STOP_TONES or not toneless.endswith(_STOPS))
        for onset in _possible_onsets(toneless)
    ) or (toneless == "gi" and len(word) > 1)


def _possible_onsets(word: str) -> Iterable[str]:
    return (onset for onset in (word[:3], word[:2], word[:1], "") if onset in _ONSET_SET)


_ONSET_SET: Final = frozenset(_ONSETS)


def split_tone(word: str) -> tuple[str, int]:
    """Returns a word in NFC without its tone mark, and the tone: 0 level, 1 grave, 2 acute, 3 hook, 4 tilde, 5 dot.

    A word with more than one tone mark is no word: its tone is -1.
    """
    if word.isascii():
        return word, 0
    letters: list[str] = []
    tone = 0
    for letter in unicodedata.normalize("NFD", word):
        found = _TONES.get(letter)
        if found is None:
            letters.append(letter)
        else:
            tone = -1 if tone else found
    return unicodedata.normalize("NFC", "".join(letters)), tone


def accented_words(text: str) -> list[str]:
    """Returns the words of a text that are not plain ASCII; only these tell one encoding from another."""
    return [word for word in _WORD.findall(text) if not word.isascii()]


def same_name_form(text: str) -> str:
    """Returns the form in which names compare equal whatever case, blanks and place of the tone (Hòa, Hoà)."""
    words = unicodedata.normalize("NFC", text).casefold().split()
    return " ".join(f"{toneless}{tone or ''}" for toneless, tone in map(split_tone, words))


def bare(text: str) -> str:
    """Returns lower-case ASCII letters and digits only, marks dropped and đ as d, for names of columns."""
    plain = _ALL_MARKS.sub("", unicodedata.normalize("NFD", text.casefold())).replace("đ", "d")
    return re.sub(r"[^a-z0-9]", "", plain)
