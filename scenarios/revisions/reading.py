"""Scenarios as they are in force at a moment, and the revisions that led there."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, RowMapping, text

from layers.errors import LayerError
from scenarios.definition import Scenario
from scenarios.errors import ScenarioNotFound
from scenarios.loader import builtin_document, load_builtin, read_scenario
from scenarios.revisions.errors import ScenarioRevisionNotFound
from scenarios.revisions.revision import RevisionState, ScenarioRevision

_IN_FORCE: Final = text(
    "SELECT DISTINCT ON (code) code, version, document FROM scenarios.revisions"
    " WHERE state = 'approved' AND in_force_at <= :at AND (CAST(:code AS text) IS NULL OR code = :code)"
    " ORDER BY code, in_force_at DESC, version DESC"
)
_ALL: Final = text(
    "SELECT code, version, document, state, reason, author, proposed_at, decided_by, decided_at, comment, in_force_at"
    " FROM scenarios.revisions WHERE code = :code AND (CAST(:version AS integer) IS NULL OR version = :version)"
    " ORDER BY version DESC LIMIT 1000"
)


@dataclass(frozen=True, slots=True)
class InForce:
    """All scenarios at a moment.

    Attributes:
        scenarios: By code, in order.
        unreadable: Revisions in force that this version of the program cannot read, by code; theirs are not among
            the scenarios, because to fall back on other words in silence would be worse than to say so.
    """

    scenarios: Mapping[str, Scenario]
    unreadable: Mapping[str, LayerError]


def scenarios_in_force(connection: Connection, at: datetime) -> InForce:
    """The scenarios as they are in force at a moment: the newest approved revision, else what the program brings.

    Args:
        connection: Owner or writer.
        at: Aware.
    """
    found, unreadable = load_builtin(), dict[str, LayerError]()
    for row in connection.execute(_IN_FORCE, {"at": at, "code": None}):
        try:
            found[row.code] = _read(row.code, row.version, row.document)
        except LayerError as error:
            found.pop(row.code, None)
            unreadable[row.code] = error
    return InForce(dict(sorted(found.items())), unreadable)


def scenario_in_force(connection: Connection, code: str, at: datetime) -> Scenario:
    """One scenario as it is in force at a moment; its code in capitals or not.

    Raises:
        ScenarioNotFound: There is none; the message suggests a near one.
        InvalidDefinition: The revision in force cannot be read by this version of the program.
    """
    row = connection.execute(_IN_FORCE, {"at": at, "code": code.upper()}).one_or_none()
    if row is not None:
        return _read(row.code, row.version, row.document)
    held = load_builtin()
    if code.upper() not in held:
        raise ScenarioNotFound(code, known=scenarios_in_force(connection, at).scenarios)
    return held[code.upper()]


def document_in_force(connection: Connection, code: str, at: datetime) -> tuple[int, str] | None:
    """Version and text of a scenario at a moment; None where there is none."""
    row = connection.execute(_IN_FORCE, {"at": at, "code": code}).one_or_none()
    if row is not None:
        return int(row.version), str(row.document)
    document = builtin_document(code)
    return None if document is None else (1, document)


def list_scenario_revisions(connection: Connection, code: str) -> list[ScenarioRevision]:
    """Revisions of a scenario, newest first; what comes with the program is none of them."""
    return [_revision(row) for row in connection.execute(_ALL, {"code": code, "version": None}).mappings()]


def get_scenario_revision(connection: Connection, code: str, version: int) -> ScenarioRevision:
    """One revision.

    Raises:
        ScenarioRevisionNotFound: There is none.
    """
    row = connection.execute(_ALL, {"code": code, "version": version}).mappings().one_or_none()
    if row is None:
        raise ScenarioRevisionNotFound(code, version)
    return _revision(row)


def read_revision(revision: ScenarioRevision) -> Scenario:
    """The scenario that a revision describes.

    Raises:
        InvalidDefinition: This version of the program cannot read it.
    """
    return _read(revision.code, revision.version, revision.document)


@functools.lru_cache(maxsize=500)
def _read(code: str, version: int, document: str) -> Scenario:
    return read_scenario(document, f"{code.lower()}.{version}.yaml", version)


def _revision(row: RowMapping) -> ScenarioRevision:
    return ScenarioRevision(**{**row, "state": RevisionState(row["state"])})
