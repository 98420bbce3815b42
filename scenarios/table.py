"""The table of all scenarios in Markdown, written from the definitions."""

from __future__ import annotations

from collections.abc import Iterable

from scenarios.definition import Rule, Scenario, Step, ThresholdStatus

_HEAD = """# Operating scenarios

Written by `diaban scenarios docs` from `scenarios/builtin/*.yaml`; a test compares the two, so change the definitions
and run the command again. The service gives the same at `/api/scenarios` and `/api/scenarios/{code}`.

Clauses name the source documents: TN Tân Ninh, TQ Tuyên Quang, ĐN Đồng Nai, BN Bắc Ninh, TH Thanh Hóa. Thresholds are
quoted verbatim. *dự kiến*: the source calls it provisional. **trống**: the source gives no figure, and the lead agency
has to set one. A dash: the sources state nothing. Layers, questions, figures, and the shape and scope of rules are our
reading of the stated purpose.

| Mã | Kịch bản · scenario | Căn cứ | Chủ trì | Lớp | Câu hỏi | Số liệu | Ngưỡng, quy tắc | Các bước |
|---|---|---|---|---|---|---|---|---|
"""


def scenarios_table(scenarios: Iterable[Scenario]) -> str:
    """Returns the page ``docs/scenarios.md``."""
    return _HEAD + "".join(f"| {' | '.join(_cells(scenario))} |\n" for scenario in scenarios)


def rule_text(rule: Rule) -> str:
    """One rule in one line: number, words of the source, state, shape and scope, what is open."""
    marks = {
        ThresholdStatus.STATED: "",
        ThresholdStatus.PROVISIONAL: " *dự kiến*",
        ThresholdStatus.EMPTY: " **trống**",
        ThresholdStatus.DECIDED: " *tỉnh quyết định*",
    }
    threshold = rule.threshold
    asked = f" ({rule.open_question.vi})" if rule.open_question else ""
    return f"{rule.register} “{threshold.stated}”{marks[threshold.status]} [{rule.shape}, {rule.scope}]{asked}"


def step_text(step: Step) -> str:
    """One step in one line: what, who, by when, by which channel, by which clause."""
    when = {"within": f"≤ {step.hours} h", "same_day_before": f"trước {step.before:%H:%M}" if step.before else ""}
    others = {"at_once": "ngay", "promptly": "kịp thời", "daily": "hằng ngày", "none": ""}
    beside = "song song với bước trước" if step.beside else ""
    parts = (step.actor, {**others, **when}[step.deadline], step.channel, beside, step.source)
    return f"{step.title.vi} ({'; '.join(part for part in parts if part)})"


def _cells(scenario: Scenario) -> tuple[str, ...]:
    return (
        scenario.code,
        f"{scenario.title.vi} · {scenario.title.en}",
        ", ".join(scenario.clauses),
        _lines(f"{lead.document}: {lead.agency}" for lead in scenario.leads),
        ", ".join(scenario.layers),
        ", ".join(scenario.questions),
        _lines(figure.vi for figure in scenario.figures),
        _lines(rule_text(rule) for rule in scenario.rules),
        _lines(f"{number}. {step_text(step)}" for number, step in enumerate(scenario.steps, start=1)),
    )


def _lines(texts: Iterable[str]) -> str:
    return "<br>".join(texts) or "–"
