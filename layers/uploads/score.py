"""The score of an upload on the six criteria for data: right, complete, clean, live, uniform, shared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pandas as pd

from layers.definition import Definition, Frequency
from layers.intake.model import Finding, Intake, Severity

# What a layer promises, in days; None where the sources name no period.
PERIOD_DAYS: Final[dict[Frequency, int | None]] = {
    Frequency.REALTIME: 1,
    Frequency.EVERY_2_HOURS: 1,
    Frequency.PROMPTLY: None,
    Frequency.DAILY: 1,
    Frequency.WEEKLY: 7,
    Frequency.MONTHLY: 31,
    Frequency.QUARTERLY: 92,
    Frequency.YEARLY: 366,
    Frequency.FIVE_YEARLY: 1827,
    Frequency.AS_CHANGED: None,
    Frequency.CONTINUOUS: 1,
    Frequency.REGULAR: None,
}
_FORM: Final = ("code", "field", "text", "type", "unit", "encoding", "value")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion with its formula in words.

    Attributes:
        value: 0 to 100; None where nothing can be said.
    """

    name: str
    vi: str
    en: str
    formula_vi: str
    formula_en: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Scored:
    """What the formulas are made of."""

    definition: Definition
    intake: Intake
    today: date

    def rows_with(self, *severities: Severity, kinds: tuple[str, ...] | None = None) -> int:
        """Number of rows that a finding of these severities, and of these kinds of codes, names."""
        return len({f.row for f in self.intake.findings if f.row is not None and self._counts(f, severities, kinds)})

    @staticmethod
    def _counts(finding: Finding, severities: tuple[Severity, ...], kinds: tuple[str, ...] | None) -> bool:
        return finding.severity in severities and (kinds is None or finding.code.partition(".")[0] in kinds)


def score_upload(definition: Definition, intake: Intake, today: date) -> list[Criterion]:
    """Scores an upload; every value is a share of what was read, in per cent, rounded to one decimal."""
    scored = Scored(definition, intake, today)
    return [Criterion(*words, value=_rounded(formula(scored))) for words, formula in _CRITERIA]


def total_score(criteria: list[Criterion]) -> float | None:
    """The mean of the criteria that have a value."""
    values = [criterion.value for criterion in criteria if criterion.value is not None]
    return _rounded(sum(values) / len(values)) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(min(100.0, max(0.0, value)), 1)


def _share(part: int, of: int) -> float | None:
    return None if of == 0 else 100 * part / of


def _right(scored: Scored) -> float | None:
    totals = scored.intake.totals
    return _share(totals.good, totals.read)


def _complete(scored: Scored) -> float | None:
    rows = scored.intake.rows
    names = [field.name for field in scored.definition.fields if not field.hidden]
    if rows.empty or not names:
        return None
    filled = sum(int(rows[name].notna().sum()) for name in names if name in rows.columns)
    return _share(filled, len(rows) * len(names))


def _clean(scored: Scored) -> float | None:
    read = scored.intake.totals.read
    return _share(read - scored.rows_with(Severity.ERROR, Severity.WARNING, Severity.REPAIR), read)


def _live(scored: Scored) -> float | None:
    period = PERIOD_DAYS[scored.definition.frequency]
    newest = scored.intake.wish.data_on or _newest(scored)
    if period is None or newest is None:
        return None
    late = (scored.today - newest) - timedelta(days=period)
    return 100.0 * (1 - late.days / period) if late.days > 0 else 100.0


def _newest(scored: Scored) -> date | None:
    name = scored.definition.data_date_field
    rows = scored.intake.rows
    if name is None or name not in rows.columns or rows[name].dropna().empty:
        return None
    newest = pd.to_datetime(rows[name].dropna(), utc=True).max().date()
    return min(newest, scored.today) if isinstance(newest, date) else None


def _uniform(scored: Scored) -> float | None:
    read = scored.intake.totals.read
    return _share(read - scored.rows_with(Severity.ERROR, Severity.WARNING, Severity.REPAIR, kinds=_FORM), read)


def _shared(scored: Scored) -> float | None:
    mapping = scored.intake.mapping
    if mapping is None:
        return None
    used = len({match.column for match in mapping.matches if match.column is not None})
    return _share(used, used + len(mapping.unmapped) + len(mapping.missing))


_CRITERIA: Final[tuple[tuple[tuple[str, str, str, str, str], Callable[[Scored], float | None]], ...]] = (
    (("right", "Đúng", "Right", "số dòng đạt ÷ số dòng đọc được", "good rows ÷ rows read"), _right),
    (
        (
            "complete",
            "Đủ",
            "Complete",
            "số ô có giá trị ÷ (số dòng đạt × số trường của lớp)",
            "filled cells ÷ (good rows × fields of the layer)",
        ),
        _complete,
    ),
    (
        (
            "clean",
            "Sạch",
            "Clean",
            "số dòng không có lỗi, cảnh báo, chỗ phải sửa ÷ số dòng đọc được",
            "rows without error, warning or repair ÷ rows read",
        ),
        _clean,
    ),
    (
        (
            "live",
            "Sống",
            "Live",
            "100 khi ngày số liệu trong kỳ cập nhật đã hứa, giảm đều về 0 sau thêm một kỳ",
            "100 while the data date is within the promised period, falling to 0 over one more",
        ),
        _live,
    ),
    (
        (
            "uniform",
            "Thống nhất",
            "Uniform",
            "số dòng không vướng về mã, kiểu, đơn vị, bảng mã ÷ số dòng đọc được",
            "rows without findings on codes, types, units or encoding ÷ rows read",
        ),
        _uniform,
    ),
    (
        (
            "shared",
            "Dùng chung",
            "Shared",
            "số cột khớp định nghĩa lớp ÷ (số cột của tệp + số trường bắt buộc còn thiếu)",
            "columns that fit the definition ÷ (columns of the file + required fields missing)",
        ),
        _shared,
    ),
)
