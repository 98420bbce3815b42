"""The search box over HTTP, on the generated province."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Service

pytestmark = pytest.mark.db


def results(service: Service, text: str, **more: str) -> list[dict[str, Any]]:
    answer = service.client.get("/api/search", params={"q": text, **more})
    assert answer.status_code == 200, answer.text
    found = answer.json()["results"]
    assert isinstance(found, list)
    return found


class TestNames:
    def test_a_commune_comes_first_without_its_marks(self, service: Service) -> None:
        first = results(service, "phuong mau an")[0]
        assert (first["title"], first["layer"]) == ("Phường Mẫu An", "communes")
        west, south, east, north = first["bbox"]
        assert west < east
        assert south < north

    def test_a_unit_is_found_by_its_code(self, service: Service) -> None:
        assert results(service, "99901")[0]["title"] == "Phường Mẫu An"

    def test_a_school_is_found_by_some_of_its_words_in_any_order(self, service: Service) -> None:
        found = results(service, "an tieu mau hoc")
        assert found[0]["layer"] == "schools"
        assert "Mẫu An" in found[0]["subtitle"]["vi"]

    def test_a_producer_is_found_by_its_code(self, service: Service) -> None:
        page = service.client.get("/ogc/collections/ocop-producers/items?limit=1").json()
        definition = service.client.get("/api/layers/ocop-producers").json()["definition"]
        feature = page["features"][0]
        first = results(service, feature["properties"][definition["key"][0]])[0]
        assert (first["layer"], first["fid"]) == ("ocop-producers", feature["id"])

    @pytest.mark.parametrize("text", ["%%%", "___", "\\", "' OR 1=1 --", "<script>alert(1)</script>", "\u0301"])
    def test_signs_of_sql_and_markup_find_nothing(self, service: Service, text: str) -> None:
        assert results(service, text) == []

    def test_too_long_a_text_is_refused(self, service: Service) -> None:
        assert service.client.get("/api/search", params={"q": "x" * 201}).status_code in {400, 422}

    def test_the_search_uses_the_index_of_words(self, db: Any) -> None:
        plan = db.execute(
            "SET LOCAL enable_seqscan = off; EXPLAIN SELECT 1 FROM features.schools"
            " WHERE catalogue.folded(name) LIKE '%tieu hoc%'"
        )
        plan.nextset()
        assert "schools_words" in str(plan.fetchall())


class TestParcels:
    def test_numbers_find_parcels(self, service: Service) -> None:
        feature = service.client.get("/ogc/collections/parcels/items?limit=1").json()["features"][0]
        numbers = feature["properties"]
        found = results(service, f"tờ {numbers['sheet']} thửa {numbers['parcel']}")
        assert feature["id"] in [item["fid"] for item in found]
        assert {item["layer"] for item in found} == {"parcels"}


class TestPositions:
    def test_degrees_stand_for_themselves(self, service: Service) -> None:
        (found,) = results(service, "11,05; 107,15")
        assert found["kind"] == "position"
        assert found["title"] == "11.050000, 107.150000"

    @pytest.mark.parametrize("text", ["434430 1222060", "1222060 434430"])
    def test_metres_are_read_in_the_zone_of_the_province(self, service: Service, text: str) -> None:
        # EPSG:5899 has the central meridian 107°45', nearest to the generated province but for 107°15'.
        found = results(service, text)
        assert found
        assert all("VN-2000" in item["subtitle"]["vi"] for item in found)
