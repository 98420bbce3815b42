"""What can be wrong with asking for figures."""

from __future__ import annotations

from collections.abc import Iterable

from layers.errors import suggestion
from scenarios.errors import ScenarioError


class InvalidPeriod(ScenarioError):
    """A period is not written as a year, quarter, month, week, day or hour."""

    def __init__(self, written: str, *, parameter: str) -> None:
        super().__init__(
            f"“{written[:40]}” không phải là một kỳ. Hãy viết như 2026, 2026-Q1, 2026-03, 2026-W10, 2026-03-02"
            " hoặc 2026-03-02T09.",
            f'"{written[:40]}" is no period. Write it like 2026, 2026-Q1, 2026-03, 2026-W10, 2026-03-02'
            " or 2026-03-02T09.",
            parameter=parameter,
        )


class IndicatorNotOfScenario(ScenarioError):
    """The scenario does not look at this indicator."""

    def __init__(self, scenario: str, indicator: str, *, known: Iterable[str]) -> None:
        names = tuple(known)
        vi, en = suggestion(indicator, names)
        listing = ", ".join(names) or "–"
        super().__init__(
            f"Kịch bản {scenario} không xét chỉ tiêu “{indicator[:60]}”.{vi} Các chỉ tiêu: {listing}.",
            f'Scenario {scenario} does not look at the indicator "{indicator[:60]}".{en} Its indicators: {listing}.',
            parameter="indicator",
        )
