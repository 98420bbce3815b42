"""Edits of single features, made under the writer's login on a real database."""

from __future__ import annotations

import datetime
import threading

import pytest
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from app.database import Database
from layers.access import Grant, Scope, set_writer_scope
from layers.definition import Definition
from layers.edit import DeleteFeature, Edit, Edited, InsertFeature, ReplaceFeature, UpdateFeature, edit_features
from layers.edit_rows import find_features
from layers.errors import FeatureNotFound, FieldNotFound, LayerNotFound, RowsRefused, VersionConflict
from layers.personal.opening import open_values
from layers.publish import revert_layer
from layers.rights import Action, Right
from layers.tables import private_table
from tests.layers.ask_world import SIZE, SOUTH, WEST, commune_code
from tests.layers.conftest import MakeLayer
from tests.layers.store_world import FIELDS, NOTE, NUMBERED, PLACES

pytestmark = pytest.mark.db
HERE = shapely.Point(WEST + 0.05, SOUTH + 0.05)
THERE = shapely.Point(WEST + 0.15, SOUTH + 0.05)
FIRST = {
    "code": "A1", "berths": 3, "built_on": "2020-05-17", "tags": ["x", 'a "b", c'], "owner": "Nguyễn Thị Ổi",
}  # fmt: skip


def edit(engine: Engine, definition: Definition, *edits: Edit, base: int | None = None) -> Edited:
    with engine.begin() as connection:
        return edit_features(connection, definition.slug, edits, note=NOTE, base_revision=base)


def state(engine: Engine, definition: Definition, fid: int) -> dict[str, object] | None:
    with engine.connect() as connection:
        found = find_features(connection, definition, [fid])[0]
        personal = open_values(connection, definition, fids=[fid]).get(fid, {})
    return {**found.properties, "owner": personal.get("owner")} if found else None


@pytest.fixture
def layer(make_layer: MakeLayer) -> Definition:
    return make_layer(PLACES)


class TestAnInsert:
    def test_is_one_revision_and_gives_its_fid(self, store_writer: Engine, layer: Definition) -> None:
        done = edit(store_writer, layer, InsertFeature(FIRST, HERE), InsertFeature({"code": "A2"}, THERE))
        assert (done.published.revision, done.published.inserted, done.fids) == (1, 2, (1, 2))
        assert state(store_writer, layer, 1) == {**FIRST, "built_on": datetime.date(2020, 5, 17)}
        with store_writer.connect() as connection:
            kind, version = connection.execute(
                text("SELECT kind, definition_version FROM catalogue.revisions WHERE slug = :slug"),
                {"slug": layer.slug},
            ).one()
            units = connection.execute(text(f"SELECT unit_code FROM features.{layer.table} ORDER BY fid")).scalars()
            assert list(units) == [commune_code(0, 0), commune_code(1, 0)]
        assert (kind, version) == ("edit", 1)

    def test_with_the_key_of_another_feature_is_refused_by_row(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE))
        with pytest.raises(RowsRefused) as caught:
            edit(store_writer, layer, InsertFeature({"code": "B"}, HERE), InsertFeature({"code": "A1"}, HERE))
        assert caught.value.rows == (2,)

    def test_under_a_numbered_key_gets_the_next_ordinal(self, store_writer: Engine, make_layer: MakeLayer) -> None:
        numbered = make_layer(NUMBERED)
        edit(store_writer, numbered, InsertFeature({"code": "N"}, HERE), InsertFeature({"code": "N"}, HERE))
        edit(store_writer, numbered, DeleteFeature(1), InsertFeature({"code": "N"}, HERE))
        with store_writer.connect() as connection:
            rows = connection.execute(text(f"SELECT fid, key_ordinal FROM features.{numbered.table} ORDER BY fid"))
            assert [tuple(row) for row in rows] == [(2, 1), (3, 2)]

    BAD = (
        {"code": None}, {"code": "A", "berths": 501}, {"code": "A", "berths": "many"}, {"code": "x" * 21},
        {"code": "A", "built_on": "2020-02-30"},
    )  # fmt: skip

    @pytest.mark.parametrize("properties", BAD)
    def test_that_breaks_the_definition_is_refused_by_row(
        self, store_writer: Engine, layer: Definition, properties: dict[str, object]
    ) -> None:
        with pytest.raises(RowsRefused) as caught:
            edit(store_writer, layer, InsertFeature(properties, HERE))
        assert caught.value.rows == (1,)
        assert caught.value.vi != caught.value.en

    @pytest.mark.parametrize("geometry", [None, shapely.Point(11, 106), shapely.LineString([(106, 10), (107, 10)])])
    def test_without_a_fitting_geometry_is_refused(
        self, store_writer: Engine, layer: Definition, geometry: shapely.Geometry | None
    ) -> None:
        with pytest.raises(RowsRefused):
            edit(store_writer, layer, InsertFeature({"code": "A"}, geometry))

    @pytest.mark.parametrize("name", ["nosuch", "fid", "unit_code", "geom"])
    def test_of_an_unknown_field_is_refused_by_name(self, store_writer: Engine, layer: Definition, name: str) -> None:
        with pytest.raises(FieldNotFound):
            edit(store_writer, layer, InsertFeature({"code": "A", name: 1}, HERE))


