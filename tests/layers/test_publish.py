"""Publishing through the one delta path, on a real database."""

from __future__ import annotations

import threading

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from sqlalchemy import Connection, Engine, text

from layers.definition import Definition
from layers.definition_reader import load_builtin
from layers.errors import RevisionNotFound, RowsRefused
from layers.publish import ChangeNote, Mode, Published, publish_rows, revert_layer
from layers.tables import rows_at_revision

pytestmark = pytest.mark.db
NOTE = ChangeNote("test")
SLUG = "trees"


@pytest.fixture(scope="module")
def definition() -> Definition:
    return load_builtin()[SLUG]


def layer_state(connection: Connection, slug: str = SLUG) -> tuple[int, int]:
    row = connection.execute(
        text("SELECT revision, feature_count FROM catalogue.layers WHERE slug = :slug"), {"slug": slug}
    ).one()
    return int(row.revision), int(row.feature_count)


def current_frame(engine: Engine, definition: Definition) -> gpd.GeoDataFrame:
    """The layer as a frame that could be published again."""
    names = ", ".join(f'"{field.name}"' for field in definition.fields if not field.personal)
    with engine.connect() as connection:
        frame = gpd.read_postgis(
            text(f"SELECT {names}, geom AS geometry FROM features.{definition.table} ORDER BY fid"),
            connection,
            geom_col="geometry",
        )
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame


def publish(engine: Engine, frame: pd.DataFrame, mode: Mode = Mode.REPLACE, slug: str = SLUG) -> Published:
    with engine.begin() as connection:
        return publish_rows(connection, slug, [frame], mode=mode, note=NOTE)


def snapshot(engine: Engine, definition: Definition, revision: int) -> list[tuple[object, ...]]:
    statement = rows_at_revision(definition).params(revision=revision)
    with engine.connect() as connection:
        return sorted((tuple(str(value) for value in row) for row in connection.execute(statement)), key=str)


class TestTheSameRowsAgain:
    def test_are_no_change_and_no_revision(self, owner: Engine, definition: Definition) -> None:
        with owner.connect() as connection:
            before = layer_state(connection)
        done = publish(owner, current_frame(owner, definition))
        assert done.changed == 0
        with owner.connect() as connection:
            assert layer_state(connection) == before


class TestAChangedRow:
    def test_closes_the_old_state_and_keeps_the_fid(self, owner: Engine, definition: Definition) -> None:
        frame = current_frame(owner, definition)
        key = definition.key[0]
        value = frame[key].iloc[3]
        frame.loc[frame.index[3], "geometry"] = shapely.Point(107.2, 11.05)
        with owner.connect() as connection:
            fid = connection.execute(
                text(f'SELECT fid FROM features.trees WHERE "{key}" = :value'), {"value": value}
            ).scalar_one()
        done = publish(owner, frame)
        assert (done.inserted, done.updated, done.deleted, done.revision) == (0, 1, 0, 2)
        with owner.connect() as connection:
            row = connection.execute(
                text("SELECT from_revision, ST_AsText(geom) FROM features.trees WHERE fid = :fid"), {"fid": fid}
            ).one()
            assert tuple(row) == (2, "POINT(107.2 11.05)")
            closed = connection.execute(
                text("SELECT from_revision, to_revision FROM history.trees WHERE fid = :fid"), {"fid": fid}
            ).all()
            assert [tuple(item) for item in closed] == [(1, 2)]


class TestReplace:
    def test_deletes_what_the_rows_do_not_name(self, owner: Engine, definition: Definition) -> None:
        frame = current_frame(owner, definition)
        done = publish(owner, frame.iloc[10:])
        assert (done.inserted, done.updated, done.deleted) == (0, 0, 10)
        with owner.connect() as connection:
            counted = connection.execute(
                text("SELECT sum(feature_count) FROM catalogue.feature_counts WHERE slug = 'trees'")
            ).scalar_one()
            stored = connection.execute(text("SELECT count(*) FROM features.trees")).scalar_one()
            assert counted == stored == len(frame) - 10 == layer_state(connection)[1]

    def test_shrinks_the_extent_when_the_border_goes(self, owner: Engine, definition: Definition) -> None:
        frame = current_frame(owner, definition)
        eastmost = frame.geometry.x.idxmax()
        publish(owner, frame.drop(index=[eastmost]))
        with owner.connect() as connection:
            extent = connection.execute(text("SELECT extent FROM catalogue.layers WHERE slug = 'trees'")).scalar_one()
        assert extent[2] == pytest.approx(frame.drop(index=[eastmost]).geometry.x.max(), abs=1e-12)


