"""Revisions of scenarios over HTTP: proposed by one person, decided on by another, read by both."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from app.client_address import source_of
from app.moment import Moment
from app.problems import BadParameter
from app.resources import Principal, ResourcesOf, SignedIn
from app.transact import transact
from layers.rights import Action, Area, NotAllowed
from layers.yaml_nodes import MAX_BYTES
from scenarios.definition import Scenario
from scenarios.errors import ScenarioNotFound
from scenarios.loader import load_builtin, read_scenario
from scenarios.outcomes import Level
from scenarios.revisions.amending import amended
from scenarios.revisions.comparing import Difference, differences
from scenarios.revisions.deciding import Actor, approve, propose, refuse, withdraw
from scenarios.revisions.errors import BaseMoved
from scenarios.revisions.reading import (
    document_in_force,
    get_scenario_revision,
    list_scenario_revisions,
    read_revision,
    scenario_in_force,
)
from scenarios.revisions.revision import RevisionState, ScenarioRevision

router = APIRouter(prefix="/api/scenarios", tags=["scenarios"])
_HEADERS = {"Cache-Control": "no-store"}
Code = Annotated[str, Path(pattern=r"^[Ss]\d{2,3}$")]
Version = Annotated[int, Path(ge=2, le=1_000_000)]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ThresholdBody(_Strict):
    """A threshold that the province decides on; the words of the source stay."""

    operator: Annotated[str, Field(pattern=r"^(<|<=|>|>=)$")]
    number: Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
    unit: Annotated[str, Field(max_length=40)] | None = None


class QuietBody(_Strict):
    """Hours in which nothing new is told, Vietnamese time."""

    start: time
    end: time


class SpeechBody(_Strict):
    """How grave a rule is and how slow to speak; null takes a member away."""

    level: Level | None = None
    clear: Annotated[float, Field(allow_inf_nan=False)] | None = None
    min_duration_h: Annotated[float, Field(ge=0, le=8784)] | None = None
    rate_limit_h: Annotated[float, Field(ge=0, le=8784)] | None = None
    quiet: QuietBody | None = None


class RuleBody(_Strict):
    """Changes of one rule; what is not named stays."""

    threshold: ThresholdBody | None = None
    speech: SpeechBody | None = None

    def changes(self) -> dict[str, dict[str, object]]:
        """The same as members of the document."""
        found: dict[str, dict[str, object]] = {}
        if self.threshold is not None:
            found["threshold"] = {**self.threshold.model_dump(exclude_unset=True), "status": "decided"}
        if self.speech is not None:
            members = self.speech.model_dump(exclude_unset=True, mode="json")
            if self.speech.quiet is not None:
                members["quiet"] = {name: f"{at:%H:%M}" for name, at in self.speech.quiet}
            found["speech"] = members
        return found


class ProposalBody(_Strict):
    """A proposal: the whole document, or changes of some rules."""

    reason: Annotated[Text, Field(min_length=3, description="Lý do, quyết định số … · why, by whose decision")]
    base: Annotated[int, Field(ge=0, description="Phiên bản đã xem; 0: kịch bản mới · the version seen; 0 if new")]
    document: Annotated[str, Field(max_length=MAX_BYTES, pattern=r"^[^\x00]*$")] | None = None
    rules: Annotated[dict[str, RuleBody], Field(max_length=100)] | None = None


class ApprovalBody(_Strict):
    """Puts a proposal into force."""

    comment: Text = ""
    from_at: Annotated[Moment | None, Field(description="Áp dụng từ · in force from; now")] = None


class RefusalBody(_Strict):
    """Refuses a proposal."""

    comment: Annotated[Text, Field(min_length=3, description="Lý do · why")]


@router.get("/{code}/revisions", summary="Các phiên bản của kịch bản · Revisions of a scenario")
async def get_revisions(code: Code, resources: ResourcesOf, principal: SignedIn) -> Response:
    """Who proposed what and why, newest first, with what each changes and what came of it."""

    def work(connection: Connection) -> dict[str, object]:
        found = list_scenario_revisions(connection, code.upper())
        if not found and code.upper() not in load_builtin():
            raise ScenarioNotFound(code, known=load_builtin())
        held = document_in_force(connection, code.upper(), datetime.now(UTC))
        documents = [_document(connection, revision, principal) for revision in found]
        return {"in_force": held[0] if held else None, "revisions": documents}

    _require_reading(principal)
    return _json(await transact(resources.editing, work))


@router.get("/{code}/document", summary="Kịch bản dạng YAML · A scenario's document")
async def get_document(
    code: Code,
    resources: ResourcesOf,
    principal: SignedIn,
    version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    """The text of a scenario as it is in force, or of a revision, to change and propose."""

    def work(connection: Connection) -> str:
        if version is not None and version > 1:
            return get_scenario_revision(connection, code.upper(), version).document
        held = document_in_force(connection, code.upper(), datetime.now(UTC))
        if held is None:
            raise ScenarioNotFound(code, known=load_builtin())
        return held[1]

    _require_reading(principal)
    return Response(await transact(resources.editing, work), media_type="application/yaml", headers=_HEADERS)


@router.post("/{code}/revisions", status_code=201, summary="Đề xuất sửa kịch bản · Propose a revision")
async def post_revision(
    request: Request, code: Code, body: ProposalBody, resources: ResourcesOf, principal: SignedIn
) -> Response:
    """Proposes other thresholds, or a whole document; nothing holds until somebody else has approved it."""

    def work(connection: Connection) -> dict[str, object]:
        actor = _actor(request, principal)
        if not principal.scope.may_somewhere(Action.EDIT, Area.SCENARIOS):
            raise NotAllowed(Action.EDIT, Area.SCENARIOS)
        document = _proposed(connection, code.upper(), body)
        return _document(connection, propose(connection, actor, document, body.reason, body.base), principal)

    return _json(await transact(resources.editing, work), 201)


@router.post("/{code}/revisions/{version}/approve", summary="Duyệt đề xuất · Approve a revision")
async def post_approval(
    request: Request, code: Code, version: Version, body: ApprovalBody, resources: ResourcesOf, principal: SignedIn
) -> Response:
    """Puts a proposal into force, now or from a moment on; whoever proposed it cannot."""

    def work(connection: Connection) -> dict[str, object]:
        actor = _actor(request, principal)
        done = approve(connection, actor, code.upper(), version, body.comment, body.from_at)
        return _document(connection, done, principal)

    return _json(await transact(resources.editing, work))


@router.post("/{code}/revisions/{version}/refuse", summary="Không duyệt đề xuất · Refuse a revision")
async def post_refusal(
    request: Request, code: Code, version: Version, body: RefusalBody, resources: ResourcesOf, principal: SignedIn
) -> Response:
    """Refuses a proposal; the reason goes to its author."""

    def work(connection: Connection) -> dict[str, object]:
        done = refuse(connection, _actor(request, principal), code.upper(), version, body.comment)
        return _document(connection, done, principal)

    return _json(await transact(resources.editing, work))


@router.post("/{code}/revisions/{version}/withdraw", summary="Rút đề xuất · Withdraw a revision")
async def post_withdrawal(
    request: Request, code: Code, version: Version, resources: ResourcesOf, principal: SignedIn
) -> Response:
    """Takes one's own proposal back."""

    def work(connection: Connection) -> dict[str, object]:
        return _document(connection, withdraw(connection, _actor(request, principal), code.upper(), version), principal)

    return _json(await transact(resources.editing, work))


