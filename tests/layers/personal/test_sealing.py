"""Personal values are unreadable in the database, change with their features, and show when they were tampered with."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import ProgrammingError

from app.database import Database
from layers.definition import Definition
from layers.edit import InsertFeature, UpdateFeature, edit_features
from layers.personal.errors import (
    NoPersonalKey,
    PersonalKeyMissing,
    PersonalKeyUnreadable,
    SealBroken,
    ValuesUnsealed,
    WrongPersonalKey,
)
from layers.personal.keys import KeyFile, keyring_of, make_key, read_key
from layers.personal.opening import open_values
from layers.personal.plain import seal_all, tables_unsealed
from layers.publish import revert_layer
from tests.layers.conftest import MakeLayer
from tests.layers.personal.conftest import HERE, everything, publish
from tests.layers.store_world import NOTE, PLACES

pytestmark = pytest.mark.db
MARK = "Nguyễn Thị Dấu Riêng"
NUMBER = "079 099 001 234"


class TestValues:
    def test_are_nowhere_in_the_database(self, store_writer: Engine, store_owner: Engine, layer: Definition) -> None:
        publish(store_writer, layer, code=["A"], owner=[MARK])
        with store_writer.begin() as connection:
            edit_features(connection, layer.slug, [UpdateFeature(1, {"owner": MARK + " 2"})], note=NOTE)
        with store_owner.connect() as connection:
            found = everything(connection)
            assert open_values(connection, layer) == {1: {"owner": MARK + " 2"}}
            assert open_values(connection, layer, revision=1) == {1: {"owner": MARK}}
        assert MARK not in found
        assert MARK.encode().hex() not in found

    def test_that_are_staged_are_unreadable_too(self, store_writer: Engine, layer: Definition) -> None:
        from layers.staging import stage_rows

        frame = gpd.GeoDataFrame({"code": ["A"], "owner": [MARK]}, geometry=[HERE], crs=4326)
        with store_writer.begin() as connection:
            stage_rows(connection, layer, [frame])
            staged = connection.execute(text("SELECT stage::text FROM stage")).scalar_one()
        assert MARK not in staged
        assert MARK.encode().hex() not in staged

    def test_of_every_kind_come_back_as_they_were(self, store_writer: Engine, known_people: Definition) -> None:
        publish(
            store_writer,
            known_people,
            code=["A", "B"],
            owner=[MARK, None],
            owner_id_number=[NUMBER, None],
            phone=["0900 000 001", None],
            born_on=["1970-02-28", None],
        )
        with store_writer.connect() as connection:
            found = open_values(connection, known_people)
        assert {name: str(value) for name, value in found[1].items()} == {
            "owner": MARK,
            "owner_id_number": NUMBER,
            "phone": "0900 000 001",
            "born_on": "1970-02-28",
        }
        assert 2 not in found

    def test_that_are_the_same_are_no_change(self, store_writer: Engine, known_people: Definition) -> None:
        columns: dict[str, list[object]] = {"code": ["A", "B"], "owner": [MARK, None], "owner_id_number": [NUMBER, ""]}
        publish(store_writer, known_people, **columns)
        assert publish(store_writer, known_people, **columns).changed == 0
        assert publish(store_writer, known_people, **{**columns, "owner": [MARK, "Trần B"]}).updated == 1
        assert publish(store_writer, known_people, **{**columns, "owner": [None, "Trần B"]}).updated == 1

    def test_that_an_edit_does_not_name_stay(self, store_writer: Engine, known_people: Definition) -> None:
        publish(store_writer, known_people, code=["A"], owner=[MARK], owner_id_number=[NUMBER])
        for change in ({"berths": 3}, {"phone": "0900000002"}):
            with store_writer.begin() as connection:
                edit_features(connection, known_people.slug, [UpdateFeature(1, change)], note=NOTE)
        with store_writer.connect() as connection:
            assert open_values(connection, known_people)[1] == {
                "owner": MARK,
                "owner_id_number": NUMBER,
                "phone": "0900000002",
            }

    def test_come_back_with_their_revision_without_being_opened(self, store: Database, layer: Definition) -> None:
        engine = store.engine("diaban_owner")
        publish(engine, layer, code=["A"], owner=[MARK])
        publish(engine, layer, code=["A"], owner=["Trần B"])
        # This engine brings no key along.
        bare = create_engine(store.url("diaban_owner").set(drivername="postgresql+psycopg"))
        with bare.begin() as connection:
            assert revert_layer(connection, layer.slug, 1, note=NOTE).updated == 1
        bare.dispose()
        with engine.connect() as connection:
            assert open_values(connection, layer) == {1: {"owner": MARK}}
        engine.dispose()


class TestAPerson:
    def test_has_one_key_in_every_layer_where_the_number_is_the_same(
        self, store_writer: Engine, known_people: Definition, make_layer: MakeLayer
    ) -> None:
        other = make_layer(PLACES, fields=known_people.fields)
        publish(store_writer, known_people, code=["A", "B"], owner=[MARK, "B"], owner_id_number=[NUMBER, None])
        publish(store_writer, other, code=["Z"], owner=["N. T. Dấu"], owner_id_number=["079099001234"])
        with store_writer.connect() as connection:
            here = connection.execute(text(f"SELECT key_id FROM private.{known_people.table} ORDER BY fid")).scalars()
            mine, others = here.all()
            there = connection.execute(text(f"SELECT key_id FROM private.{other.table}")).scalar_one()
        assert mine == there
        assert mine != others

    def test_number_that_tells_nobody_is_not_taken_for_one(
        self, store_writer: Engine, known_people: Definition
    ) -> None:
        publish(store_writer, known_people, code=["A", "B"], owner_id_number=["000000000000", "000000000000"])
        with store_writer.connect() as connection:
            keys = connection.execute(text(f"SELECT DISTINCT key_id FROM private.{known_people.table}")).scalars().all()
        assert len(keys) == 2


class TestTampering:
    def test_with_a_single_bit_is_noticed(self, store_owner: Engine, layer: Definition) -> None:
        publish(store_owner, layer, code=["A"], owner=[MARK])
        with store_owner.begin() as connection:
            connection.execute(
                text(f"UPDATE private.{layer.table} SET sealed = set_bit(sealed, 200, 1 - get_bit(sealed, 200))")
            )
            with pytest.raises(SealBroken) as broken:
                open_values(connection, layer)
        assert f"{layer.slug}/1" in broken.value.vi
        assert MARK not in broken.value.vi

    def test_by_putting_values_at_another_feature_is_noticed(self, store_owner: Engine, layer: Definition) -> None:
        publish(store_owner, layer, code=["A", "B"], owner=[MARK, "Trần B"])
        with store_owner.begin() as connection:
            connection.execute(
                text(
                    f"UPDATE private.{layer.table} b SET (key_id, sealed) = (SELECT key_id, sealed"
                    f" FROM private.{layer.table} a WHERE a.fid = 1) WHERE b.fid = 2"
                )
            )
            with pytest.raises(SealBroken):
                open_values(connection, layer)

    def test_by_exchanging_keys_is_noticed(self, store_owner: Engine, layer: Definition) -> None:
        publish(store_owner, layer, code=["A", "B"], owner=[MARK, "Trần B"])
        with store_owner.begin() as connection:
            connection.execute(
                text(
                    "UPDATE personal.keys SET wrapped = (SELECT wrapped FROM personal.keys k"
                    f" JOIN private.{layer.table} p ON p.key_id = k.id AND p.fid = 2)"
                    f" WHERE id = (SELECT key_id FROM private.{layer.table} WHERE fid = 1)"
                )
            )
            with pytest.raises(SealBroken):
                open_values(connection, layer)


class TestTheKeyFile:
    def test_is_made_for_its_owner_alone(self, tmp_path: Path) -> None:
        path = make_key(tmp_path / "secrets" / "personal.key")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert make_key(path) == path
        assert read_key(path).id == read_key(path).id

    @pytest.mark.parametrize(
        ("content", "error"),
        [(None, PersonalKeyMissing), (b"", PersonalKeyUnreadable), (b"rubbish \xff", PersonalKeyUnreadable)],
    )
    def test_that_is_gone_or_something_else_is_said(
        self, store: Database, layer: Definition, tmp_path: Path, content: bytes | None, error: type[Exception]
    ) -> None:
        path = tmp_path / "personal.key"
        if content is not None:
            path.write_bytes(content)
        engine = replace(store, personal_key=KeyFile(path)).engine("diaban_owner")
        with pytest.raises(error, match=r"personal\.key"):
            publish(engine, layer, code=["A"], owner=[MARK])
        engine.dispose()

    def test_of_another_database_is_refused(self, store: Database, layer: Definition, tmp_path: Path) -> None:
        other = make_key(tmp_path / "personal.key")
        engine = replace(store, personal_key=KeyFile(other)).engine("diaban_owner")
        with pytest.raises(WrongPersonalKey) as wrong:
            publish(engine, layer, code=["A"], owner=[MARK])
        assert read_key(other).id in wrong.value.vi
        # What is not personal goes on.
        assert publish(engine, layer, code=["A"]).inserted == 1
        engine.dispose()

    def test_that_is_missing_altogether_is_said(self, store: Database, layer: Definition) -> None:
        engine = replace(store, personal_key=None).engine("diaban_owner")
        with pytest.raises(NoPersonalKey):
            publish(engine, layer, code=["A"], owner=[MARK])
        engine.dispose()

    def test_derives_keys_that_differ(self, store_owner: Engine) -> None:
        with store_owner.connect() as connection:
            ring = keyring_of(connection)
        assert len({ring.linking, ring.finding}) == 2
        assert ring.person_of("1") != ring.person_at("a", 1)


class TestWhatAnOlderVersionLeft:
    @pytest.fixture
    def left(self, store_owner: Engine, known_people: Definition) -> Iterator[Definition]:
        """A layer as the older version kept it."""
        publish(store_owner, known_people, code=[f"C{n}" for n in range(30)])
        name = known_people.table
        with store_owner.begin() as connection:
            connection.execute(
                text(
                    f"CREATE TABLE plain.{name} (fid bigint, revision bigint, owner text, owner_id_number text,"
                    " phone text, born_on date, PRIMARY KEY (fid, revision))"
                )
            )
            connection.execute(
                text(
                    f"INSERT INTO plain.{name} SELECT n, 1, :mark || n, lpad(n::text, 12, '079'), NULL,"
                    " DATE '1980-01-01' + n FROM generate_series(1, 30) n"
                ),
                {"mark": MARK},
            )
            connection.execute(text(f"INSERT INTO plain.{name} VALUES (7, 2, NULL, NULL, NULL, NULL)"))
        yield known_people
        with store_owner.begin() as connection:
            connection.execute(text(f"DROP TABLE IF EXISTS plain.{name}"))

    def test_is_sealed_by_and_by_and_then_gone(
        self, store_owner: Engine, left: Definition, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("layers.personal.plain.BATCH", 4)
        with store_owner.connect() as connection:
            assert left.table in tables_unsealed(connection)

            def stop(name: str, count: int) -> None:
                if count >= 8:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                seal_all(connection, tell=stop)
            connection.rollback()
            waiting = connection.execute(text(f"SELECT count(*) FROM plain.{left.table}")).scalar_one()
            assert waiting == 31 - 8
            connection.rollback()
            assert seal_all(connection) == waiting
            assert left.table not in tables_unsealed(connection)
            values = open_values(connection, left, revision=1)
            assert {fid: found["owner"] for fid, found in values.items()} == {n: f"{MARK}{n}" for n in range(1, 31)}
            assert open_values(connection, left)[7] == {}
            assert MARK not in everything(connection)

    def test_must_be_sealed_before_the_layer_changes_or_is_read(self, store_writer: Engine, left: Definition) -> None:
        with pytest.raises(ValuesUnsealed):
            publish(store_writer, left, code=["A"], owner=[MARK])
        with store_writer.connect() as connection, pytest.raises(ValuesUnsealed):
            open_values(connection, left)

    def test_is_read_by_no_login_but_the_owners(self, store_writer: Engine, left: Definition) -> None:
        with store_writer.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(f"SELECT 1 FROM plain.{left.table}"))


def test_an_insert_and_its_personal_values_are_one(store_writer: Engine, layer: Definition) -> None:
    with store_writer.begin() as connection:
        done = edit_features(connection, layer.slug, [InsertFeature({"code": "A", "owner": MARK}, HERE)], note=NOTE)
    with store_writer.connect() as connection:
        assert open_values(connection, layer) == {done.fids[0]: {"owner": MARK}}
