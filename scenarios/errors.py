"""Errors of operating scenarios: one root, each message in Vietnamese and English with its remedy."""

from __future__ import annotations

from collections.abc import Iterable

from layers.errors import suggestion


class ScenarioError(Exception):
    """Root of the errors of this package.

    Attributes:
        vi: What is wrong, where and what to do, in Vietnamese.
        en: The same in English; also ``str(error)``.
        parameter: The place in the request that is wrong, if there is one.
    """

    def __init__(self, vi: str, en: str, *, parameter: str | None = None) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en
        self.parameter = parameter


class ScenarioNotFound(ScenarioError):
    """No scenario has this code."""

    def __init__(self, code: str, *, known: Iterable[str] = ()) -> None:
        vi, en = suggestion(code.upper(), known)
        super().__init__(
            f"Không có kịch bản “{code[:20]}”.{vi} Xem /api/scenarios hoặc lệnh diaban scenarios list.",
            f'There is no scenario "{code[:20]}".{en} See /api/scenarios or diaban scenarios list.',
            parameter="code",
        )