class TestAnUpdate:
    def test_changes_what_it_names_and_keeps_the_rest(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE))
        edit(store_writer, layer, UpdateFeature(1, {"berths": None}))
        assert state(store_writer, layer, 1) == {**FIRST, "berths": None, "built_on": datetime.date(2020, 5, 17)}

    def test_of_the_key_keeps_the_fid(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE))
        edit(store_writer, layer, UpdateFeature({"code": "A1"}, {"code": "Z9"}))
        assert state(store_writer, layer, 1)["code"] == "Z9"
        with store_writer.connect() as connection:
            rows = connection.execute(text(f"SELECT code, from_revision, to_revision FROM history.{layer.table}"))
            assert [tuple(row) for row in rows] == [("A1", 1, 2)]

    def test_may_exchange_the_keys_of_two_features(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature({"code": "A"}, HERE), InsertFeature({"code": "B"}, HERE))
        edit(store_writer, layer, UpdateFeature(1, {"code": "B"}), UpdateFeature(2, {"code": "A"}))
        assert [state(store_writer, layer, fid)["code"] for fid in (1, 2)] == ["B", "A"]

    def test_that_changes_nothing_is_no_revision(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE))
        done = edit(store_writer, layer, UpdateFeature(1, {"berths": 3}, geometry=HERE))
        assert (done.published.revision, done.published.changed, done.fids) == (1, 0, (1,))

    def test_of_the_place_moves_it_to_the_unit_there(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE))
        edit(store_writer, layer, UpdateFeature(1, {}, geometry=THERE))
        with store_writer.connect() as connection:
            counts = connection.execute(
                text("SELECT unit_code, feature_count FROM catalogue.feature_counts WHERE slug = :slug"),
                {"slug": layer.slug},
            ).all()
        assert [tuple(row) for row in counts] == [(commune_code(1, 0), 1)]


class TestAReplacement:
    def test_empties_what_it_does_not_name_but_no_personal_field(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE))
        edit(store_writer, layer, ReplaceFeature(1, {"code": "A1"}, HERE))
        assert state(store_writer, layer, 1) == {
            "code": "A1", "berths": None, "built_on": None, "tags": None, "owner": "Nguyễn Thị Ổi",
        }  # fmt: skip


class TestADeletion:
    def test_frees_the_key_but_never_the_fid(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE))
        done = edit(store_writer, layer, DeleteFeature(1), InsertFeature({"code": "A1"}, HERE))
        assert done.fids == (1, 2)
        assert (done.published.inserted, done.published.deleted, done.published.feature_count) == (1, 1, 1)
        edit(store_writer, layer, DeleteFeature(2))
        assert edit(store_writer, layer, InsertFeature({"code": "A1"}, HERE)).fids == (3,)

    def test_brought_back_has_its_fid_and_its_personal_values_of_then(
        self, store_writer: Engine, layer: Definition
    ) -> None:
        edit(store_writer, layer, InsertFeature({"code": "A"}, HERE))
        edit(store_writer, layer, UpdateFeature(1, {"owner": "Lê Văn B"}))
        edit(store_writer, layer, DeleteFeature(1))
        for revision, owner in ((2, "Lê Văn B"), (1, None)):
            with store_writer.begin() as connection:
                revert_layer(connection, layer.slug, revision, note=NOTE)
            assert state(store_writer, layer, 1)["owner"] == owner
            with store_writer.begin() as connection:
                revert_layer(connection, layer.slug, 3, note=NOTE)