class TestUpsertAndAppend:
    def test_upsert_keeps_the_rest(self, owner: Engine, definition: Definition) -> None:
        frame = current_frame(owner, definition)
        done = publish(owner, frame.iloc[:5].assign(geometry=shapely.Point(107.19, 11.06)), Mode.UPSERT)
        assert (done.updated, done.deleted, done.feature_count) == (5, 0, len(frame))

    def test_append_refuses_a_known_key_and_names_the_row(self, owner: Engine, definition: Definition) -> None:
        frame = current_frame(owner, definition)
        with pytest.raises(RowsRefused) as caught:
            publish(owner, frame.iloc[4:5], Mode.APPEND)
        assert "[5]" in caught.value.en

    def test_a_repeated_key_is_refused_whole(self, owner: Engine, definition: Definition) -> None:
        frame = current_frame(owner, definition)
        twice = pd.concat([frame, frame.iloc[:1]])
        twice.index = pd.RangeIndex(1, len(twice) + 1)
        with pytest.raises(RowsRefused):
            publish(owner, gpd.GeoDataFrame(twice, geometry="geometry", crs=4326))
        with owner.connect() as connection:
            assert layer_state(connection) == (1, len(frame))


class TestThePast:
    def test_every_revision_can_be_read_and_brought_back(self, owner: Engine, definition: Definition) -> None:
        first = snapshot(owner, definition, 1)
        frame = current_frame(owner, definition)
        publish(owner, frame.iloc[5:].assign(geometry=shapely.Point(107.21, 11.07)))
        second = snapshot(owner, definition, 2)
        publish(owner, frame.iloc[:20])
        assert snapshot(owner, definition, 1) == first
        assert snapshot(owner, definition, 2) == second
        with owner.begin() as connection:
            done = revert_layer(connection, SLUG, 1, note=NOTE)
        assert done.revision == 4
        assert [row[1:] for row in _without_revision(snapshot(owner, definition, 4), definition)] == [
            row[1:] for row in _without_revision(first, definition)
        ]

    def test_a_revision_that_never_was_is_refused(self, owner: Engine) -> None:
        with owner.begin() as connection, pytest.raises(RevisionNotFound):
            revert_layer(connection, SLUG, 99, note=NOTE)


def _without_revision(rows: list[tuple[object, ...]], definition: Definition) -> list[tuple[object, ...]]:
    from layers.tables import common_columns

    place = common_columns(definition).index("from_revision")
    return sorted((row[:place] + row[place + 1 :] for row in rows), key=str)


class TestPersonalFields:
    def test_are_in_no_feature_table_and_follow_changes(self, owner: Engine) -> None:
        definition = load_builtin()["parcels"]
        names = {field.name for field in definition.personal_fields}
        with owner.connect() as connection:
            columns = set(
                connection.execute(
                    text(
                        "SELECT column_name FROM information_schema.columns"
                        " WHERE table_schema IN ('features', 'history') AND table_name = 'parcels'"
                    )
                ).scalars()
            )
            kept = connection.execute(text("SELECT count(*) FROM private.parcels")).scalar_one()
        assert names
        assert not names & columns
        assert kept > 0

    @pytest.mark.parametrize("login", ["diaban_public", "diaban_reader"])
    def test_no_http_login_can_read_them(self, database: object, login: str) -> None:
        engine = database.engine(login)  # type: ignore[attr-defined]
        with engine.connect() as connection, pytest.raises(Exception, match="permission denied"):
            connection.execute(text("SELECT * FROM private.parcels LIMIT 1"))
        engine.dispose()


class TestWritersAtOnce:
    def test_serialise_and_lose_nothing(self, owner: Engine, definition: Definition) -> None:
        frame = current_frame(owner, definition)
        parts = [frame.iloc[i : i + 5].assign(geometry=shapely.Point(107.1 + i / 1000, 11.0)) for i in range(0, 40, 5)]
        failures: list[BaseException] = []

        def write(part: gpd.GeoDataFrame) -> None:
            try:
                publish(owner, part, Mode.UPSERT)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=write, args=(part,)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        with owner.connect() as connection:
            assert layer_state(connection) == (1 + len(parts), len(frame))
            assert (
                connection.execute(text("SELECT count(*) FROM features.trees WHERE from_revision > 1")).scalar_one()
                == 40
            )


class TestAnAbortedPublication:
    def test_leaves_the_old_revision_whole(self, owner: Engine, definition: Definition) -> None:
        before = snapshot(owner, definition, 1)
        frame = current_frame(owner, definition)
        connection = owner.connect()
        transaction = connection.begin()
        publish_rows(connection, SLUG, [frame.iloc[:50]], mode=Mode.REPLACE, note=NOTE)
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with owner.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(Exception, match=r"(terminat|closed|lost)"):
            connection.execute(text("SELECT 1"))
        transaction.close()
        connection.close()
        with owner.connect() as reader:
            assert layer_state(reader) == (1, len(frame))
        assert snapshot(owner, definition, 1) == before
