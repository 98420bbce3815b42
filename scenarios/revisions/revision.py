"""A revision of a scenario as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RevisionState(StrEnum):
    """What has come of a proposal."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ScenarioRevision:
    """One revision, proposed by somebody.

    Attributes:
        document: The whole scenario as YAML.
        reason: Why, and by whose decision (“QĐ số …”).
        decided_by: Who approved, refused or withdrew it.
        comment: What that person said.
        in_force_at: From when it holds, once approved.
    """

    code: str
    version: int
    document: str
    state: RevisionState
    reason: str
    author: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    comment: str
    in_force_at: datetime | None
