"""Random changes of a layer, held against a model of the store in plain Python."""

from __future__ import annotations

import random

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import Connection, Engine, text

from layers.definition import Definition
from layers.edit import DeleteFeature, Edit, InsertFeature, ReplaceFeature, UpdateFeature, edit_features
from layers.errors import RowsRefused
from layers.personal.opening import open_values
from layers.publish import Mode, publish_rows, revert_layer
from layers.tables import rows_at_revision
from tests.layers.conftest import MakeLayer
from tests.layers.store_model import Model, Place, make_place, moved
from tests.layers.store_world import NOTE, PLACES

pytestmark = pytest.mark.db
STEPS = 24


def frame(rows: list[Place]) -> gpd.GeoDataFrame:
    columns = {"code": [p.code for p in rows], "berths": [p.berths for p in rows], "owner": [p.owner for p in rows]}
    return gpd.GeoDataFrame(
        columns, geometry=[shapely.Point(p.x, p.y) for p in rows], crs=4326, index=range(1, len(rows) + 1)
    ).astype({"berths": "Int64"})


def values(place: Place) -> dict[str, object]:
    return {"code": place.code, "berths": place.berths, "owner": place.owner}


class Run:
    """One random history of a layer and of its model."""

    def __init__(self, definition: Definition, seed: int) -> None:
        self.definition = definition
        self.dice = random.Random(seed)  # noqa: S311 - a seeded test
        self.model = Model()

    def step(self, connection: Connection) -> None:
        """Makes one random change in the database and in the model."""
        dice = self.dice
        choice = dice.choices(("replace", "upsert", "append", "edit", "revert"), (2, 3, 2, 6, 2))[0]
        getattr(self, f"_{choice}")(connection)

    def _codes(self) -> list[str]:
        return self.dice.sample([f"C{n}" for n in range(14)], self.dice.randrange(0, 9))

    def _rows(self) -> list[Place]:
        """Places for random codes, some of them exactly as they are."""
        known = {place.code: place for place in self.model.now.values()}
        fresh = [make_place(code, self.dice) for code in self._codes()]
        return [known[p.code] if p.code in known and self.dice.random() < 0.4 else p for p in fresh]

    def _replace(self, connection: Connection) -> None:
        rows = self._rows()
        publish_rows(connection, self.definition.slug, [frame(rows)], mode=Mode.REPLACE, note=NOTE)
        self.model.replace(rows)

    def _upsert(self, connection: Connection) -> None:
        rows = self._rows()
        publish_rows(connection, self.definition.slug, [frame(rows)], mode=Mode.UPSERT, note=NOTE)
        self.model.upsert(rows)

    def _append(self, connection: Connection) -> None:
        rows = self._rows()
        if any(self.model.fid_of(place.code) is not None for place in rows):
            with pytest.raises(RowsRefused), connection.begin_nested():
                publish_rows(connection, self.definition.slug, [frame(rows)], mode=Mode.APPEND, note=NOTE)
            return
        publish_rows(connection, self.definition.slug, [frame(rows)], mode=Mode.APPEND, note=NOTE)
        self.model.upsert(rows)

    def _revert(self, connection: Connection) -> None:
        revision = self.dice.randrange(len(self.model.revisions))
        revert_layer(connection, self.definition.slug, revision, note=NOTE)
        self.model.revert(revision)

    def _edit(self, connection: Connection) -> None:
        dice, now = self.dice, self.model.now
        chosen = dice.sample(sorted(now), min(len(now), dice.randrange(0, 5)))
        deletes, updates = {fid for fid in chosen[:1] if dice.random() < 0.5}, {}
        edits: list[Edit] = [DeleteFeature(fid) for fid in deletes]
        for fid in chosen[len(deletes) :]:
            place = moved(now[fid], dice, code=f"K{fid}" if dice.random() < 0.3 else None)
            updates[fid] = place
            point = shapely.Point(place.x, place.y)
            kind = dice.choice((UpdateFeature, ReplaceFeature))
            edits.append(kind(fid, values(place), point))
        taken = {place.code for place in now.values()} | {place.code for place in updates.values()}
        inserts = [make_place(code, dice) for code in self._codes()[:2] if code not in taken]
        edits += [InsertFeature(values(place), shapely.Point(place.x, place.y)) for place in inserts]
        edit_features(connection, self.definition.slug, edits, note=NOTE)
        self.model.edit(inserts, updates, deletes)

    def check(self, connection: Connection) -> None:
        """The newest revision, the counts, the extent and the changed cells are as the model says."""
        self._check_revision(connection, len(self.model.revisions) - 1)
        given = {"slug": self.definition.slug}
        layer = connection.execute(
            text("SELECT revision, feature_count, extent FROM catalogue.layers WHERE slug = :slug"), given
        ).one()
        assert (layer.revision, layer.feature_count) == (len(self.model.revisions) - 1, len(self.model.now))
        assert layer.extent == self.model.extent
        counts = connection.execute(
            text("SELECT unit_code, feature_count FROM catalogue.feature_counts WHERE slug = :slug"), given
        )
        assert {row[0]: row[1] for row in counts} == self.model.counts
        cells = connection.execute(text("SELECT x, y, revision FROM catalogue.changed_cells WHERE slug = :slug"), given)
        assert {(row[0], row[1]): row[2] for row in cells} == self.model.cells
        numbers = connection.execute(
            text("SELECT inserted, updated, deleted FROM catalogue.revisions WHERE slug = :slug ORDER BY revision"),
            given,
        )
        assert [tuple(row) for row in numbers] == self.model.changes

    def check_past(self, connection: Connection) -> None:
        """Every revision ever published reads as it did."""
        for revision in range(len(self.model.revisions)):
            self._check_revision(connection, revision)

    def _check_revision(self, connection: Connection, revision: int) -> None:
        assert self._read(connection, revision) == {
            fid: (p.code, p.berths, p.owner, p.x, p.y, p.unit) for fid, p in self.model.revisions[revision].items()
        }

    def _read(self, connection: Connection, revision: int) -> dict[int, tuple[object, ...]]:
        then = rows_at_revision(self.definition).params(revision=revision).subquery()
        personal = open_values(connection, self.definition, revision=revision)
        geom = then.c.geom
        columns = (then.c.fid, then.c.code, then.c.berths, geom.ST_X(), geom.ST_Y(), then.c.unit_code)
        rows = connection.execute(then.select().with_only_columns(*columns)).all()
        assert len({row[0] for row in rows}) == len(rows)
        owners = {row[0]: personal.get(row[0], {}).get("owner") for row in rows}
        return {row[0]: (row[1], row[2], owners[row[0]], *row[3:]) for row in rows}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_store_agrees_with_its_model_after_any_changes(
    store_writer: Engine, make_layer: MakeLayer, seed: int
) -> None:
    run = Run(make_layer(PLACES), seed)
    for _ in range(STEPS):
        with store_writer.begin() as connection:
            run.step(connection)
        with store_writer.connect() as connection:
            run.check(connection)
    with store_writer.connect() as connection:
        run.check_past(connection)
    assert len(run.model.revisions) > STEPS / 2
