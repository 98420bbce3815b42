"""Changes of a few rules, made in the document of a scenario: what a form sends, without anybody writing YAML."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import yaml

from layers.errors import LayerError


class RuleNotThere(LayerError):
    """The scenario has no rule of this number."""

    def __init__(self, register: str) -> None:
        super().__init__(
            f"Kịch bản không có quy tắc “{register[:20]}”.",
            f'The scenario has no rule "{register[:20]}".',
            parameter="rules",
        )


def amended(document: str, rules: Mapping[str, Mapping[str, Mapping[str, object]]]) -> str:
    """The document with other thresholds and manners of speaking in some rules.

    Args:
        document: A scenario as YAML that can be read.
        rules: By number of the rule: ``threshold`` and ``speech``, each with the members to set; None takes one away.

    Raises:
        RuleNotThere: A rule is not in the document.
    """
    whole = yaml.safe_load(document)
    by_register = {rule["register"]: rule for rule in whole.get("rules", [])}
    for register, changes in rules.items():
        if register not in by_register:
            raise RuleNotThere(register)
        for part in ("threshold", "speech"):
            _set(by_register[register], part, changes.get(part, {}))
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=110)


def _set(rule: dict[str, Any], part: str, members: Mapping[str, object]) -> None:
    if not members:
        return
    held = copy.deepcopy(rule.get(part) or {})
    held.update(members)
    kept = {name: value for name, value in held.items() if value is not None}
    if kept:
        rule[part] = kept
    else:
        rule.pop(part, None)
