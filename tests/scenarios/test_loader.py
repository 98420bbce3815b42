"""The built-in scenarios, and what a file with a fault is told."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from layers.definition_reader import load_builtin as load_layers
from layers.errors import InvalidDefinition
from scenarios.definition import DeadlineKind, Scenario, ThresholdStatus
from scenarios.errors import ScenarioNotFound
from scenarios.loader import get_scenario, load_builtin, load_scenario
from scenarios.table import scenarios_table

ROOT = Path(__file__).parents[2]
BUILTIN = ROOT / "scenarios" / "builtin"
# The only business figures that the sources give, by scenario and number in the register.
FIGURES = {
    ("S04", "T05"): 20,
    ("S07", "T07"): -10,
    ("S11", "T16"): 5,
    ("S11", "T17"): 90,
    ("S11", "T18"): 24,
    ("S12", "T26"): 5,
    ("S12", "T27"): 10,
    ("S12", "T28"): 24,
    ("S19", "T09"): 50,
    ("S20", "T11"): 90,
    ("S22", "T24"): 10,
    ("S23", "T01"): 5,
    ("S26", "T23"): 110,
}


def thresholds():
    for scenario in load_builtin().values():
        for rule in scenario.rules:
            yield scenario, rule, rule.threshold


class TestTheBuiltInScenarios:
    def test_are_all_44_in_order(self):
        assert list(load_builtin()) == [f"S{number:02d}" for number in range(1, 45)]

    def test_name_layers_that_exist_and_ways_to_ask(self):
        for scenario in load_builtin().values():
            assert scenario.layers
            assert set(scenario.layers) <= set(load_layers())
            assert scenario.questions
            assert scenario.figures
            assert scenario.clauses

    def test_hold_the_figures_of_the_sources_and_no_others(self):
        found = {(s.code, r.register): t.number for s, r, t in thresholds() if t.number is not None}
        assert found == FIGURES

    def test_quote_each_figure_in_the_words_of_the_source(self):
        for _, _, threshold in thresholds():
            if threshold.number is not None:
                assert str(abs(int(threshold.number))) in threshold.stated

    def test_mark_what_bac_ninh_says_as_provisional_and_leave_the_rest_empty_or_stated(self):
        for _, _, threshold in thresholds():
            if threshold.document == "BN":
                assert threshold.status is not ThresholdStatus.STATED
            else:
                assert threshold.status is not ThresholdStatus.PROVISIONAL

    def test_cite_only_documents_of_their_own_clauses_for_leads(self):
        for scenario in load_builtin().values():
            documents = {clause.partition("-")[0] for clause in scenario.clauses}
            assert {lead.document for lead in scenario.leads} <= documents

    def test_keep_what_the_sources_leave_open_as_questions(self):
        asked = {(s.code, r.register) for s, r, _ in thresholds() if r.open_question}
        assert asked >= {("S12", "T27"), ("S04", "T05"), ("S37", "T33"), ("S19", "T08")}

    def test_hold_the_deadlines_of_tan_ninh(self):
        finish = next(step for step in get_scenario("S11").steps if step.key == "finish")
        handle = next(step for step in get_scenario("S12").steps if step.key == "handle")
        announce = next(step for step in get_scenario("s37").steps if step.key == "announce")
        assert (finish.deadline, f"{finish.before:%H:%M}") == (DeadlineKind.SAME_DAY_BEFORE, "16:00")
        assert (handle.deadline, handle.hours) == (DeadlineKind.WITHIN, 24)
        assert announce.deadline is DeadlineKind.AT_ONCE

    def test_are_told_in_the_page_as_it_stands(self):
        page = scenarios_table(load_builtin().values())
        assert (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8") == page

    def test_keep_every_row_of_the_page_whole(self):
        rows = scenarios_table(load_builtin().values()).splitlines()[-44:]
        assert {row.count("|") for row in rows} == {10}


def read_changed(folder: Path, before: str, after: str, source: str = "s11") -> Scenario:
    text = (BUILTIN / f"{source}.yaml").read_text(encoding="utf-8")
    assert before in text
    path = folder / f"{source}.yaml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return load_scenario(path)


@pytest.mark.parametrize(
    ("before", "after", "path", "remedy"),
    [
        ("layers: [documents]", "layers: [document]", "layers[0]", 'Did you mean "documents"?'),
        ("group: command", "group: comand", "group", 'Did you mean "command"?'),
        ("shape: constant", "shpae: constant", "rules[0].shpae", 'Did you mean "shape"?'),
        ("status: provisional", "status: provisonal", "rules[0].threshold.status", 'Did you mean "provisional"?'),
        ("status: provisional", "status: empty", "rules[0].threshold.number", "remove it"),
        ('operator: ">"', 'operator: "≥"', "rules[0].threshold.operator", "Choose one of: <, <=, >, >="),
        ("number: 5", "number: .nan", "rules[0].threshold.number", "finite number"),
        ('before: "16:00"', 'before: "24:00"', "steps[2].before", "write it like 16:00"),
        ('    before: "16:00"\n', "", "steps[2]", '"before" belongs to the deadline'),
        ("register: T17", "register: T16", "rules[1].register", "choose another"),
        ("clauses: [BN-9", "clauses: [BX-9", "clauses[0]", "write it like BN-9"),
        ("code: S11", "code: S12", "code", "rename the file or the code"),
        ("fit: list-first\n", "", "", '"fit" is missing; add this key'),
    ],
)
def test_a_fault_is_told_with_file_path_and_remedy(tmp_path, before, after, path, remedy):
    with pytest.raises(InvalidDefinition) as told:
        read_changed(tmp_path, before, after)
    assert told.value.path == path
    assert told.value.file.endswith("s11.yaml")
    assert told.value.line >= 1
    assert remedy in told.value.en
    assert told.value.vi != told.value.en


def test_a_new_scenario_takes_an_open_slot(tmp_path):
    text = (BUILTIN / "s13.yaml").read_text(encoding="utf-8").replace("code: S13", "code: S45")
    path = tmp_path / "s45.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_scenario(path).code == "S45"


def test_an_unknown_code_is_told_with_a_near_one():
    with pytest.raises(ScenarioNotFound, match='Did you mean "S') as told:
        get_scenario("s4")
    assert told.value.parameter == "code"


def test_a_scenario_becomes_a_plain_document():
    assert asdict(get_scenario("S23"))["rules"][0]["threshold"]["stated"] == "Tỷ lệ dữ liệu chưa làm sạch > 5%"
