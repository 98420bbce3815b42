"""Figures of restricted layers do not tell of groups so small that people would be recognised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.access import Grant, Scope
from layers.definition import Sensitivity
from layers.rights import Action, Attributes, Right
from layers.small_counts import kept_back
from tests.layers.asking import Asker, Truth

pytestmark = pytest.mark.db
SLUG = "schools-restricted"
SENSITIVITIES = {SLUG: Sensitivity.RESTRICTED}


def _reader(attributes: Attributes) -> Scope:
    right = Right(frozenset({Action.READ}), frozenset({SLUG}), attributes=attributes)
    return Scope("reader", (Grant(right, None),), SENSITIVITIES)


PLAIN, FULL = _reader(Attributes.MASKED), _reader(Attributes.PERSONAL)
BY_COMMUNE = {"level": "commune", "values": [{"op": "count"}, {"op": "sum", "field": "pupils"}]}


class TestFiguresOfARestrictedLayer:
    def test_are_whole_for_who_may_open_personal_fields(self, asker: Asker, truth: Truth) -> None:
        found = asker.ask(SLUG, scope=FULL, figures=BY_COMMUNE)
        assert sum(row["count"] for row in found["figures"]) == len(truth.rows(SLUG)) == 100

    def test_leave_small_groups_empty_for_others(self, asker: Asker) -> None:
        whole = {row["unit_code"]: row for row in asker.ask(SLUG, scope=FULL, figures=BY_COMMUNE)["figures"]}
        told = {row["unit_code"]: row for row in asker.ask(SLUG, scope=PLAIN, figures=BY_COMMUNE)["figures"]}
        small = {code for code, row in whole.items() if 0 < row["count"] < 5}
        empty = {code for code, row in told.items() if row["count"] is None}
        assert small
        assert small <= empty
        assert len(empty) != 1
        assert all(told[code]["sum_pupils"] is None for code in empty)
        assert all(told[code] == whole[code] for code in told.keys() - empty)
        assert any(row["count"] == 0 for row in told.values())

    def test_say_so(self, asker: Asker) -> None:
        notes = [asker.ask(SLUG, scope=scope, figures=BY_COMMUNE)["notes"] for scope in (PLAIN, FULL)]
        assert ["nhận ra" in str(found) for found in notes] == [True, False]

    def test_leave_one_person_out_of_sight(self, asker: Asker) -> None:
        near = {"nearest": {"to": [106, 10], "k": 1}}
        (row,) = asker.ask(SLUG, near, scope=PLAIN, figures={"values": [{"op": "max", "field": "pupils"}]})["figures"]
        assert row["max_pupils"] is None


class TestGroupsKeptBack:
    @given(st.lists(st.integers(0, 12), max_size=12), st.integers(0, 8))
    def test_are_all_the_small_ones_and_never_one_alone(self, numbers: list[int], least: int) -> None:
        counts = {(place,): number for place, number in enumerate(numbers)}
        kept = kept_back(counts, least)
        small = {group for group, number in counts.items() if 0 < number < least}
        assert small <= kept
        assert all(counts[group] > 0 for group in kept)
        if sum(number > 0 for number in numbers) > 1:
            assert len(kept) != 1
        assert len(kept) <= max(len(small), 2 if small else 0)
