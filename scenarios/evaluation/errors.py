"""What can be wrong with asking for an evaluation."""

from __future__ import annotations

from collections.abc import Iterable

from layers.errors import suggestion
from scenarios.errors import ScenarioError


class RuleNotFound(ScenarioError):
    """The scenario has no rule of this number."""

    def __init__(self, scenario: str, rule: str, *, known: Iterable[str]) -> None:
        vi, en = suggestion(rule, known)
        super().__init__(
            f"Kịch bản {scenario} không có quy tắc “{rule[:20]}”.{vi} Xem /api/scenarios/{scenario}.",
            f'Scenario {scenario} has no rule "{rule[:20]}".{en} See /api/scenarios/{scenario}.',
            parameter="rule",
        )


class RuleNotEvaluable(ScenarioError):
    """The definition does not say what the rule looks at in observations."""

    def __init__(self, scenario: str, rule: str, shape: str) -> None:
        super().__init__(
            f"Quy tắc {rule} của {scenario} (dạng {shape}) chưa nêu chỉ tiêu để tính, nên không có số liệu để chạy thử."
            " Hãy chọn quy tắc có “test”.",
            f"Rule {rule} of {scenario} (shape {shape}) names no indicator to look at, so there is no history to run it"
            ' over. Choose a rule that has a "test".',
            parameter="rule",
        )


class NoHistoryOfFeatures(ScenarioError):
    """The rule looks at features of layers, over which no back-test is offered."""

    def __init__(self, scenario: str, rule: str, shape: str) -> None:
        super().__init__(
            f"Quy tắc {rule} của {scenario} (dạng {shape}) xét đối tượng của lớp dữ liệu; chạy thử chỉ có cho quy tắc"
            " theo chỉ tiêu. Hãy chọn quy tắc theo chỉ tiêu, hoặc xem các cảnh báo đã có của quy tắc này.",
            f"Rule {rule} of {scenario} (shape {shape}) looks at features of layers; back-tests are offered for rules"
            " over indicators only. Choose one of those, or look at the alerts that this rule has raised.",
            parameter="rule",
        )


class ThresholdNeeded(ScenarioError):
    """The source gives no figure, and neither does the request."""

    def __init__(self, scenario: str, rule: str) -> None:
        super().__init__(
            f"Ngưỡng của quy tắc {rule} ({scenario}) còn trống. Hãy cho ngưỡng muốn thử, ví dụ threshold=10.",
            f"The threshold of rule {rule} ({scenario}) is empty. Give the one to try, such as threshold=10.",
            parameter="threshold",
        )


class TooManyMoments(ScenarioError):
    """More moments than one back-test evaluates."""

    def __init__(self, found: int, most: int) -> None:
        super().__init__(
            f"Khoảng thời gian có {found} thời điểm số liệu, tối đa {most}. Hãy rút ngắn khoảng thời gian.",
            f"The time asked for holds {found} moments of values, at most {most} are run. Shorten it.",
            parameter="since",
        )
