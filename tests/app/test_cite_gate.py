"""The gate that reads the official suites' results: a failure or an unexplained skip never passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prove._cite_suites import judge, read_gate

SKIPS = {"Time.instants": "the suite has no instants to ask for"}
RESULTS = """<testng-results><suite><test>
<class name="org.x.Core">
 <test-method name="landing" status="PASS"/>
 <test-method name="before" status="{config}" is-config="true"/>
</class>
<class name="org.x.{owner}"><test-method name="instants" status="{status}">
 <exception><message>why</message></exception></test-method></class>
</test></suite></testng-results>"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "testng-results.xml"


def write(place: Path, *, owner: str = "Time", status: str = "PASS", config: str = "PASS") -> Path:
    place.write_text(RESULTS.format(owner=owner, status=status, config=config))
    return place


def test_all_passed(results: Path) -> None:
    found = judge(write(results), min_passed=2, skips={})
    assert (found.counts, found.against) == ({"PASS": 2}, [])


def test_a_failure_stands_against_it_even_where_a_skip_is_explained(results: Path) -> None:
    found = judge(write(results, status="FAIL"), min_passed=1, skips=SKIPS)
    assert found.against == ["failed: Time.instants: why"]


def test_a_skip_passes_only_with_its_explanation(results: Path) -> None:
    assert judge(write(results, status="SKIP"), min_passed=1, skips=SKIPS).against == []
    assert judge(write(results, owner="Other", status="SKIP"), min_passed=1, skips=SKIPS).against


def test_a_broken_set_up_or_too_few_passes_stand_against_it(results: Path) -> None:
    assert judge(write(results, config="FAIL"), min_passed=2, skips={}).against
    assert judge(write(results), min_passed=3, skips={}).against


@pytest.mark.parametrize("name", ["features", "tiles"])
def test_every_skip_of_the_gate_says_why(name: str) -> None:
    least, skips = read_gate(name)
    assert least > 0
    assert all(len(reason) > 40 for reason in skips.values())
