"""Every role × door × layer: what a reader gets is what the rights say, by whichever door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest

from app.database import Database
from app.exports.run import Exporter
from layers.access import Units
from tests.app.rights import doors
from tests.app.rights.doors import DOCUMENTS, SETS, WINDOWS, Asking
from tests.app.rights.readers import LAYERS, NOBODY, PEOPLE, READERS, RESTRICTED, distinct_readers
from tests.conftest import Service, run_service
from tests.people import with_people

pytestmark = pytest.mark.db
EVERY_READER = distinct_readers()


@pytest.fixture(scope="module")
def service(
    copy_database: Callable[[str], Database], world_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("state")
    # Small groups are told here, so that every door can be compared: tests/layers/test_small_counts.py keeps them back.
    yield from run_service(copy_database(world_template), folder, adapt=with_people(PEOPLE), small_count=0)


@pytest.fixture(scope="module")
def oracle(service: Service) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(service.database.superuser_dsn, autocommit=True) as connection:
        yield connection


def _spelled(units: Units) -> list[str] | None:
    return None if units is None else sorted(units)


def _expected(oracle: psycopg.Connection[tuple[object, ...]], reader: str, slug: str) -> set[int] | None:
    """Ids of the features in the window that the reader may read; None where there is no commune to read."""
    units = READERS[reader].units(slug)
    if units is not None and not units:
        return None
    table = slug.replace("-", "_")
    spans = oracle.execute(
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'features'"
        " AND table_name = %s AND column_name = 'unit_codes'",
        [table],
    ).fetchone()
    owned = "unit_codes" if spans and spans[0] else "ARRAY[unit_code]"
    rows = oracle.execute(
        f"SELECT fid FROM features.{table} WHERE ST_Intersects(geom, ST_MakeEnvelope(%s, %s, %s, %s, 4326))"
        f" AND (%s::text[] IS NULL OR {owned} && %s::text[])",
        [*WINDOWS[slug], _spelled(units), _spelled(units)],
    ).fetchall()
    return {int(str(row[0])) for row in rows}


@pytest.fixture(scope="module")
def expected(oracle: psycopg.Connection[tuple[object, ...]]) -> dict[tuple[str, str], set[int] | None]:
    return {(reader, slug): _expected(oracle, reader, slug) for reader in EVERY_READER for slug in LAYERS}


def test_the_readers_differ_enough_to_prove_something(expected: dict[tuple[str, str], set[int] | None]) -> None:
    for slug in LAYERS[1:]:
        seen = {None if ids is None else len(ids) for (_, layer), ids in expected.items() if layer == slug}
        assert {None} < seen, slug
        assert len(seen) >= 4, (slug, seen)


@pytest.mark.parametrize("slug", LAYERS)
@pytest.mark.parametrize("reader", EVERY_READER)
class TestFeatures:
    def test_are_the_same_by_every_door(
        self, service: Service, expected: dict[tuple[str, str], set[int] | None], reader: str, slug: str
    ) -> None:
        asking, wanted = Asking(service.client, reader), expected[reader, slug]
        assert {name: door(asking, slug) for name, door in SETS.items()} == dict.fromkeys(SETS, wanted)

    def test_are_counted_as_they_are_read(
        self, service: Service, expected: dict[tuple[str, str], set[int] | None], reader: str, slug: str
    ) -> None:
        wanted = expected[reader, slug]
        number = None if wanted is None else len(wanted)
        assert doors.counts(Asking(service.client, reader), slug) == {
            "hits": number, "figures": number, "figures by commune": number,
        }  # fmt: skip

    def test_are_told_one_by_one_and_in_tiles_by_the_same_rule(
        self, service: Service, expected: dict[tuple[str, str], set[int] | None], reader: str, slug: str
    ) -> None:
        asking, wanted = Asking(service.client, reader), expected[reader, slug]
        everybody = sorted(expected["chairman.everywhere", slug] or ())
        sample = everybody[:: max(1, len(everybody) // 12)]
        may_see = set(sample) & (wanted or set())
        assert doors.one_by_one(asking, slug, sample) == may_see
        assert doors.history(asking, slug, sample) == may_see
        drawn = doors.tiles(asking, slug)
        if wanted is None:
            assert drawn is None
        else:
            # Tiles reach beyond the window: what is in the window is there, and nothing of it that may not be.
            assert drawn is not None
            assert drawn & set(everybody) == wanted

    def test_leave_in_a_file_by_the_same_rule(
        self, service: Service, expected: dict[tuple[str, str], set[int] | None], reader: str, slug: str
    ) -> None:
        exporter = Exporter(service.database, service.state / "exports", timedelta(hours=1))
        found = doors.export(Asking(service.client, reader), slug, exporter)
        everybody = expected["chairman.everywhere", slug]
        assert (None if found is None else found & (everybody or set())) == expected[reader, slug]

    def test_documents_of_a_hidden_layer_are_absent(
        self, service: Service, expected: dict[tuple[str, str], set[int] | None], reader: str, slug: str
    ) -> None:
        asking, wanted = Asking(service.client, reader), 404 if expected[reader, slug] is None else 200
        answers = {path: asking.get(path.format(slug=slug)) for path in DOCUMENTS}
        assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(DOCUMENTS, wanted)
        if wanted == 404:
            return
        bounds = answers["/tiles/{slug}.json"].json().get("bounds")
        whole = Asking(service.client, "chairman.everywhere").get(f"/tiles/{slug}.json").json()["bounds"]
        everything = READERS[reader].units(slug) is None
        assert (bounds == whole) is everything, "the extent of what may not be read is told"


@pytest.mark.parametrize("reader", EVERY_READER)
def test_catalogues_name_what_may_be_known(
    service: Service, expected: dict[tuple[str, str], set[int] | None], reader: str
) -> None:
    wanted = {slug for slug in LAYERS if expected[reader, slug] is not None}
    found = doors.listed(Asking(service.client, reader))
    assert found == dict.fromkeys(found, wanted)


def test_what_was_made_for_somebody_is_not_given_to_the_next(service: Service) -> None:
    """The privileged request comes first, its ETag is sent along by the others."""
    privileged = Asking(service.client, "chairman.everywhere")
    for slug in LAYERS[1:]:
        tile = next(iter(doors.tiles_of(slug)))
        for path in (
            f"/tiles/{slug}/{tile.z}/{tile.x}/{tile.y}.pbf",
            f"/tiles/{slug}.json",
            f"/ogc/collections/{slug}",
            f"/ogc/collections/{slug}/items?limit=5&f=json",
        ):
            first = privileged.client.get(path, headers=privileged.headers)
            assert first.status_code in (200, 204), path
            assert "public" not in first.headers.get("cache-control", ""), path
            for other in (NOBODY, "hamlet.here", "commune-clerk.here"):
                asking = Asking(service.client, other)
                again = asking.client.get(
                    path, headers=asking.headers | {"If-None-Match": first.headers.get("etag", "x")}
                )
                units = READERS[other].units(slug)
                if units is not None and not units:
                    assert again.status_code == 404, (path, other)
                elif again.status_code == 304:
                    # The same for both: the tile lies wholly where this reader may look.
                    fresh = asking.client.get(path, headers=asking.headers)
                    assert fresh.content == first.content, (path, other)
                else:
                    assert again.status_code in (200, 204), (path, other)


@pytest.mark.parametrize("reader", EVERY_READER)
def test_a_report_of_a_revision_tells_of_nothing_else(
    service: Service,
    oracle: psycopg.Connection[tuple[object, ...]],
    expected: dict[tuple[str, str], set[int] | None],
    reader: str,
) -> None:
    answer = Asking(service.client, reader).get(f"/api/report-maps/revision/{RESTRICTED}/1")
    may_see = expected[reader, RESTRICTED]
    assert answer.status_code == (404 if may_see is None else 200), answer.text[:300]
    if may_see is None:
        return
    rows = oracle.execute("SELECT fid, name FROM features.schools_restricted").fetchall()
    named = {int(str(fid)) for fid, name in rows if re.search(rf"{re.escape(str(name))}(?!\d)", answer.text)}
    assert named == may_see


def test_a_refusal_names_no_layer_that_the_reader_may_not_know(service: Service) -> None:
    nobody = Asking(service.client, NOBODY)
    for path in (
        "/ogc/collections/schools-restrict/items",
        "/api/layers/parcels-interna",
        "/tiles/schools-restrictd.json",
    ):
        answer = nobody.get(path)
        assert answer.status_code == 404
        assert not re.search("schools-restricted|parcels-internal", answer.text), answer.text
