"""What each login may read, asked of the database itself."""

from __future__ import annotations

import geopandas as gpd
import psycopg
import pytest
import shapely
from sqlalchemy import Engine

from app.database import Database
from layers.access import Scope
from layers.definition import Sensitivity
from layers.publish import Mode, publish_rows
from tests.layers.ask_world import SIZE, SOUTH, WEST, commune_code
from tests.layers.conftest import MakeLayer
from tests.layers.store_world import NOTE, PLACES

pytestmark = pytest.mark.db
SCOPE = "SELECT set_config('diaban.subject', %s, true), set_config('diaban.read', %s, true)"


@pytest.fixture
def hidden(store_writer: Engine, make_layer: MakeLayer) -> str:
    """The table of an internal layer with one feature in each of two communes."""
    layer = make_layer(PLACES, sensitivity=Sensitivity.INTERNAL)
    points = [shapely.Point(WEST + 0.05, SOUTH + 0.05), shapely.Point(WEST + 0.05 + SIZE / 4, SOUTH + 0.05)]
    frame = gpd.GeoDataFrame({"code": ["A", "B"], "owner": ["x", "y"]}, geometry=points, crs=4326, index=[1, 2])
    with store_writer.begin() as connection:
        publish_rows(connection, layer.slug, [frame], mode=Mode.REPLACE, note=NOTE)
    return layer.table


@pytest.mark.parametrize("login", ["diaban_public", "diaban_reader"])
@pytest.mark.parametrize("statement", [
    "SELECT 1 FROM private.{0}", "INSERT INTO features.{0} (fid) VALUES (1)", "DELETE FROM history.{0}",
    "UPDATE catalogue.layers SET revision = 0", "CREATE TABLE public.mine (a int)",
    "CREATE TABLE features.mine (a int)",
    "SELECT nextval('features.{0}_fid_seq')", "COPY catalogue.layers TO PROGRAM 'true'", "SET ROLE diaban_owner",
])  # fmt: skip
def test_a_reading_login_reaches_nothing_private_and_writes_nothing(
    store: Database, hidden: str, login: str, statement: str
) -> None:
    with psycopg.connect(store.dsn(login)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.format(hidden))


@pytest.mark.parametrize("schema", ["features", "history"])
def test_the_public_login_cannot_read_an_internal_layer(store: Database, hidden: str, schema: str) -> None:
    with (
        psycopg.connect(store.dsn("diaban_public")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"SELECT 1 FROM {schema}.{hidden}")


class TestTheReaderLogin:
    CASES = (
        (Scope.local_admin(), ["A", "B"]),
        (Scope.public(), []),
        (Scope.reading("s", classes=[Sensitivity.INTERNAL], units=frozenset({commune_code(1, 0)})), ["B"]),
        (Scope.reading("s", classes=[Sensitivity.INTERNAL], units=frozenset()), []),
        (Scope.reading("s", classes=[Sensitivity.RESTRICTED]), []),
    )

    @pytest.mark.parametrize(("scope", "expected"), CASES)
    def test_sees_what_its_scope_holds(self, store: Database, hidden: str, scope: Scope, expected: list[str]) -> None:
        with psycopg.connect(store.dsn("diaban_reader")) as connection:
            connection.execute(SCOPE, scope.settings)
            rows = connection.execute(f"SELECT code FROM features.{hidden} ORDER BY code").fetchall()
        assert [row[0] for row in rows] == expected

    def test_sees_nothing_without_a_scope_and_nothing_after_its_transaction(self, store: Database, hidden: str) -> None:
        with psycopg.connect(store.dsn("diaban_reader")) as connection:
            assert connection.execute(f"SELECT count(*) FROM features.{hidden}").fetchone() == (0,)
            connection.execute(SCOPE, Scope.local_admin().settings)
            assert connection.execute(f"SELECT count(*) FROM features.{hidden}").fetchone() == (2,)
            connection.commit()
            assert connection.execute(f"SELECT count(*) FROM features.{hidden}").fetchone() == (0,)
