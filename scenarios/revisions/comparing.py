"""What a revision changes of a scenario, place by place, for whoever decides on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from scenarios.definition import Scenario

_NAMES: Final = {"rules": "register", "steps": "key", "leads": "document"}
"""By which member the entries of a list are told apart; those of other lists by their place."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place of the document that differs; None where there was or will be nothing."""

    path: str
    before: object
    after: object


def differences(before: Scenario | None, after: Scenario) -> list[Difference]:
    """The places at which two scenarios differ, in the order of the document.

    Args:
        before: What is in force; None for a scenario that is new.
        after: What is proposed.
    """
    old = _flat(asdict(before)) if before is not None else {}
    new = _flat(asdict(after))
    paths = [*new, *(path for path in old if path not in new)]
    return [
        Difference(path, old.get(path), new.get(path))
        for path in paths
        if old.get(path) != new.get(path) and path != "version"
    ]


def _flat(document: Mapping[str, Any]) -> dict[str, object]:
    return dict(_walk("", document))


def _walk(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _walk(f"{path}.{name}" if path else str(name), member)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        name = _NAMES.get(path)
        for number, member in enumerate(value):
            key = member.get(name, number) if name and isinstance(member, Mapping) else number
            yield from _walk(f"{path}[{key}]", member)
    elif value is not None:
        yield path, value
