"""What a revision changed, against changes made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import geopandas as gpd
import pytest
import shapely

from app.database import Database
from layers.access import Scope
from layers.changes import Changes, UnitChanges, read_changes_of
from layers.definition import Sensitivity
from layers.errors import LayerNotFound, RevisionNotFound
from layers.publish import ChangeNote, Mode, publish_rows, revert_layer
from tests.layers.ask_world import SOUTH, WEST
from tests.layers.asking import Asker, open_asker

pytestmark = pytest.mark.db
STEP = 0.1
RESTRICTED = "schools-restricted"


def place(column: int, row: int) -> shapely.Point:
    """The middle of a commune of the known world."""
    return shapely.Point(WEST + STEP * (column + 0.5), SOUTH + STEP * (row + 0.5))


def clinics(*rows: tuple[str, str, shapely.Point]) -> gpd.GeoDataFrame:
    listed = [{"code": c, "name": n, "kind": "hospital_general", "geometry": p} for c, n, p in rows]
    return gpd.GeoDataFrame(listed, geometry="geometry", crs="EPSG:4326")


@pytest.fixture(scope="module")
def asker(copy_database: Callable[[str], Database], world_template: str) -> Iterator[Asker]:
    """The known world with clinics in five revisions: the world's own, A B C, their changes, one more, and back."""
    database = copy_database(world_template)
    owner = database.engine("diaban_owner")
    a, b, c = ("A", "Trạm A", place(0, 0)), ("B", "Trạm B", place(1, 0)), ("C", "Trạm C", place(2, 0))
    e, near = ("E", "Trạm E", place(0, 3)), ("E", "Trạm E", shapely.Point(place(0, 3).x + 0.01, place(0, 3).y))
    moved, renamed, new = ("A", "Trạm A", place(3, 0)), ("B", "Trạm B mới", place(1, 0)), ("D", "D", place(0, 1))
    for rows, mode in (
        ([a, b, c, e], Mode.REPLACE),
        ([moved, renamed, new, near], Mode.REPLACE),
        ([("D", "D mới", place(0, 2))], Mode.UPSERT),
    ):
        with owner.begin() as connection:
            publish_rows(connection, "clinics", [clinics(*rows)], mode=mode, note=ChangeNote("test", message="tháng 3"))
    with owner.begin() as connection:
        revert_layer(connection, "clinics", 2, note=ChangeNote("test"))
    owner.dispose()
    with open_asker(database) as found:
        yield found


def changes(
    asker: Asker, revision: int, limit: int = 100, layer: str = "clinics", scope: Scope | None = None
) -> Changes:
    async def read() -> Changes:
        reader = scope or Scope.public()
        found = asker.catalogue.get(layer, reader)
        async with asker.gate.read(found.reader(reader)) as connection:
            return await read_changes_of(connection, found, revision, asker.statements, limit=limit)

    return asker.loop.run_until_complete(read())


def reader(unit: str | None) -> Scope:
    return Scope.reading("reader", classes=Sensitivity, units=frozenset({unit}) if unit else None)


def kinds(found: Changes) -> dict[str, str]:
    return {str((one.after or one.before)["code"]): one.kind for one in found.features}


def test_moved_renamed_new_and_gone(asker: Asker) -> None:
    found = changes(asker, 3)
    # A lies in another commune now, whose code is one of its values.
    assert kinds(found) == {"A": "both", "B": "attributes", "C": "gone", "D": "new", "E": "geometry"}
    # The communes are numbered row by row: A went from the first to the fourth, D lies in the second row.
    assert found.units == (
        UnitChanges("99902", 0, 1, 0),
        UnitChanges("99903", 0, 0, 1),
        UnitChanges("99904", 0, 1, 0),
        UnitChanges("99905", 1, 0, 0),
        UnitChanges("99913", 0, 1, 0),
    )
    assert found.total == 5


def test_each_tells_what_was_before_and_after(asker: Asker) -> None:
    by_code = {str((one.after or one.before)["code"]): one for one in changes(asker, 3).features}
    assert (by_code["B"].before["name"], by_code["B"].after["name"]) == ("Trạm B", "Trạm B mới")
    assert (by_code["C"].after, by_code["D"].before) == ({}, {})
    assert by_code["C"].geometry is not None
    assert by_code["A"].geometry is not None
    assert by_code["A"].geometry["coordinates"] == pytest.approx([place(3, 0).x, place(3, 0).y])


def test_what_changed_again_later_is_told_as_it_was_left_then(asker: Asker) -> None:
    (one,) = changes(asker, 4).features
    assert (one.kind, one.before["name"], one.after["name"]) == ("both", "D", "D mới")
    assert kinds(changes(asker, 3))["D"] == "new"


def test_going_back_is_the_inverse(asker: Asker) -> None:
    found = changes(asker, 5)
    assert kinds(found) == {"A": "both", "B": "attributes", "C": "new", "D": "gone", "E": "geometry"}
    assert (found.facts.kind, found.facts.reverts_to) == ("revert", 2)


def test_limit_cuts_the_features_and_not_the_numbers(asker: Asker) -> None:
    found = changes(asker, 3, limit=2)
    assert (len(found.features), found.total) == (2, 5)


def test_personal_fields_are_not_in_it(asker: Asker) -> None:
    found = changes(asker, 1, limit=5, layer="parcels")
    assert found.total == 150 * 150
    assert all("owner_name" not in one.after for one in found.features)


def test_only_those_of_the_readers_communes(asker: Asker) -> None:
    whole = changes(asker, 1, layer=RESTRICTED, scope=reader(None))
    part = changes(asker, 1, layer=RESTRICTED, scope=reader("99902"))
    assert whole.total == 100 > part.total > 0
    assert part.units == tuple(unit for unit in whole.units if unit.unit_code == "99902")
    assert {one.unit_code for one in part.features} == {"99902"}
    assert {one.fid for one in part.features} == {one.fid for one in whole.features if one.unit_code == "99902"}


def test_of_a_layer_that_the_reader_may_not_know_are_absent(asker: Asker) -> None:
    with pytest.raises(LayerNotFound):
        changes(asker, 1, layer=RESTRICTED)


@pytest.mark.parametrize("revision", [0, 99, 2**62])
def test_revision_that_never_was(asker: Asker, revision: int) -> None:
    with pytest.raises(RevisionNotFound):
        changes(asker, revision)
