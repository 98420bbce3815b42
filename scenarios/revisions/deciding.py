"""Proposing a revision of a scenario, and what others decide on it; each act with its audit event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.audit import Event, record_event
from layers.notices import Audience, Message, add_notice
from layers.rights import Action, Area, NotAllowed
from scenarios.definition import Scenario
from scenarios.loader import read_scenario
from scenarios.revisions.comparing import differences
from scenarios.revisions.errors import BaseMoved, NothingChanged, OwnRevision, RevisionDecided
from scenarios.revisions.reading import document_in_force, get_scenario_revision, scenario_in_force
from scenarios.revisions.revision import RevisionState, ScenarioRevision
from scenarios.revisions.sources import check_against_sources

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('scenarios.revisions/' || :code, 0))")
_NEXT: Final = text("SELECT coalesce(max(version), 1) + 1 FROM scenarios.revisions WHERE code = :code")
_ADD: Final = text(
    "INSERT INTO scenarios.revisions (code, version, document, reason, author, proposed_at)"
    " VALUES (:code, :version, :document, :reason, :author, :at)"
)
_DECIDE: Final = text(
    "UPDATE scenarios.revisions SET state = :state, decided_by = :by, decided_at = :at, comment = :comment,"
    " in_force_at = CAST(:in_force_at AS timestamptz)"
    " WHERE code = :code AND version = :version AND state = 'proposed'"
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, when, and from where (address and port, for the audit trail)."""

    scope: Scope
    at: datetime
    source: str | None = None


def propose(connection: Connection, actor: Actor, document: str, reason: str, base: int) -> ScenarioRevision:
    """Keeps a proposal for others to decide on.

    Args:
        connection: Owner or writer, in a transaction.
        actor: Needs EDIT on ``@scenarios``.
        document: The whole scenario as YAML; a code that no scenario has yet is a new scenario.
        reason: Why, and by whose decision.
        base: The version that the proposal was made from; 0 for a new scenario.

    Raises:
        NotAllowed: The right is missing.
        InvalidDefinition: The document cannot be read, or changes the words of a source.
        BaseMoved: Another version is in force by now.
        NothingChanged: It says what is in force already.
    """
    _require(actor, Action.EDIT)
    scenario = read_scenario(document, "đề xuất · proposal", 0)
    connection.execute(_LOCK, {"code": scenario.code})
    held = document_in_force(connection, scenario.code, actor.at)
    if (held[0] if held else 0) != base:
        raise BaseMoved(scenario.code, base, held[0] if held else 0)
    check_against_sources(scenario, document)
    before = scenario_in_force(connection, scenario.code, actor.at) if held else None
    if not differences(before, scenario):
        raise NothingChanged(scenario.code)
    version = int(connection.execute(_NEXT, {"code": scenario.code}).scalar_one())
    author = actor.scope.subject
    values = {"code": scenario.code, "version": version, "document": document, "reason": reason}
    connection.execute(_ADD, {**values, "author": author, "at": actor.at})
    _record(connection, actor, "scenario_proposed", scenario.code, version)
    _tell(connection, Audience(Action.APPROVE, Area.SCENARIOS), "scenario_proposed", scenario, version)
    return get_scenario_revision(connection, scenario.code, version)


def approve(
    connection: Connection, actor: Actor, code: str, version: int, comment: str = "", from_at: datetime | None = None
) -> ScenarioRevision:
    """Puts a proposal into force, at once or from a moment on; the author cannot.

    Raises:
        NotAllowed, OwnRevision, ScenarioRevisionNotFound, RevisionDecided: It may not, or not any more.
        InvalidDefinition: It cannot be read any more.
    """
    _require(actor, Action.APPROVE)
    revision = _locked(connection, code, version)
    if revision.author == actor.scope.subject:
        raise OwnRevision
    scenario = read_scenario(revision.document, f"{code.lower()}.{version}.yaml", version)
    in_force_at = max(from_at or actor.at, actor.at)
    return _decide(connection, actor, scenario, revision, RevisionState.APPROVED, comment, in_force_at)


