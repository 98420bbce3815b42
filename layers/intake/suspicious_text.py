"""Text that a spreadsheet or a browser would run: kept as text, and told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pandas as pd

from layers.intake.model import Finding, Severity

_FORMULA: Final = re.compile(r"\s*([=＝@＠]|[-+＋－](?![\d\s.,]|$)|[\t\r])")
_SCRIPT: Final = re.compile(r"<\s*/?\s*[a-z!][^>]*>?|javascript\s*:|\bon\w+\s*=\s*[\"']?\w+\s*\(", re.IGNORECASE)
_MOST_ROWS: Final = 50


def find_suspicious(column: str, series: pd.Series, *, is_personal: bool) -> Iterator[Finding]:
    """Yields a finding for the rows of a column whose text looks like a formula or a script, at most a page of them."""
    if pd.api.types.is_numeric_dtype(series.dtype):
        return
    codes, distinct = pd.factorize(series)
    for code, pattern, words in (("text.formula", _FORMULA, _FORMULA_WORDS), ("text.script", _SCRIPT, _SCRIPT_WORDS)):
        bad = np.array([isinstance(text, str) and pattern.match(text) is not None for text in distinct] + [False])
        if pattern is _SCRIPT:
            bad = np.array([isinstance(text, str) and pattern.search(text) is not None for text in distinct] + [False])
        positions = np.flatnonzero(bad[codes])
        for at in positions[:_MOST_ROWS]:
            shown = "(dữ liệu cá nhân)" if is_personal else str(distinct[codes[at]])[:80]
            yield _finding(code, words, column, row=int(series.index[at]), value=shown)
        if len(positions) > _MOST_ROWS:
            yield _finding(code, words, column, row=None, value="", count=len(positions) - _MOST_ROWS)


def find_suspicious_names(columns: Iterable[str]) -> Iterator[Finding]:
    """Yields a finding for column names that look like a formula or a script."""
    for name in columns:
        if _SCRIPT.search(name) or _FORMULA.match(name):
            yield _finding("text.script", _SCRIPT_WORDS, name[:80], row=None, value=name[:80])


_FORMULA_WORDS: Final = (
    "Ô bắt đầu bằng dấu của công thức bảng tính; được giữ nguyên là chữ.",
    "The cell begins like a spreadsheet formula; it is kept as text.",
)
_SCRIPT_WORDS: Final = (
    "Giá trị có mã HTML hoặc script; được giữ nguyên là chữ, không bao giờ được thực thi.",
    "The value holds HTML or script; it is kept as text and never run.",
)


def _finding(code: str, words: tuple[str, str], column: str, *, row: int | None, value: str, count: int = 1) -> Finding:
    return Finding(
        Severity.WARNING,
        code,
        *words,
        "Hãy xóa ký tự lạ nếu không cố ý.",
        "Remove it unless it is meant.",
        row=row,
        field=column,
        value=value,
        count=count,
    )
