"""Sorted pages over HTTP, held against ORDER BY of the database and against the Vietnamese alphabet."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, text

from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
ITEMS = "/ogc/collections/{}/items"


def walk(service: Service, slug: str, **params: object) -> Iterator[dict]:
    """Every feature, page by page, by the next links."""
    response = service.client.get(ITEMS.format(slug), params=params)
    while True:
        assert response.status_code == 200, response.text
        found = response.json()
        yield from found["features"]
        following = [link["href"] for link in found["links"] if link["rel"] == "next"]
        if not following:
            return
        response = service.client.get(following[0])


class TestPages:
    # Fields with empty values, repeated values, dates, numbers, booleans and Vietnamese text.
    CASES = (
        ("schools", "name", 'name COLLATE "vi-x-icu" ASC NULLS LAST, fid'),
        ("schools", "-name", 'name COLLATE "vi-x-icu" DESC NULLS FIRST, fid'),
        ("schools", "level,-pupils", 'level COLLATE "vi-x-icu" NULLS LAST, pupils DESC NULLS FIRST, fid'),
        ("schools", "-pupils,name", 'pupils DESC NULLS FIRST, name COLLATE "vi-x-icu" NULLS LAST, fid'),
        (
            "parcels",
            "land_use_main,-geom_area_m2",
            'land_use_main COLLATE "vi-x-icu", geom_area_m2 DESC NULLS FIRST, fid',
        ),
        ("parcels", "-data_on", "data_on DESC NULLS FIRST, fid"),
        ("parcels", "-fid", "fid DESC"),
        ("parcels", "+unit_code,-fid", 'unit_code COLLATE "vi-x-icu", fid DESC'),
    )

    @pytest.mark.parametrize(("slug", "sortby", "order"), CASES)
    def test_follow_each_other_in_the_order_of_the_database(
        self, service: Service, db: psycopg.Connection, slug: str, sortby: str, order: str
    ) -> None:
        expected = [row[0] for row in db.execute(f"SELECT fid FROM features.{slug} ORDER BY {order}").fetchall()]
        size = 7 if slug == "schools" else 900
        assert [feature["id"] for feature in walk(service, slug, sortby=sortby, limit=size)] == expected

    def test_keep_filter_and_selection(self, service: Service, db: psycopg.Connection) -> None:
        expected = db.execute("SELECT fid FROM features.schools WHERE pupils > 300 ORDER BY pupils, fid").fetchall()
        found = list(
            walk(service, "schools", sortby="pupils", filter="pupils > 300", properties="pupils,name", limit=5)
        )
        assert [feature["id"] for feature in found] == [row[0] for row in expected]
        assert all(set(feature["properties"]) == {"pupils", "name"} for feature in found)

    def test_a_past_revision_is_sorted_too(self, service: Service) -> None:
        now = [feature["id"] for feature in walk(service, "schools", sortby="-name", limit=9)]
        then = [feature["id"] for feature in walk(service, "schools", sortby="-name", limit=9, revision=1)]
        assert now == then

    def test_go_on_where_they_were_though_rows_go_and_come(self, own_service: Service, owner: Engine) -> None:
        first = own_service.client.get(ITEMS.format("schools"), params={"sortby": "name", "limit": 10}).json()
        following = next(link["href"] for link in first["links"] if link["rel"] == "next")
        rest = own_service.client.get(following + "&offset=0", params=None).json()["features"]
        with owner.begin() as connection:
            gone = first["features"][-1]["id"]
            connection.execute(text("DELETE FROM features.schools WHERE fid = :fid"), {"fid": gone})
        again = own_service.client.get(following).json()["features"]
        assert [feature["id"] for feature in again] == [feature["id"] for feature in rest]

    def test_the_order_is_that_of_the_vietnamese_alphabet(self, own_service: Service, owner: Engine) -> None:
        names = ["Đa Kao", "Dĩ An", "Ăn Thạnh", "An Lạc", "Ân Thi", "Ô Môn", "Ong", "Ơ", "Ư", "U Minh", "Da"]
        with owner.begin() as connection:
            fids = connection.execute(text("SELECT fid FROM features.schools ORDER BY fid LIMIT 11")).scalars().all()
            for fid, name in zip(fids, names, strict=True):
                connection.execute(
                    text("UPDATE features.schools SET name = :name WHERE fid = :fid"), {"name": name, "fid": fid}
                )
        listed = ",".join(str(fid) for fid in fids)
        found = walk(own_service, "schools", sortby="name", filter=f"fid IN ({listed})", limit=3)
        expected = ["An Lạc", "Ăn Thạnh", "Ân Thi", "Da", "Dĩ An", "Đa Kao", "Ong", "Ô Môn", "Ơ", "U Minh", "Ư"]
        assert [feature["properties"]["name"] for feature in found] == expected


class TestSortables:
    def test_name_exactly_what_may_be_sorted_by(self, service: Service) -> None:
        document = service.client.get("/ogc/collections/ocop-producers/sortables").json()
        for name in document["properties"]:
            response = service.client.get(ITEMS.format("ocop-producers"), params={"sortby": f"-{name}", "limit": 2})
            assert response.status_code == 200, name
        assert "fid" in document["properties"]
        assert "geometry" not in document["properties"]
        assert not any(schema["type"] == "array" for schema in document["properties"].values())

    def test_are_linked_from_the_collection_and_declared(self, service: Service) -> None:
        links = service.client.get("/ogc/collections/schools").json()["links"]
        rel = "http://www.opengis.net/def/rel/ogc/1.0/sortables"
        href = next(link["href"] for link in links if link["rel"] == rel and "schema+json" in link["type"])
        assert service.client.get(href).json()["$id"].endswith("/schools/sortables")
        assert service.client.get(href, headers={"Accept": "text/html"}).status_code == 200


class TestBadInput:
    def bad_cursors(self) -> list[str]:
        def pack(*parts: object) -> str:
            return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")

        return [
            "1z", "!!", "A" * 6001, "AAAA", pack("name"), pack("name", "x"), pack("-name", "x", 1), pack("name", 5, 1),
            pack("name", "x", None), pack("name", "x", 2**64), pack("name", "a\x00b", 1), pack("name", ["x"], 1),
            pack("name", "x", True), base64.urlsafe_b64encode(b'["name",NaN,1]').decode(),
        ]  # fmt: skip

    def test_a_cursor_that_is_not_ours_is_refused(self, service: Service) -> None:
        for cursor in self.bad_cursors():
            response = service.client.get(ITEMS.format("schools"), params={"sortby": "name", "cursor": cursor})
            assert response.status_code == 400, cursor
            assert response.json()["parameter"] == "cursor"

    @pytest.mark.parametrize("sortby", ["nosuch", "-", "name,name", "geometry", "owner_name", "name;drop", "--name"])
    def test_an_order_that_is_none_is_refused(self, service: Service, sortby: str) -> None:
        response = service.client.get(ITEMS.format("parcels"), params={"sortby": sortby})
        assert response.status_code == 400
        assert response.json()["parameter"] == "sortby"
