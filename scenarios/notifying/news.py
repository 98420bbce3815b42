"""What has happened and may be told of outside: the rows of the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from layers.access import Scope
from layers.rights import Action
from scenarios.outcomes import Level

COLUMNS: Final = (
    "o.id, o.source, o.source_id, o.kind, o.recipient, o.action, o.target, o.unit_code, o.scenario, o.level, o.vi,"
    " o.en, o.link, o.detail, o.at"
)


@dataclass(frozen=True, slots=True)
class News:
    """One thing that has happened.

    Attributes:
        source: ``notice``, ``alert`` or ``task``.
        source_id: Number of the notice, the alert or the task.
        recipient: The one subject who is told; None where everybody is who may do the action to the target.
        vi: Words of a notice; empty for an alert.
        detail: Figures of an alert, or words of a task, as they were at that moment.
        at: When it happened.
    """

    id: int
    source: str
    source_id: int
    kind: str
    recipient: str | None
    action: Action | None
    target: str | None
    unit_code: str | None
    scenario: str | None
    level: Level | None
    vi: str
    en: str
    link: str
    detail: Mapping[str, Any]
    at: datetime

    def is_for(self, scope: Scope) -> bool:
        """Whether somebody with this scope is told."""
        if self.action is None or self.target is None:
            return self.recipient == scope.subject
        return scope.may(self.action, self.target, self.unit_code)


def news_from(row: Any) -> News:
    """The news of a mapping of :data:`COLUMNS`."""
    values = {name: row[name] for name in News.__slots__}
    values["action"] = Action(row["action"]) if row["action"] else None
    values["level"] = Level(row["level"]) if row["level"] else None
    return News(**values)
