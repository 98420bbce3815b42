"""What an upload would change, and what it may not: on a real database with communes."""

from __future__ import annotations

import pytest
import shapely
from sqlalchemy import text

from layers.personal.opening import open_values
from layers.publish import Mode
from layers.rights import Action
from layers.uploads.files import CHANGES
from layers.uploads.model import State, Upload
from layers.uploads.preview import read_changes
from tests.layers.conftest import MakeLayer
from tests.layers.store_world import FIELDS, PLACES
from tests.layers.uploads.office import (
    CLERK,
    NEIGHBOUR,
    NEIGHBOUR_CLERK,
    Office,
    fields_rows,
    person,
    place,
    square,
)

pytestmark = pytest.mark.db


def numbers(upload: Upload, *names: str) -> tuple[object, ...]:
    assert upload.change is not None, upload.problem
    return tuple(upload.change[name] for name in names)


def kinds(office: Office, upload: Upload) -> list[str]:
    path = office.desk.shelf.get(upload.id, CHANGES)
    return sorted(feature["properties"]["kind"] for feature in read_changes(path, limit=100))


class TestTheSameFileAgain:
    def test_is_no_change_and_a_confirmation(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, fields_rows(20))
        again = office.submitted(layer, fields_rows(20))
        assert numbers(again, "changed", "same") == (0, 20)
        done = office.carry(again)
        assert (done.state, done.revision) == (State.PUBLISHED, 1)
        with office.owner.connect() as connection:
            seen = connection.execute(
                text("SELECT count(*) FROM uploads.confirmations WHERE layer = :slug"), {"slug": layer.slug}
            ).scalar_one()
        assert seen == 2

    def test_in_shapes_that_waver_within_a_centimetre_is_no_change(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, fields_rows(20))
        rows = [{**row, "geometry": shapely.affinity.translate(row["geometry"], 4e-8, 4e-8)} for row in fields_rows(20)]
        checked = office.check(office.send(layer, rows))
        assert numbers(checked, "changed", "same") == (0, 20)

    def test_without_a_column_keeps_what_the_column_held(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        rows = [{**row, "owner": "Nguyễn Văn A"} for row in fields_rows(5)]
        office.published(layer, rows)
        less = [{"code": row["code"], "geometry": row["geometry"]} for row in rows]
        less[0]["geometry"] = square(0, 0, 0.005)
        done = office.published(layer, less)
        assert numbers(done, "updated", "same") == (1, 4)
        with office.owner.connect() as connection:
            fid, berths = connection.execute(
                text(f"SELECT fid, berths FROM features.{layer.table} WHERE code = '0-0'")
            ).one()
            owner = open_values(connection, layer, fids=[fid])[fid]["owner"]
        assert (berths, owner) == (0, "Nguyễn Văn A")


class TestAUnit:
    def test_is_replaced_alone(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, fields_rows(10))
        office.published(layer, fields_rows(7, unit=1), NEIGHBOUR_CLERK, unit_code=NEIGHBOUR)
        done = office.published(layer, fields_rows(4))
        assert numbers(done, "inserted", "updated", "deleted", "same") == (0, 0, 6, 4)
        assert len(office.keys(layer)) == 11

    def test_does_not_take_rows_that_lie_in_another(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        checked = office.check(office.send(layer, fields_rows(3) + fields_rows(2, unit=1)))
        assert numbers(checked, "inserted", "set_aside") == (3, 2)
        assert {code["code"] for code in checked.report["codes"]} == {"scope.unit"}

    def test_does_not_take_a_key_that_another_holds(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, fields_rows(3, unit=1), NEIGHBOUR_CLERK, unit_code=NEIGHBOUR)
        stolen = [{**row, "code": f"1-{n}"} for n, row in enumerate(fields_rows(3))]
        checked = office.check(office.send(layer, stolen))
        assert numbers(checked, "changed", "set_aside") == (0, 3)

    def test_with_too_many_deletions_needs_a_yes(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, fields_rows(10))
        checked = office.check(office.send(layer, fields_rows(7)))
        assert numbers(checked, "deleted_share") == (0.3,)


class TestParcels:
    def test_that_bear_a_new_number_stay_the_same_feature(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, fields_rows(4))
        before = office.keys(layer)
        rows = [{**row, "code": f"new-{n}"} for n, row in enumerate(fields_rows(4))]
        done = office.published(layer, rows)
        assert numbers(done, "renamed", "updated", "inserted", "deleted") == (4, 4, 0, 0)
        assert sorted(office.keys(layer).values()) == sorted(before.values())

    def test_that_were_split_are_known_as_such(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, [{"code": "12", "geometry": square(0, 0)}, {"code": "13", "geometry": square(3, 0)}])
        x, y, east, north = square(0, 0).bounds
        halves = [shapely.box(x, y, x + 0.004, north), shapely.box(x + 0.004, y, east, north)]
        rows = [{"code": "12", "geometry": halves[0]}, {"code": "12-1", "geometry": halves[1]}]
        done = office.published(layer, [*rows, {"code": "13", "geometry": square(3, 0)}])
        assert numbers(done, "split", "updated", "inserted", "deleted") == (1, 1, 1, 0)
        assert kinds(office, done) == ["split", "split"]
        with office.owner.connect() as connection:
            kept = connection.execute(
                text("SELECT count(*) FROM uploads.lineage WHERE layer = :slug AND kind = 'split'"),
                {"slug": layer.slug},
            ).scalar_one()
        assert kept == 2

    def test_that_were_merged_are_known_as_such(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        office.published(layer, [{"code": str(n), "geometry": square(n, 0)} for n in range(3)])
        whole = shapely.union_all([square(n, 0) for n in range(3)])
        done = office.published(layer, [{"code": "100", "geometry": whole}])
        assert numbers(done, "merged", "inserted", "deleted") == (1, 1, 3)
        assert kinds(office, done) == ["merged", "replaced", "replaced", "replaced"]


class TestModes:
    def test_upsert_deletes_nothing(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(PLACES)
        office.published(layer, [{"code": str(n), "geometry": place(n, 0)} for n in range(5)])
        rows = [{"code": "0", "geometry": place(0, 1)}, {"code": "9", "geometry": place(4, 4)}]
        done = office.published(layer, rows, mode=Mode.UPSERT)
        assert numbers(done, "inserted", "updated", "deleted") == (1, 1, 0)

    def test_append_changes_nothing_that_is_there(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(PLACES)
        office.published(layer, [{"code": str(n), "geometry": place(n, 0)} for n in range(5)])
        rows = [{"code": "0", "geometry": place(0, 1)}, {"code": "9", "geometry": place(4, 4)}]
        done = office.published(layer, rows, mode=Mode.APPEND)
        assert numbers(done, "inserted", "updated", "set_aside") == (1, 0, 1)

    def test_the_whole_layer_is_replaced_by_who_may_edit_all_of_it(self, office: Office, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS)
        province = person("province", (Action.EDIT, None))
        office.published(layer, fields_rows(5) + fields_rows(5, unit=1), province, unit_code=None)
        done = office.published(layer, fields_rows(5), province, unit_code=None)
        assert numbers(done, "deleted") == (5,)
        assert CLERK.subject != province.subject
