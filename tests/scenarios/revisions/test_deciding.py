"""A threshold is changed without a programmer: proposed, tried, approved by another, in force from a moment on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine, text

from app.database import Database
from layers.access import Grant, Scope
from layers.errors import InvalidDefinition
from layers.rights import Action, Area, NotAllowed, Right
from scenarios.definition import ThresholdStatus
from scenarios.loader import builtin_document, load_builtin, read_scenario
from scenarios.outcomes import Level
from scenarios.revisions.amending import RuleNotThere, amended
from scenarios.revisions.comparing import differences
from scenarios.revisions.deciding import Actor, approve, propose, refuse, withdraw
from scenarios.revisions.errors import BaseMoved, NothingChanged, OwnRevision, RevisionDecided
from scenarios.revisions.reading import scenario_in_force
from scenarios.revisions.revision import RevisionState, ScenarioRevision
from tests.layers.conftest import store
from tests.scenarios.evaluation.test_running import START, Room, room

__all__ = ["room", "store"]
pytestmark = pytest.mark.db
WIDE = {"T16": {"threshold": {"operator": ">", "number": 8.0, "status": "decided"}}}


def _scope(subject: str, *actions: Action) -> Scope:
    return Scope(subject, (Grant(Right(frozenset(actions), areas=frozenset({Area.SCENARIOS})), None),))


LEAD, CHAIR = _scope("lead", Action.READ, Action.EDIT), _scope("chair", Action.READ, Action.APPROVE, Action.EDIT)


@pytest.fixture
def writer(store: Database) -> Iterator[Engine]:
    owner = store.engine("diaban_owner")
    with owner.begin() as connection:
        connection.execute(text("TRUNCATE scenarios.revisions"))
    owner.dispose()
    engine = store.engine("diaban_writer")
    yield engine
    engine.dispose()


def _proposed(
    engine: Engine, rules: Any = WIDE, *, code: str = "S11", base: int = 1, who: Scope = LEAD
) -> ScenarioRevision:
    document = builtin_document(code)
    assert document is not None
    with engine.begin() as connection:
        return propose(connection, Actor(who, START), amended(document, rules), "QĐ 12/2026", base)


def _approved(engine: Engine, revision: ScenarioRevision, **more: Any) -> ScenarioRevision:
    with engine.begin() as connection:
        return approve(connection, Actor(CHAIR, START), revision.code, revision.version, **more)


class TestAProposal:
    def test_holds_nothing_until_another_has_approved_it(self, writer: Engine) -> None:
        revision = _proposed(writer)
        assert (revision.version, revision.state, revision.author) == (2, RevisionState.PROPOSED, "lead")
        with writer.connect() as connection:
            assert scenario_in_force(connection, "s11", START).version == 1
        _approved(writer, revision)
        with writer.connect() as connection:
            held = scenario_in_force(connection, "s11", START)
            earlier = scenario_in_force(connection, "S11", START - timedelta(seconds=1))
        rule = held.rules[0]
        assert (held.version, rule.threshold.number, rule.threshold.status) == (2, 8.0, ThresholdStatus.DECIDED)
        assert rule.threshold.stated == load_builtin()["S11"].rules[0].threshold.stated
        assert earlier == load_builtin()["S11"]

    def test_tells_what_it_changes_and_nothing_else(self, writer: Engine) -> None:
        _approved(writer, _proposed(writer))
        with writer.connect() as connection:
            held = scenario_in_force(connection, "S11", START)
        found = {one.path: (one.before, one.after) for one in differences(load_builtin()["S11"], held)}
        assert found == {
            "rules[T16].threshold.number": (5.0, 8.0),
            "rules[T16].threshold.status": ("provisional", "decided"),
        }

    def test_of_another_manner_of_speaking_is_read_back(self, writer: Engine) -> None:
        speech = {"level": "alarm", "clear": 4.0, "min_duration_h": 2, "quiet": {"start": "22:00", "end": "06:00"}}
        revision = _proposed(writer, {"T16": {"speech": speech}})
        _approved(writer, revision)
        with writer.connect() as connection:
            found = scenario_in_force(connection, "S11", START).rules[0].speech
        assert (found.level, found.clear, found.min_duration_h) == (Level.ALARM, 4.0, 2.0)
        assert found.quiet is not None
        assert f"{found.quiet.start:%H:%M}-{found.quiet.end:%H:%M}" == "22:00-06:00"

    def test_from_a_moment_on_waits_for_it(self, writer: Engine) -> None:
        later = START + timedelta(days=3)
        _approved(writer, _proposed(writer), from_at=later)
        with writer.connect() as connection:
            versions = [scenario_in_force(connection, "S11", at).version for at in (START, later)]
        assert versions == [1, 2]

    def test_can_be_refused_or_withdrawn_once(self, writer: Engine) -> None:
        first, second = _proposed(writer), _proposed(writer)
        with writer.begin() as connection:
            refused = refuse(connection, Actor(CHAIR, START), "S11", first.version, "chưa đủ căn cứ")
            withdrawn = withdraw(connection, Actor(LEAD, START), "S11", second.version)
        assert (refused.state, refused.comment) == (RevisionState.REFUSED, "chưa đủ căn cứ")
        assert withdrawn.state is RevisionState.WITHDRAWN
        with writer.begin() as connection, pytest.raises(RevisionDecided):
            approve(connection, Actor(CHAIR, START), "S11", first.version)

    def test_leaves_events_and_a_notice(self, writer: Engine) -> None:
        revision = _proposed(writer)
        _approved(writer, revision)
        with writer.connect() as connection:
            acts = connection.execute(
                text("SELECT action, actor FROM audit.events WHERE object_kind = 'scenario' ORDER BY id DESC LIMIT 2")
            ).all()
            told = connection.execute(
                text("SELECT kind, recipient, action FROM uploads.notices ORDER BY id DESC LIMIT 2")
            ).all()
        assert [tuple(row) for row in acts] == [("scenario_approved", "chair"), ("scenario_proposed", "lead")]
        assert [tuple(row) for row in told] == [
            ("scenario_approved", "lead", None),
            ("scenario_proposed", None, "approve"),
        ]


class TestRefusals:
    def test_the_author_does_not_approve_and_the_database_holds_it_too(self, writer: Engine) -> None:
        revision = _proposed(writer, who=CHAIR)
        with writer.begin() as connection, pytest.raises(OwnRevision):
            approve(connection, Actor(CHAIR, START), "S11", revision.version)
        with writer.begin() as connection, pytest.raises(Exception, match="four_eyes"):
            connection.execute(
                text(
                    "UPDATE scenarios.revisions SET state = 'approved', decided_by = author, decided_at = now(),"
                    " in_force_at = now()"
                )
            )

    def test_rights_are_needed(self, writer: Engine) -> None:
        revision = _proposed(writer)
        for work in (
            lambda c: propose(c, Actor(_scope("x", Action.READ), START), "", "", 1),
            lambda c: approve(c, Actor(LEAD, START), "S11", revision.version),
            lambda c: withdraw(c, Actor(CHAIR, START), "S11", revision.version),
        ):
            with writer.begin() as connection, pytest.raises(NotAllowed):
                work(connection)

    @pytest.mark.parametrize(
        ("before", "after", "path"),
        [
            ('stated: "', 'stated: "Sửa: ', "rules[0].threshold.stated"),
            ("number: 5", "number: 50", "rules[0].threshold.status"),
            ("number: 5", "nubmer: 5", "rules[0].threshold.nubmer"),
        ],
    )
    def test_the_words_of_the_source_stay(self, writer: Engine, before: str, after: str, path: str) -> None:
        document = builtin_document("S11")
        assert document is not None
        assert before in document
        with writer.begin() as connection, pytest.raises(InvalidDefinition) as told:
            propose(connection, Actor(LEAD, START), document.replace(before, after, 1), "thử", 1)
        assert told.value.path == path

    def test_what_was_made_from_an_older_version_or_changes_nothing(self, writer: Engine) -> None:
        with pytest.raises(NothingChanged):
            _proposed(writer, {})
        _approved(writer, _proposed(writer))
        with pytest.raises(BaseMoved):
            _proposed(writer, {"T16": {"threshold": {"number": 9.0, "status": "decided"}}}, base=1)
        with pytest.raises(RuleNotThere):
            _proposed(writer, {"T99": {"threshold": {"number": 9.0}}}, base=2)


class TestEvaluation:
    @pytest.fixture(autouse=True)
    def fresh(self, writer: Engine) -> None:
        """The revisions of others are gone."""

    def test_follows_what_is_in_force_at_once_and_back(self, room: Room) -> None:
        room.send("documents-late-share", 6)
        room.evaluate()
        (alert,) = room.alerts("S11", "T16")
        assert (alert.threshold, alert.standing.value) == (5.0, "holds")
        revision = _proposed(room.engine)
        assert room.evaluate() == []
        _approved(room.engine, revision)
        assert room.evaluate() == ["S11"]
        assert room.alerts("S11", "T16")[0].standing.value == "clear"
        assert room.evaluate() == []

    def test_a_rule_that_is_gone_takes_its_alerts_back(self, room: Room) -> None:
        room.send("documents-late-share", 6)
        room.evaluate()
        document = builtin_document("S11")
        assert document is not None
        with room.engine.begin() as connection:
            revision = propose(connection, Actor(LEAD, START), _without_tests(document), "tỉnh không theo dõi", 1)
        _approved(room.engine, revision)
        assert room.evaluate() == ["S11"]
        (alert,) = room.alerts("S11", "T16")
        assert (alert.standing.value, alert.state.value) == ("clear", "closed")

    def test_a_new_scenario_takes_an_open_slot_and_is_evaluated(self, room: Room) -> None:
        document = builtin_document("S11")
        assert document is not None
        with room.engine.begin() as connection:
            revision = propose(
                connection, Actor(LEAD, START), document.replace("code: S11", "code: S45"), "kịch bản của tỉnh", 0
            )
        _approved(room.engine, revision)
        room.send("documents-late-share", 6)
        assert room.evaluate() == ["S11", "S45"]
        assert len(room.alerts("S45", "T16")) == 1


def _without_tests(document: str) -> str:
    """The document whose rules look at nothing."""
    whole = yaml.safe_load(document)
    for rule in whole["rules"]:
        rule.pop("test", None)
    return str(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True))


def test_every_built_in_document_survives_a_change_by_form() -> None:
    """What a form writes is read back as what was there, but for the change."""
    for code, scenario in load_builtin().items():
        document = builtin_document(code)
        assert document is not None
        assert read_scenario(amended(document, {}), code, 1) == scenario
