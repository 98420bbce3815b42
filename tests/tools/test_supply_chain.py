"""Advisories on what the service is made of: what is set aside, what needs work, what nobody could look up."""

from __future__ import annotations

import json
import re
from datetime import date

from app.settings import CHECKOUT
from tools import supply_chain as tool

TODAY = date(2026, 12, 1)
PAGE = (CHECKOUT / "SECURITY.md").read_text(encoding="utf-8")


def pip_said(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


class TestPage:
    def test_every_row_of_the_table_is_read(self) -> None:
        table = PAGE.split("### Advisories set aside")[1].split("###")[0]
        rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
        assert len(tool.read_set_aside(PAGE)) == len(rows) > 0

    def test_rows_name_locked_packages(self) -> None:
        lock = (CHECKOUT / "requirements.lock").read_text(encoding="utf-8")
        web = (CHECKOUT / "web" / "viewer" / "package-lock.json").read_text(encoding="utf-8")
        for row in tool.read_set_aside(PAGE):
            assert re.search(rf"^{re.escape(row.package)}==", lock, re.MULTILINE) or f'"{row.package}"' in web


class TestJudging:
    def test_an_advisory_counts_unless_it_is_set_aside_for_that_package_and_day(self) -> None:
        found = tool.read_pip_audit(
            pip_said({"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1-1", "aliases": ["CVE-1-2"]}]})
        )
        row = tool.SetAside("CVE-1-2", "a", "why", date(2027, 1, 1))
        assert tool.judge(found, [row], TODAY) == []
        assert tool.judge(found, [], TODAY) == ["a: CVE-1-2, PYSEC-1-1"]
        assert tool.judge(found, [tool.SetAside("CVE-1-2", "b", "why", date(2027, 1, 1))], TODAY)
        (said,) = tool.judge(found, [tool.SetAside("CVE-1-2", "a", "why", date(2026, 11, 30))], TODAY)
        assert "look at it again" in said

    def test_what_could_not_be_looked_up_is_not_taken_for_well(self) -> None:
        found = tool.read_pip_audit(pip_said({"name": "a", "skip_reason": "not found"}, {"name": "b", "vulns": []}))
        assert (found.asked, found.unseen) == (2, ("a",))


class TestNpm:
    def test_advisories_are_read_through_the_packages_that_carry_them(self) -> None:
        via = {"name": "x", "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc"}
        said = json.dumps({"vulnerabilities": {"x": {"via": [via]}, "y": {"via": ["x"]}}})
        (advisory,) = tool.read_npm_audit(said, ["x", "y"]).advisories
        assert (advisory.package, advisory.ids) == ("x", {"GHSA-aaaa-bbbb-cccc"})

    def test_a_registry_that_does_not_answer_saw_nothing(self) -> None:
        assert tool.read_npm_audit('{"error": {"code": "ENOAUDIT"}}', ["x"]).unseen == ("x",)