class TestAStaleEdit:
    def test_is_refused_by_the_state_of_its_feature(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE), InsertFeature({"code": "B"}, HERE))
        edit(store_writer, layer, UpdateFeature(1, {"berths": 4}))
        edit(store_writer, layer, UpdateFeature(2, {"berths": 5}, at_revision=1))
        for late in (UpdateFeature(1, {"berths": 9}, at_revision=1), DeleteFeature(1, at_revision=1)):
            with pytest.raises(VersionConflict) as caught:
                edit(store_writer, layer, late)
            assert (caught.value.fid, caught.value.expected, caught.value.found) == (1, 1, 2)

    def test_is_refused_by_the_revision_of_its_layer(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE))
        with pytest.raises(VersionConflict):
            edit(store_writer, layer, InsertFeature({"code": "B"}, HERE), base=0)

    def test_of_two_at_once_exactly_one_goes_in(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE))
        outcomes: list[object] = []
        start = threading.Barrier(4)

        def write(berths: int) -> None:
            start.wait()
            try:
                outcomes.append(edit(store_writer, layer, UpdateFeature(1, {"berths": berths}, at_revision=1)))
            except VersionConflict as error:
                outcomes.append(error)

        threads = [threading.Thread(target=write, args=(10 + n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Edited"] + ["VersionConflict"] * 3


class TestAnEditOfNothing:
    def test_names_the_feature(self, store_writer: Engine, layer: Definition) -> None:
        for missing in (UpdateFeature(99, {}), DeleteFeature({"code": "none"}), ReplaceFeature(-1, {}, HERE)):
            with pytest.raises(FeatureNotFound):
                edit(store_writer, layer, missing)

    def test_names_the_layer(self, store_writer: Engine) -> None:
        with store_writer.begin() as connection, pytest.raises(LayerNotFound):
            edit_features(connection, "no-such-layer", [DeleteFeature(1)], note=NOTE)

    def test_of_one_feature_twice_is_refused(self, store_writer: Engine, layer: Definition) -> None:
        edit(store_writer, layer, InsertFeature(FIRST, HERE))
        with pytest.raises(RowsRefused, match="more than once"):
            edit(store_writer, layer, UpdateFeature(1, {"berths": 1}), DeleteFeature({"code": "A1"}))

    def test_by_half_a_key_is_refused(self, store_writer: Engine, layer: Definition) -> None:
        with pytest.raises(FieldNotFound):
            edit(store_writer, layer, DeleteFeature({"berths": 3}))


class TestAPolygon:
    def test_across_communes_lists_them_by_share(self, store_writer: Engine, make_layer: MakeLayer) -> None:
        fields = make_layer(FIELDS)
        step = SIZE / 4
        shape = shapely.box(WEST + step * 0.7, SOUTH + 0.01, WEST + step * 1.1, SOUTH + 0.02)
        edit(store_writer, fields, InsertFeature({"code": "P"}, shape))
        with store_writer.connect() as connection:
            found = connection.execute(text(f"SELECT unit_code, unit_codes FROM features.{fields.table}")).one()
        assert tuple(found) == (commune_code(0, 0), [commune_code(0, 0), commune_code(1, 0)])


def test_personal_values_are_one_row_for_each_revision_that_set_them(store_writer: Engine, layer: Definition) -> None:
    edit(store_writer, layer, InsertFeature(FIRST, HERE))
    edit(store_writer, layer, UpdateFeature(1, {"owner": None}))
    private = private_table(layer)
    assert private is not None
    with store_writer.connect() as connection:
        rows = connection.execute(private.select().order_by(private.c.revision)).all()
        assert [(row.fid, row.revision, row.sealed is None) for row in rows] == [(1, 1, False), (1, 2, True)]
        assert open_values(connection, layer, revision=1) == {1: {"owner": "Nguyễn Thị Ổi"}}
        assert open_values(connection, layer) == {1: {}}


class TestAWriterOfOneCommune:
    """What the database itself holds a writer to, below every check of the program."""

    @pytest.mark.parametrize("kind", [PLACES, FIELDS])
    def test_changes_that_commune_alone(self, store: Database, make_layer: MakeLayer, kind: str) -> None:
        layer = make_layer(kind)
        shape = HERE if kind == PLACES else HERE.buffer(0.001)
        scope = _editor(layer.slug, commune_code(0, 0))
        engine = store.engine("diaban_writer")
        with engine.begin() as connection:
            done = edit_features(connection, layer.slug, [InsertFeature(FIRST, shape)], note=NOTE, scope=scope)
        with engine.begin() as connection:
            edit_features(connection, layer.slug, [UpdateFeature(done.fids[0], {"berths": 9})], note=NOTE, scope=scope)
        statements = (
            f"UPDATE features.{layer.table} SET berths = 1",
            f"DELETE FROM features.{layer.table}",
        )
        for statement in statements:
            with engine.connect() as connection:
                set_writer_scope(connection, _editor(layer.slug, commune_code(1, 0)))
                with pytest.raises(ProgrammingError, match="outside the communes"):
                    connection.execute(text(statement))
        with engine.begin() as connection:
            edit_features(connection, layer.slug, [DeleteFeature(done.fids[0])], note=NOTE, scope=scope)
        engine.dispose()


def _editor(slug: str, unit: str) -> Scope:
    return Scope("clerk", (Grant(Right(frozenset({Action.EDIT}), layers=frozenset({slug})), frozenset({unit})),))