def refuse(connection: Connection, actor: Actor, code: str, version: int, comment: str) -> ScenarioRevision:
    """Refuses a proposal, with the reason.

    Raises:
        NotAllowed, ScenarioRevisionNotFound, RevisionDecided: As :func:`approve`.
    """
    _require(actor, Action.APPROVE)
    return _end(connection, actor, _locked(connection, code, version), RevisionState.REFUSED, comment)


def withdraw(connection: Connection, actor: Actor, code: str, version: int) -> ScenarioRevision:
    """Takes one's own proposal back.

    Raises:
        NotAllowed: It is somebody else's.
        ScenarioRevisionNotFound, RevisionDecided: As :func:`approve`.
    """
    _require(actor, Action.EDIT)
    revision = _locked(connection, code, version)
    if revision.author != actor.scope.subject:
        raise NotAllowed(Action.EDIT, Area.SCENARIOS)
    return _end(connection, actor, revision, RevisionState.WITHDRAWN, "")


def _end(
    connection: Connection, actor: Actor, revision: ScenarioRevision, state: RevisionState, comment: str
) -> ScenarioRevision:
    scenario = read_scenario(revision.document, f"{revision.code.lower()}.{revision.version}.yaml", revision.version)
    return _decide(connection, actor, scenario, revision, state, comment, None)


def _decide(
    connection: Connection,
    actor: Actor,
    scenario: Scenario,
    revision: ScenarioRevision,
    state: RevisionState,
    comment: str,
    in_force_at: datetime | None,
) -> ScenarioRevision:
    values = {"code": revision.code, "version": revision.version, "state": state.value, "comment": comment}
    connection.execute(_DECIDE, {**values, "by": actor.scope.subject, "at": actor.at, "in_force_at": in_force_at})
    _record(connection, actor, f"scenario_{state.value}", revision.code, revision.version)
    if state is not RevisionState.WITHDRAWN:
        _tell(connection, revision.author, f"scenario_{state.value}", scenario, revision.version)
    return get_scenario_revision(connection, revision.code, revision.version)


def _locked(connection: Connection, code: str, version: int) -> ScenarioRevision:
    connection.execute(_LOCK, {"code": code})
    revision = get_scenario_revision(connection, code, version)
    if revision.state is not RevisionState.PROPOSED:
        raise RevisionDecided(code, version, revision.state.value)
    return revision


def _require(actor: Actor, action: Action) -> None:
    # A scenario holds for the whole province: whoever may act on scenarios anywhere may act on its words.
    if not actor.scope.may_somewhere(action, Area.SCENARIOS):
        raise NotAllowed(action, Area.SCENARIOS)


def _record(connection: Connection, actor: Actor, act: str, code: str, version: int) -> None:
    detail = {"version": version}
    record_event(connection, Event(actor.scope.subject, act, "scenario", code, source=actor.source, detail=detail))


_WORDS: Final = {
    "scenario_proposed": ("Có đề xuất sửa kịch bản", "A revision is proposed of scenario"),
    "scenario_approved": ("Đã duyệt đề xuất sửa kịch bản", "Approved: the revision of scenario"),
    "scenario_refused": ("Không duyệt đề xuất sửa kịch bản", "Refused: the revision of scenario"),
}


def _tell(connection: Connection, to: str | Audience, kind: str, scenario: Scenario, version: int) -> None:
    vi, en = _WORDS[kind]
    message = Message(
        kind,
        f"{vi} {scenario.code} “{scenario.title.vi}” (phiên bản {version}).",
        f'{en} {scenario.code} "{scenario.title.en}" (version {version}).',
        f"/admin/scenarios/{scenario.code}",
    )
    add_notice(connection, to, message)
