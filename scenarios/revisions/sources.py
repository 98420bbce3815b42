"""The words of the sources stay: a province may decide on figures beside them, never rewrite what a plan says."""

from __future__ import annotations

from layers.yaml_nodes import Place, parse_document
from scenarios.definition import Rule, Scenario, ThresholdStatus
from scenarios.loader import load_builtin


def check_against_sources(scenario: Scenario, document: str) -> None:
    """Holds a proposal against the scenario that comes with the program; a new scenario has nothing to keep.

    Raises:
        InvalidDefinition: A quotation, or a figure that passes for the source's, differs from the source.
    """
    held = load_builtin().get(scenario.code)
    if held is None:
        return
    quoted = {rule.register: rule for rule in held.rules}
    place = parse_document(document.encode(), "đề xuất · proposal")
    for number, rule in enumerate(scenario.rules):
        if rule.register in quoted:
            _check(place, number, rule, quoted[rule.register])


def _check(place: Place, number: int, rule: Rule, source: Rule) -> None:
    threshold, stated = rule.threshold, source.threshold
    if threshold.stated != stated.stated:
        place.refuse_at(
            f"rules[{number}].threshold.stated",
            f"lời của văn bản nguồn không sửa được; giữ nguyên: “{stated.stated}”.",
            f'the words of the source stay as they are: "{stated.stated}".',
        )
    figures = (threshold.operator, threshold.number, threshold.status)
    if threshold.status is not ThresholdStatus.DECIDED and figures != (stated.operator, stated.number, stated.status):
        place.refuse_at(
            f"rules[{number}].threshold.status",
            "ngưỡng khác với văn bản nguồn phải ghi status: decided (tỉnh quyết định).",
            "a threshold other than the source's needs status: decided (set by the province).",
        )
