"""Columns of a part as pandas columns, decoded, with what there is to tell of their text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from layers.errors import LayerError
from layers.intake.codecs import Encoding, find_encoding
from layers.intake.model import EncodingDecision, Finding, Option, Question, Severity, Wish
from layers.intake.opening import RawTable
from layers.intake.text import (
    Ballot,
    DecodedColumn,
    RawColumn,
    cast_votes,
    decode_column,
    describe,
    elect,
    encoding_of,
    sample_of,
)

_WIDE: Final = r"[^\x00-\xff]"


class InvalidWish(LayerError):
    """A choice of the person names something that is not there."""


@dataclass(frozen=True, slots=True)
class DecodedTable:
    """A part whose text can be read.

    Attributes:
        frame: Columns named as in the file (names decoded too), row numbers from 1.
        damaged: By column, which rows have lost letters.
        question: Asked where the votes do not tell.
    """

    frame: pd.DataFrame
    decision: EncodingDecision
    damaged: Mapping[str, NDArray[np.bool_]]
    findings: tuple[Finding, ...]
    question: Question | None


def decode_table(raw: RawTable, declared: str | None, wish: Wish, *, personal: Iterable[str] = ()) -> DecodedTable:
    """Decodes names and text of a part.

    Args:
        raw: The part.
        declared: Encoding that the file names; it is told where it lies, never believed.
        wish: Encodings chosen by the person.
        personal: Names of columns whose values are not shown.

    Raises:
        InvalidWish: A chosen encoding is unknown.
    """
    texts = {
        name: _raw_column(name, raw.columns.column(name), is_raw=raw.is_raw)
        for name in raw.columns.column_names
        if _is_text(raw.columns.column(name).type)
    }
    ballots = {name: cast_votes(sample_of(column), is_raw=column.is_raw) for name, column in texts.items()}
    winner, is_clear = elect(ballots)
    chosen = _chosen(wish.encoding) if wish.encoding else None
    names = _names(raw, chosen or winner)
    decoded: dict[str, DecodedColumn] = {}
    for name, column in texts.items():
        own = wish.encodings.get(names[name])
        encoding = _chosen(own) if own else chosen or encoding_of(ballots[name], winner)
        decoded[name] = decode_column(column, encoding)
    hidden = set(personal)
    decision = EncodingDecision(
        encoding=str(chosen or winner),
        declared=declared,
        columns=tuple(
            describe(names[name], column, ballots[name], mask=names[name] in hidden)
            for name, column in decoded.items()
            if ballots[name].words
        ),
        is_certain=is_clear or chosen is not None,
    )
    frame = _frame(raw.columns, decoded, names)
    damaged = {names[name]: _rows_of(column) for name, column in decoded.items() if column.damaged}
    findings = (*_file_findings(decoded, ballots, winner, declared), *_column_findings(decoded, names))
    question = None if decision.is_certain else _question(decision)
    return DecodedTable(frame, decision, damaged, findings, question)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string(kind))


def _raw_column(name: str, values: pa.ChunkedArray, *, is_raw: bool) -> RawColumn:
    """Characters above one byte cannot be bytes of the file: a program has decoded that column."""
    wide = is_raw and bool(pc.any(pc.match_substring_regex(values, _WIDE)).as_py())
    return RawColumn(name, values, is_raw and not wide)


def _chosen(name: str) -> Encoding:
    found = find_encoding(name)
    if found is None:
        known = ", ".join(encoding.value for encoding in Encoding)
        raise InvalidWish(
            f"Không có bảng mã “{name[:40]}”. Dùng một trong: {known}.",
            f'There is no encoding "{name[:40]}". Use one of: {known}.',
            parameter="encoding",
        )
    return found


def _names(raw: RawTable, encoding: Encoding) -> dict[str, str]:
    """Names of columns decoded like their text; each once."""
    names: dict[str, str] = {}
    for name in raw.columns.column_names:
        column = RawColumn(name, pa.chunked_array([pa.array([name], pa.large_string())]), raw.is_raw and _fits(name))
        own = cast_votes([name], is_raw=column.is_raw)
        best = encoding if encoding is not Encoding.ASCII else own.best
        readable = decode_column(column, best).values[0] or name
        names[name] = readable if readable not in names.values() else f"{readable} ({len(names) + 1})"
    return names


def _fits(name: str) -> bool:
    return all(ord(letter) < 256 for letter in name)


def _frame(table: pa.Table, decoded: Mapping[str, DecodedColumn], names: Mapping[str, str]) -> pd.DataFrame:
    columns = {}
    for name in table.column_names:
        values = decoded[name].to_arrow() if name in decoded else table.column(name)
        columns[names[name]] = values.to_pandas()
    frame = pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))
    frame.index = pd.RangeIndex(1, table.num_rows + 1, name="row")
    return frame


def _rows_of(column: DecodedColumn) -> NDArray[np.bool_]:
    codes = column.codes.to_numpy()
    mask: NDArray[np.bool_] = np.isin(codes, np.array(sorted(column.damaged)))
    return mask


def _file_findings(
    decoded: Mapping[str, DecodedColumn], ballots: Mapping[str, Ballot], winner: Encoding, declared: str | None
) -> Iterator[Finding]:
    said = find_encoding(declared) if declared else None
    telling = any(ballot.words for ballot in ballots.values())
    if telling and declared and said is not None and said is not winner and declared != "ANSI":
        yield Finding(
            Severity.INFO,
            "text.declared-wrong",
            f"Tệp khai bảng mã {declared[:20]} nhưng chữ thực ra là {winner.value}; đã đọc theo {winner.value}.",
            f"The file declares {declared[:20]}, its text is {winner.value}; it is read as {winner.value}.",
            "Hãy xem ba giá trị mẫu; nếu chữ sai, hãy chọn bảng mã khác.",
            "Look at the three samples; if they are wrong, choose another encoding.",
        )
    if winner is Encoding.UTF8_TWICE:
        yield Finding(
            Severity.REPAIR,
            "text.twice-encoded",
            "Chữ đã bị mã hóa UTF-8 hai lần (“Nguyá»…n”); đã khôi phục.",
            "The text was encoded in UTF-8 twice; it has been restored.",
            "Hãy xem ba giá trị mẫu trước khi gửi duyệt.",
            "Look at the three samples before submitting.",
        )
    cased = sum(column.cased for column in decoded.values())
    if cased:
        yield Finding(
            Severity.REPAIR,
            "text.capitals",
            "Chữ hoa của phông .VnTimeH đã được dựng lại (TCVN3 không có chữ hoa có dấu).",
            "Capitals of .VnTimeH were rebuilt (TCVN3 has no capitals with tone marks).",
            "Hãy xem ba giá trị mẫu.",
            "Look at the three samples.",
            count=cased,
        )


def _column_findings(decoded: Mapping[str, DecodedColumn], names: Mapping[str, str]) -> Iterator[Finding]:
    for name, column in decoded.items():
        if column.cut:
            yield Finding(
                Severity.WARNING,
                "text.cut",
                f"{column.cut} giá trị bị cắt ở cuối vì cột quá hẹp.",
                f"{column.cut} values are cut at the end: the column is too narrow.",
                "Hãy xuất lại với cột rộng hơn, hoặc dùng GeoPackage.",
                "Export again with a wider column, or as GeoPackage.",
                field=names[name],
                count=column.cut,
            )


def _question(decision: EncodingDecision) -> Question:
    ranked: dict[str, float] = {}
    for column in decision.columns:
        for encoding, score in column.votes:
            ranked[encoding] = max(ranked.get(encoding, 0.0), score)
    options = sorted(ranked, key=lambda encoding: -ranked[encoding])
    return Question(
        "encoding",
        "Không chắc bảng mã của chữ trong tệp. Hãy xem các giá trị mẫu và chọn bảng mã cho chữ đúng.",
        "The encoding of the text is not certain. Look at the samples and choose the one that reads right.",
        tuple(Option(encoding, f"{encoding} ({ranked[encoding]:.0%})", encoding) for encoding in options),
    )
