"""What can be wrong with what a rule looks at."""

from __future__ import annotations

from scenarios.errors import ScenarioError


class UnusableTest(ScenarioError):
    """A rule names a layer, field or value that is not there or does not serve.

    Attributes:
        member: The member of the test that names it.
    """

    def __init__(self, member: str, vi: str, en: str) -> None:
        super().__init__(vi, en, parameter=member)
        self.member = member
