"""Who may take an upload further, and what happens when the layer moves meanwhile."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.database import Database
from layers.notices import list_notices
from layers.publish import Mode
from layers.rights import Action, NotAllowed
from layers.uploads.checking import check_upload
from layers.uploads.decisions import Actor, approve, publish, publish_due, send_back, submit, withdraw
from layers.uploads.errors import (
    ChangeMoved,
    FileTooLarge,
    KeyUsedOtherwise,
    NoRoom,
    NotReady,
    SameEyes,
    UploadNotFound,
    WrongState,
)
from layers.uploads.files import Shelf
from layers.uploads.model import State
from layers.uploads.publishing import publish_upload
from layers.uploads.receiving import Announcement, add_revert, announce_upload, finish_receiving
from layers.uploads.states import visible_upload
from layers.uploads.store import list_steps
from tests.layers.conftest import MakeLayer
from tests.layers.store_world import FIELDS
from tests.layers.uploads.office import (
    CLERK,
    DOCUMENT,
    NEIGHBOUR,
    NEIGHBOUR_CLERK,
    STEWARD,
    UNIT,
    Office,
    fields_rows,
    person,
)

pytestmark = pytest.mark.db
BOTH = person("both", (Action.EDIT, None), (Action.APPROVE, None), (Action.PUBLISH, None))


class TestFourEyes:
    def test_the_sender_may_not_approve(self, office: Office, make_layer: MakeLayer, store: Database) -> None:
        upload = office.submitted(make_layer(FIELDS), fields_rows(3), BOTH)
        with pytest.raises(SameEyes):
            approve(office.desk, Actor(BOTH), upload.id, digest=str(upload.digest))
        with store.superuser_engine().connect() as connection:
            outcome = connection.execute(
                text("SELECT outcome FROM audit.events WHERE object_id = :id ORDER BY id DESC LIMIT 1"),
                {"id": str(upload.id)},
            ).scalar_one()
        assert outcome == "refused"

    def test_the_database_refuses_it_too(self, office: Office, make_layer: MakeLayer) -> None:
        upload = office.submitted(make_layer(FIELDS), fields_rows(3))
        with pytest.raises(IntegrityError, match="four_eyes"), office.desk.engine.begin() as connection:
            connection.execute(
                text("UPDATE uploads.uploads SET state = 'approved', approver = sender WHERE id = :id"),
                {"id": upload.id},
            )

    def test_who_lacks_the_right_is_refused(self, office: Office, make_layer: MakeLayer) -> None:
        upload = office.submitted(make_layer(FIELDS), fields_rows(3))
        editor = person("editor", (Action.EDIT, None))
        with pytest.raises(NotAllowed):
            approve(office.desk, Actor(editor), upload.id, digest=str(upload.digest))

    def test_for_a_neighbour_the_upload_is_absent(self, office: Office, make_layer: MakeLayer) -> None:
        upload = office.submitted(make_layer(FIELDS), fields_rows(3))
        with office.desk.engine.connect() as connection, pytest.raises(UploadNotFound):
            visible_upload(connection, NEIGHBOUR_CLERK, upload.id)
        with pytest.raises(UploadNotFound):
            withdraw(office.desk, Actor(NEIGHBOUR_CLERK), upload.id)


class TestAMovedBase:
    def test_by_another_commune_needs_no_second_look(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        upload = office.submitted(layer, fields_rows(3))
        approve(office.desk, Actor(STEWARD), upload.id, digest=str(upload.digest))
        office.published(layer, fields_rows(3, unit=1), NEIGHBOUR_CLERK, unit_code=NEIGHBOUR)
        publish(office.desk, Actor(STEWARD), upload.id)
        publish_upload(office.desk, upload.id, lambda *_: None)
        assert office.get(upload.id).state is State.PUBLISHED
        assert len(office.keys(layer)) == 6

    def test_in_the_same_features_is_never_written_over(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, fields_rows(3))
        mine = office.submitted(layer, [{**row, "berths": 7} for row in fields_rows(3)])
        approve(office.desk, Actor(STEWARD), mine.id, digest=str(mine.digest))
        other = person("other", (Action.EDIT, UNIT))
        office.published(layer, [{**row, "berths": 9} for row in fields_rows(3)], other)
        publish(office.desk, Actor(STEWARD), mine.id)
        publish_upload(office.desk, mine.id, lambda *_: None)
        returned = office.get(mine.id)
        assert (returned.state, returned.approver) == (State.SUBMITTED, None)
        check_upload(office.desk, mine.id, lambda *_: None)
        again = office.get(mine.id)
        assert again.digest != mine.digest
        assert again.base_revision == 2
        assert office.carry(again).revision == 3

    def test_is_told_to_who_approves_what_was_seen_before(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, fields_rows(3))
        mine = office.submitted(layer, fields_rows(2))
        other = person("other", (Action.EDIT, UNIT))
        office.published(layer, [{**row, "berths": 9} for row in fields_rows(3)], other)
        with pytest.raises(ChangeMoved):
            approve(office.desk, Actor(STEWARD), mine.id, digest=str(mine.digest))
        office.check(mine)
        with pytest.raises(ChangeMoved):
            approve(office.desk, Actor(STEWARD), mine.id, digest=str(mine.digest))
        approve(office.desk, Actor(STEWARD), mine.id, digest=str(office.get(mine.id).digest))


class TestSteps:
    def test_are_kept_with_who_and_what_was_said(self, office: Office, make_layer: MakeLayer) -> None:
        upload = office.submitted(make_layer(FIELDS), fields_rows(3))
        with pytest.raises(NotReady):
            send_back(office.desk, Actor(STEWARD), upload.id, comment=" ")
        send_back(office.desk, Actor(STEWARD), upload.id, comment="Thiếu cột chủ sử dụng")
        submit(office.desk, Actor(CLERK), upload.id)
        office.carry(office.get(upload.id))
        with office.desk.engine.connect() as connection:
            steps = list_steps(connection, upload.id)
            notices = [notice.message.kind for notice in list_notices(connection, CLERK)]
        assert [step.to_state.value for step in steps] == [
            "receiving", "received", "checking", "checked", "submitted", "sent-back", "submitted", "approved",
            "publishing", "published",
        ]  # fmt: skip
        assert steps[5].comment == "Thiếu cột chủ sử dụng"
        assert notices[:4] == ["upload_published", "upload_approved", "upload_sent_back", "upload_checked"]

    def test_that_do_not_follow_are_refused(self, office: Office, make_layer: MakeLayer) -> None:
        upload = office.published(make_layer(FIELDS), fields_rows(3))
        with pytest.raises(WrongState):
            withdraw(office.desk, Actor(CLERK), upload.id)
        with pytest.raises(WrongState):
            publish(office.desk, Actor(STEWARD), upload.id)

    def test_approved_twice_at_once_happen_once(self, office: Office, make_layer: MakeLayer) -> None:
        upload = office.submitted(make_layer(FIELDS), fields_rows(3))
        second = person("second", (Action.APPROVE, None))
        outcomes: list[str] = []

        def decide(scope: object) -> None:
            try:
                approve(office.desk, Actor(scope), upload.id, digest=str(upload.digest))  # type: ignore[arg-type]
                outcomes.append("done")
            except WrongState:
                outcomes.append("late")

        threads = [threading.Thread(target=decide, args=(scope,)) for scope in (STEWARD, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["done", "late"]

    def test_a_newer_file_supersedes_the_older_one(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        older = office.submitted(layer, fields_rows(3))
        office.submitted(layer, fields_rows(4))
        assert office.get(older.id).state is State.SUPERSEDED


class TestTheTimeSet:
    def test_is_waited_for(self, office: Office, make_layer: MakeLayer) -> None:
        upload = office.submitted(make_layer(FIELDS), fields_rows(3))
        approve(office.desk, Actor(STEWARD), upload.id, digest=str(upload.digest))
        with pytest.raises(NotReady):
            publish(office.desk, Actor(STEWARD), upload.id, at=datetime(2030, 1, 1))  # noqa: DTZ001
        publish(office.desk, Actor(STEWARD), upload.id, at=datetime.now(UTC) + timedelta(hours=1))
        assert publish_due(office.desk) == 0
        with office.owner.begin() as connection:
            connection.execute(text("UPDATE uploads.uploads SET publish_at = now() WHERE id = :id"), {"id": upload.id})
        assert publish_due(office.desk) == 1
        publish_upload(office.desk, upload.id, lambda *_: None)
        assert office.get(upload.id).state is State.PUBLISHED


class TestTheReturnOfARevision:
    def test_undoes_a_bad_month_of_one_unit_only(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, fields_rows(5))
        office.published(layer, [{**row, "berths": 1} for row in fields_rows(2)])
        office.published(layer, fields_rows(4, unit=1), NEIGHBOUR_CLERK, unit_code=NEIGHBOUR)
        with office.desk.engine.begin() as connection:
            asked = add_revert(connection, CLERK, DOCUMENT, (layer.slug, UNIT, 1), "tháng 10 sai")
        checked = office.check(asked)
        assert checked.change is not None
        assert (checked.change["inserted"], checked.change["updated"], checked.change["deleted"]) == (3, 1, 0)
        submit(office.desk, Actor(CLERK), asked.id)
        done = office.carry(office.get(asked.id))
        assert done.revision == 4
        assert sorted(office.keys(layer)) == sorted([f"0-{n}" for n in range(5)] + [f"1-{n}" for n in range(4)])


class TestReceiving:
    def said(self, layer: str, **more: object) -> Announcement:
        given: dict[str, object] = {"unit_code": UNIT, "mode": Mode.REPLACE, "file_name": "a.zip", **more}
        return Announcement(layer=layer, scope=DOCUMENT, **given)  # type: ignore[arg-type]

    def test_a_request_sent_twice_makes_one_upload(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        first = announce_upload(office.desk, CLERK, self.said(layer.slug, key="k1"))
        second = announce_upload(office.desk, CLERK, self.said(layer.slug, key="k1"))
        assert (first.upload.id, second.is_new) == (second.upload.id, False)
        with pytest.raises(KeyUsedOtherwise):
            announce_upload(office.desk, CLERK, self.said(layer.slug, key="k1", file_name="b.zip"))

    def test_another_commune_is_refused(self, office: Office, make_layer: MakeLayer) -> None:
        with pytest.raises(NotAllowed):
            announce_upload(office.desk, CLERK, self.said(make_layer(FIELDS).slug, unit_code=NEIGHBOUR))

    def test_an_unknown_commune_is_named(self, office: Office, make_layer: MakeLayer) -> None:
        with pytest.raises(NotReady, match="12345"):
            announce_upload(office.desk, STEWARD, self.said(make_layer(FIELDS).slug, unit_code="12345"))

    def test_an_empty_file_is_refused(self, office: Office, make_layer: MakeLayer) -> None:
        upload = announce_upload(office.desk, CLERK, self.said(make_layer(FIELDS).slug)).upload
        with pytest.raises(NotReady):
            finish_receiving(office.desk, upload.id, "clerk")
        assert office.get(upload.id).state is State.REFUSED

    def test_a_disk_without_its_reserve_takes_nothing(self, office: Office, make_layer: MakeLayer) -> None:
        full = Shelf(office.desk.shelf.root, 2**30, 2**62)
        with pytest.raises(NoRoom):
            full.require_room(1)
        with pytest.raises(FileTooLarge):
            Shelf(office.desk.shelf.root, 10, 0).require_room(11)

    def test_an_unreadable_file_is_refused_with_its_reason(self, office: Office, make_layer: MakeLayer) -> None:
        refused = office.check(office.send(make_layer(FIELDS), b"not a map"))
        assert (refused.state, refused.problem) == (
            State.REFUSED, {"vi": "Không đọc được tệp.", "en": "The file cannot be read."},
        )  # fmt: skip

    def test_the_original_is_kept_as_it_came(self, office: Office, make_layer: MakeLayer) -> None:
        upload = office.send(make_layer(FIELDS), b"not a map")
        assert office.desk.shelf.get(upload.id, "original").read_bytes() == b"not a map"
        assert (upload.file_name, upload.file_bytes) == ("thửa đất.geojson", 9)