def _proposed(connection: Connection, code: str, body: ProposalBody) -> str:
    if (body.document is None) == (body.rules is None):
        raise BadParameter(
            "rules",
            "Hãy gửi rules (sửa một số quy tắc) hoặc document (cả kịch bản), không cả hai.",
            "Send rules (changes of some) or document (the whole scenario), not both.",
        )
    if body.document is not None:
        named = read_scenario(body.document, "document", 0).code
        if named != code:
            raise BadParameter(
                "document",
                f"Địa chỉ nói {code}, nội dung nói {named}. Hãy sửa một trong hai.",
                f"The address says {code}, the document says {named}. Change one of them.",
            )
        return body.document
    held = document_in_force(connection, code, datetime.now(UTC))
    if held is None:
        raise ScenarioNotFound(code, known=load_builtin())
    if held[0] != body.base:
        # The changes would be made in words that the sender has not seen.
        raise BaseMoved(code, body.base, held[0])
    return amended(held[1], {register: rule.changes() for register, rule in (body.rules or {}).items()})


def _document(connection: Connection, revision: ScenarioRevision, principal: Principal) -> dict[str, object]:
    document: dict[str, Any] = {name: value for name, value in asdict(revision).items() if name != "document"}
    # What was decided is compared with what held just before, what waits with what holds now.
    at = revision.in_force_at or revision.decided_at
    document["differences"] = [asdict(one) for one in _differences(connection, revision, at)]
    waits, own = revision.state is RevisionState.PROPOSED, revision.author == principal.subject
    may_approve = principal.scope.may_somewhere(Action.APPROVE, Area.SCENARIOS)
    document["acts"] = [
        act
        for act, offered in (
            ("approve", waits and may_approve and not own),
            ("refuse", waits and may_approve),
            ("withdraw", waits and own),
        )
        if offered
    ]
    return document


def _differences(connection: Connection, revision: ScenarioRevision, at: datetime | None) -> list[Difference]:
    before: Scenario | None
    try:
        before = _before(connection, revision, at)
    except ScenarioNotFound:
        before = None
    return differences(before, read_revision(revision))


def _before(connection: Connection, revision: ScenarioRevision, at: datetime | None) -> Scenario:
    if revision.state is not RevisionState.APPROVED or at is None:
        return scenario_in_force(connection, revision.code, at or datetime.now(UTC))
    return scenario_in_force(connection, revision.code, at - datetime.resolution)


def _require_reading(principal: Principal) -> None:
    if not principal.scope.may_somewhere(Action.READ, Area.SCENARIOS):
        raise NotAllowed(Action.READ, Area.SCENARIOS)


def _actor(request: Request, principal: Principal) -> Actor:
    return Actor(principal.scope, datetime.now(UTC), source_of(request))


def _json(document: object, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json", headers=_HEADERS)
