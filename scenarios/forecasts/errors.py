"""What can be wrong with asking for a forecast."""

from __future__ import annotations

from scenarios.errors import ScenarioError


class HistoryTooShort(ScenarioError):
    """There are too few periods with a value, or too many gaps between them."""

    def __init__(self, unit: str, *, known: int, needed: int) -> None:
        self.known = known
        super().__init__(
            f"Đơn vị {unit[:5]} chỉ có {known} kỳ dùng được; cần ít nhất {needed} kỳ đã qua,"
            " thiếu không quá một phần tư. Hãy gửi thêm số liệu các kỳ trước.",
            f"Unit {unit[:5]} has {known} periods that can be used; at least {needed} past ones are needed,"
            " no more than a quarter of them missing. Send the values of earlier periods.",
            parameter="unit",
        )


class NotForecast(ScenarioError):
    """The indicator is told of moments, which have no next period."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"Chỉ tiêu {code} đo theo thời điểm, không theo kỳ, nên không dự báo được. Hãy chọn chỉ tiêu theo kỳ.",
            f"The indicator {code} is of moments, not of periods, and cannot be forecast. Choose one of periods.",
            parameter="code",
        )
