"""Text of a file decoded column by column: the encodings vote, damage is told, samples are shown.

Every column is looked at as bytes. Only words with bytes above ASCII tell encodings apart, and single values tie; a
column of twenty values does not (measured on the names of all communes).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from layers.intake.codecs import DECODERS, Encoding, as_single_bytes, decode_utf8
from layers.intake.model import ColumnEncoding
from layers.intake.vietnamese import accented_words, is_syllable

_SEPARATOR: Final = "\x00"
_SAMPLE_VALUES: Final = 1500
_FEW_WORDS: Final = 12
_CLEAR: Final = 0.7
_MARGIN: Final = 0.12
_SAMPLES: Final = 3
# A question mark between letters, or U+FFFD, is what programs leave of a letter that they could not write.
_DAMAGED: Final = re.compile(r"[^\W\d_]\?+[^\W\d_]|\ufffd|(?<![^\W\d_])\?[^\W\d_]{2,}")
_ASCII_UPPER: Final = re.compile("[A-Z]")
_ASCII_LOWER: Final = re.compile("[a-z]")


@dataclass(frozen=True, slots=True)
class RawColumn:
    """A column of text before it is decoded.

    Attributes:
        values: Strings; where ``is_raw`` each character stands for one byte of the file.
        is_raw: The bytes are as in the file; else a program has decoded them, rightly or not.
    """

    name: str
    values: pa.ChunkedArray
    is_raw: bool


@dataclass(frozen=True, slots=True)
class Ballot:
    """Votes of one column: share of its accented words that are syllables, by encoding, and how many words voted."""

    scores: Mapping[Encoding, float]
    words: int

    @property
    def best(self) -> Encoding:
        """The winner; of equals the first in the order of :data:`DECODERS`."""
        return max(self.scores, key=lambda encoding: self.scores[encoding]) if self.words else Encoding.ASCII

    @property
    def margin(self) -> float:
        """How far the winner is ahead of the next encoding."""
        ranked = sorted(self.scores.values(), reverse=True)
        return ranked[0] - ranked[1] if len(ranked) > 1 else 1.0


@dataclass(frozen=True, slots=True)
class DecodedColumn:
    """A column as decoded: distinct values and the code of each row's value (null where empty).

    Attributes:
        damaged: Codes of the values that have lost letters.
        cased: Number of values whose capitals were rebuilt.
        cut: Number of values that end inside a letter.
    """

    name: str
    encoding: Encoding
    values: list[str | None]
    codes: pa.ChunkedArray
    damaged: frozenset[int]
    cased: int
    cut: int

    def to_arrow(self) -> pa.ChunkedArray:
        """The column as Arrow text."""
        dictionary = pa.array(self.values, pa.large_string())
        return pa.chunked_array([dictionary.take(chunk) for chunk in self.codes.chunks], pa.large_string())


def cast_votes(values: Sequence[str], *, is_raw: bool) -> Ballot:
    """Counts how many accented words of a sample are syllables under each encoding."""
    sample = _SEPARATOR.join(values)
    if sample.isascii():
        return Ballot({}, 0)
    if is_raw:
        raw: bytes | None = sample.encode("latin-1", "replace")
        decoded = {encoding: decode(raw) for encoding, decode in DECODERS.items()} if raw else {}
    else:
        raw = as_single_bytes(sample)
        decoded = {Encoding.UTF8: unicodedata.normalize("NFC", sample)}
        if raw is not None:
            others = {name: decode for name, decode in DECODERS.items() if name not in _UNICODE}
            decoded |= {encoding: decode(raw) for encoding, decode in others.items()}
            decoded[Encoding.UTF8_TWICE] = decode_utf8(raw)
    scores = {encoding: _score(text) for encoding, text in decoded.items()}
    return Ballot(scores, max(len(accented_words(sample)), 1))


_UNICODE: Final = (Encoding.UTF8, Encoding.UTF8_TWICE)


def _score(text: str) -> float:
    words = accented_words(text)
    if not words:
        return 0.0
    return round(sum(map(is_syllable, words)) / len(words), 4)


def sample_of(column: RawColumn) -> list[str]:
    """Returns distinct values that hold more than ASCII, at most a sample of them."""
    distinct = pc.unique(column.values.slice(0, 200_000)).drop_null()
    accented = distinct.filter(pc.match_substring_regex(distinct, r"[^\x00-\x7f]"))
    step = max(1, len(accented) // _SAMPLE_VALUES)
    return [str(value) for value in accented.to_pylist()[::step]]


def elect(ballots: Mapping[str, Ballot]) -> tuple[Encoding, bool]:
    """Returns the encoding of most words of a file, and whether the vote is clear.

    A vote is clear where the winner makes syllables of most words and no other does nearly as well; text that only
    one encoding could have produced (valid UTF-8) is clear too.
    """
    words = sum(ballot.words for ballot in ballots.values())
    if not words:
        return Encoding.ASCII, True
    totals: dict[Encoding, float] = {}
    for ballot in ballots.values():
        for encoding, score in ballot.scores.items():
            totals[encoding] = totals.get(encoding, 0.0) + score * ballot.words / words
    whole = Ballot(totals, words)
    return whole.best, totals[whole.best] >= _CLEAR and (whole.margin >= _MARGIN or words < _FEW_WORDS)


def encoding_of(ballot: Ballot, of_file: Encoding) -> Encoding:
    """Returns the encoding of one column: its own winner, or that of the file where it has too little to say."""
    if not ballot.words:
        return of_file
    ahead = ballot.scores[ballot.best] - ballot.scores.get(of_file, 0.0)
    if ahead <= 0 or (ballot.words < _FEW_WORDS and ahead < 0.5):
        return of_file
    return ballot.best if ahead >= _MARGIN else of_file


def decode_column(column: RawColumn, encoding: Encoding) -> DecodedColumn:
    """Decodes a column: blanks at the ends dropped, Unicode NFC, capitals of TCVN3 rebuilt, empty text to null."""
    coded = column.values.combine_chunks().dictionary_encode()
    dictionary, codes = (coded.dictionary, coded.indices) if isinstance(coded, pa.DictionaryArray) else _merged(coded)
    texts = [str(value) for value in dictionary.to_pylist()]
    decoded, cut = _decode_all(texts, encoding, is_raw=column.is_raw)
    tidy = [unicodedata.normalize("NFC", text).replace("\ufeff", "").strip(" \t\r\n\x0b\x0c\u00a0") for text in decoded]
    cased = 0
    if encoding is Encoding.TCVN3:
        raised = [raise_capitals(text) for text in tidy]
        cased = sum(new != old for new, old in zip(raised, tidy, strict=True))
        tidy = raised
    damaged = frozenset(
        code for code, text in enumerate(tidy) if ("?" in text or "\ufffd" in text) and is_damaged(text)
    )
    return DecodedColumn(
        name=column.name,
        encoding=encoding,
        values=[text or None for text in tidy],
        codes=pa.chunked_array([codes]),
        damaged=damaged,
        cased=cased,
        cut=cut,
    )


def _merged(coded: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    whole = coded.unify_dictionaries().combine_chunks()
    return whole.dictionary, whole.indices


def _decode_all(texts: list[str], encoding: Encoding, *, is_raw: bool) -> tuple[list[str], int]:
    """Decodes all values in one go where that is possible; returns them and how many end inside a letter."""
    whole = _SEPARATOR.join(texts)
    if whole.isascii() and whole.count(_SEPARATOR) == len(texts) - 1:
        return texts, 0
    if not is_raw:
        return [_decode_text(text, encoding) for text in texts], 0
    if whole.count(_SEPARATOR) != len(texts) - 1:
        texts = [text.replace(_SEPARATOR, "") for text in texts]
        whole = _SEPARATOR.join(texts)
    raw = whole.encode("latin-1", "replace")
    if encoding in (Encoding.UTF8, Encoding.ASCII):
        return _decode_utf8(raw, texts)
    return DECODERS[encoding](raw).split(_SEPARATOR), 0


def _decode_utf8(raw: bytes, texts: list[str]) -> tuple[list[str], int]:
    try:
        return raw.decode("utf-8").split(_SEPARATOR), 0
    except UnicodeDecodeError:
        pieces = [_decode_cut(text.encode("latin-1", "replace")) for text in texts]
        return [text for text, _ in pieces], sum(cut for _, cut in pieces)


def _decode_cut(raw: bytes) -> tuple[str, bool]:
    """Decodes UTF-8 of which a column too narrow may have cut the last letter."""
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and error.end == len(raw):
            return raw[: error.start].decode("utf-8"), True
        return raw.decode("utf-8", "replace"), False


def _decode_text(text: str, encoding: Encoding) -> str:
    if encoding in (Encoding.UTF8, Encoding.ASCII) or text.isascii():
        return text
    raw = as_single_bytes(text)
    if raw is None:
        return text
    return decode_utf8(raw) if encoding is Encoding.UTF8_TWICE else DECODERS[encoding](raw)


def raise_capitals(text: str) -> str:
    """Returns in capitals what a .VnTimeH font showed so: its plain letters are capitals, its toned ones cannot be."""
    if text.isascii() or _ASCII_LOWER.search(text) or len(_ASCII_UPPER.findall(text)) < 2:
        return text
    return text.upper()


def is_damaged(text: str) -> bool:
    """Tells whether letters of a text have been lost for good (“Nhà d?c l?p”, U+FFFD)."""
    return _DAMAGED.search(text) is not None


def describe(name: str, column: DecodedColumn, ballot: Ballot, *, mask: bool = False) -> ColumnEncoding:
    """Returns how a column was read with three values to look at, those with the most letters above ASCII first.

    Args:
        name: Name of the column, decoded.
        column: Its text.
        ballot: What the encodings scored.
        mask: Whether the values are personal and not to be shown.
    """
    ranked = sorted(ballot.scores.items(), key=lambda vote: -vote[1])
    telling = sorted((text for text in column.values[:5_000] if text), key=lambda text: -len(accented_words(text)))
    samples = ("(dữ liệu cá nhân)",) if mask else tuple(text[:80] for text in telling[:_SAMPLES])
    return ColumnEncoding(
        column=name,
        encoding=str(column.encoding),
        votes=tuple((str(encoding), score) for encoding, score in ranked),
        samples=samples,
    )
