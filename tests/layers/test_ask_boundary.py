"""Questions by administrative boundary, and grouped figures, held against plain rows and SQL."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from typing import Any

import pytest
import shapely

from spatial.errors import InvalidQuestion
from tests.layers.asking import Asker, Json, Row, Truth

pytestmark = pytest.mark.db


def inside(*units: str, outside: bool = False) -> dict[str, Any]:
    return {"boundary": {"units": list(units), "outside": outside}}


def by_code(truth: Truth, layer: str) -> dict[str, Row]:
    return {row["code"]: row for row in truth.rows(layer)}


class TestABoundary:
    @pytest.mark.parametrize("units", [("99",), ("99901",), ("99902", "99907", "99916")])
    def test_of_communes_holds_their_points(self, asker: Asker, truth: Truth, units: tuple[str, ...]) -> None:
        shape = shapely.union_all([by_code(truth, "provinces" if len(u) == 2 else "communes")[u].shape for u in units])
        expected = [row.fid for row in truth.rows("schools") if row.shape.within(shape)]
        assert asker.fids("schools", inside(*units)) == expected
        rest = [row.fid for row in truth.rows("schools") if row.fid not in set(expected)]
        assert asker.fids("schools", inside(*units, outside=True)) == rest

    def test_of_hamlets_is_by_geometry(self, asker: Asker, truth: Truth) -> None:
        codes = ("99901-01", "99901-02", "99906-04")
        zone = shapely.union_all([by_code(truth, "hamlets")[code].shape for code in codes])
        schools = [row.fid for row in truth.rows("schools") if row.shape.intersects(zone)]
        assert asker.fids("schools", inside(*codes)) == schools
        # Parcels that only share an edge with the hamlet are its neighbours.
        parcels = [row.fid for row in truth.rows("parcels") if row.shape.intersection(zone).area > 1e-12]
        assert asker.fids("parcels", inside(*codes)) == parcels

    def test_holds_lines_and_polygons_of_every_commune_that_they_lie_in(self, asker: Asker, truth: Truth) -> None:
        for layer in ("roads", "parcels"):
            stored = truth.connection.execute(
                f"SELECT fid FROM features.{layer} WHERE '99906' = ANY(unit_codes) ORDER BY fid"
            ).fetchall()
            assert asker.fids(layer, inside("99906")) == [row[0] for row in stored]
        shape = by_code(truth, "communes")["99906"].shape
        met = {row.fid for row in truth.rows("roads") if row.shape.intersection(shape).length > 1e-9}
        touching = {row.fid for row in truth.rows("roads") if row.shape.distance(shape) < 1e-9}
        assert met <= set(asker.fids("roads", inside("99906"))) <= touching

    def test_two_boundaries_must_both_hold(self, asker: Asker) -> None:
        both = asker.fids("schools", inside("99901", "99902"), inside("99902", "99903"))
        assert both == asker.fids("schools", inside("99902"))
        assert asker.fids("schools", inside("99"), inside("99902", outside=True)) == asker.fids(
            "schools", inside("99902", outside=True)
        )

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            ("98", "no admin unit '98'"),
            ("99917", r"Close codes: .*999"),
            ("99901-09", "Look codes up"),
            ("1", "text: province 2 digits"),
            ("' OR 1=1 --", "text: province 2 digits"),
        ],
    )
    def test_of_no_unit_is_refused_with_what_is_close(self, asker: Asker, code: str, words: str) -> None:
        with pytest.raises(InvalidQuestion, match=words) as caught:
            asker.ask("schools", inside("99901", code))
        assert caught.value.parameter == "where[0].boundary.units[1]"
        assert caught.value.vi != caught.value.en


class TestFiguresByField:
    VALUES = (
        {"op": "count"},
        {"op": "sum", "field": "pupils"},
        {"op": "mean", "field": "pupils"},
        {"op": "min", "field": "pupils"},
        {"op": "max", "field": "pupils"},
        {"op": "median", "field": "pupils"},
        {"op": "share", "of": "count"},
        {"op": "share", "of": "sum", "field": "pupils"},
    )

    def expected(self, rows: list[Row], by: str | None) -> list[Json]:
        groups: dict[Any, list[Row]] = defaultdict(list)
        for row in rows:
            groups[row[by] if by else None].append(row)
        total = sum(row["pupils"] or 0 for row in rows)
        found = []
        for key in sorted(groups):
            known = [row["pupils"] for row in groups[key] if row["pupils"] is not None]
            figures = {
                "count": len(groups[key]),
                "sum_pupils": sum(known),
                "mean_pupils": pytest.approx(statistics.fmean(known)),
                "min_pupils": min(known),
                "max_pupils": max(known),
                "median_pupils": statistics.median(known),
                "share_count": pytest.approx(len(groups[key]) / len(rows)),
                "share_sum_pupils": pytest.approx(sum(known) / total),
            }
            found.append({by: key, **figures} if by else figures)
        return found

    @pytest.mark.parametrize("by", [None, "level"])
    def test_are_those_of_plain_rows(self, asker: Asker, truth: Truth, by: str | None) -> None:
        figures = {"by": [by] if by else [], "values": list(self.VALUES)}
        rows = truth.rows("schools")
        if by is None:
            assert asker.figures("schools", figures=figures) == [
                self.expected([*rows], None)[0],
            ]
            return
        assert asker.figures("schools", figures=figures) == self.expected(rows, by)

    def test_of_nothing_are_zero_or_unknown(self, asker: Asker) -> None:
        found = asker.figures("schools", filter="code = 'none'", figures={"values": list(self.VALUES)})
        assert found == [
            {
                "count": 0, "sum_pupils": 0, "mean_pupils": None, "min_pupils": None, "max_pupils": None,
                "median_pupils": None, "share_count": None, "share_sum_pupils": None,
            }
        ]  # fmt: skip

    def test_areas_and_lengths_of_geometries(self, asker: Asker, truth: Truth) -> None:
        from tests.layers.oracles import area_m2, length_m

        floods = asker.figures("flood-areas", figures={"values": [{"op": "area_m2"}]})
        assert floods[0]["area_m2"] == pytest.approx(sum(area_m2(r.shape) for r in truth.rows("flood-areas")), rel=1e-6)
        roads = asker.figures("roads", figures={"by": ["road_class"], "values": [{"op": "length_m"}]})
        lengths: Counter[str] = Counter()
        for row in truth.rows("roads"):
            lengths[row["road_class"]] += length_m(row.shape)  # type: ignore[assignment]
        assert {row["road_class"]: row["length_m"] for row in roads} == pytest.approx(dict(lengths), rel=1e-6)

    def test_units_and_titles_are_told(self, asker: Asker) -> None:
        found = asker.ask("flood-areas", figures={"values": [{"op": "count"}, {"op": "area_m2"}]})
        assert [(column["name"], column["unit"], column["title"]["vi"]) for column in found["columns"]] == [
            ("count", "1", "Số lượng"),
            ("area_m2", "m²", "Diện tích"),
        ]
        assert found["units"] == {"count": "1", "area_m2": "m²"}


class TestFiguresByUnit:
    def test_of_every_commune_those_with_nothing_zero(self, asker: Asker, truth: Truth) -> None:
        found = asker.figures("schools", figures={"level": "commune"})
        counted = Counter(row["unit_code"] for row in truth.rows("schools"))
        names = {row["code"]: row["name"] for row in truth.rows("communes")}
        assert found == [
            {"unit_code": code, "unit_name": name, "count": counted.get(code, 0)}
            for code, name in sorted(names.items())
        ]
        assert {row["count"] for row in found[12:]} == {0}

    def test_and_by_field_every_pair_is_shown(self, asker: Asker, truth: Truth) -> None:
        values = [{"op": "count"}, {"op": "mean", "field": "pupils"}, {"op": "share", "of": "count"}]
        found = asker.figures("schools", figures={"level": "commune", "by": ["level"], "values": values})
        counted = Counter((row["unit_code"], row["level"]) for row in truth.rows("schools"))
        assert len(found) == 16 * 3
        for row in found:
            assert row["count"] == counted.get((row["unit_code"], row["level"]), 0)
            assert row["share_count"] == pytest.approx(row["count"] / 1500)
            assert (row["mean_pupils"] is None) == (row["count"] == 0)

    def test_drills_down_from_province_to_hamlet(self, asker: Asker, truth: Truth) -> None:
        province = asker.figures("schools", inside("99"), figures={"level": "province"})
        assert province == [{"province_code": "99", "province_name": "Tỉnh Thử", "count": 1500}]
        communes = asker.figures("schools", inside("99"), figures={"level": "commune"})
        assert sum(row["count"] for row in communes) == 1500
        hamlets = asker.figures("schools", inside("99901"), figures={"level": "hamlet"})
        shapes = by_code(truth, "hamlets")
        assert [row["hamlet_code"] for row in hamlets] == [f"99901-0{n}" for n in range(1, 5)]
        for row in hamlets:
            shape = shapes[row["hamlet_code"]].shape
            assert row["count"] == sum(school.shape.within(shape) for school in truth.rows("schools"))
        assert sum(row["count"] for row in hamlets) == next(r["count"] for r in communes if r["unit_code"] == "99901")

    def test_of_parcels_by_hamlet_go_to_the_largest_share(self, asker: Asker, truth: Truth) -> None:
        found = asker.figures("parcels", inside("99906"), figures={"level": "hamlet"})
        hamlets = {code: row.shape for code, row in by_code(truth, "hamlets").items() if code.startswith("99906")}
        expected: Counter[str] = Counter()
        for row in truth.rows("parcels"):
            if "99906" not in row["unit_codes"]:
                continue
            shares = {code: round(row.shape.intersection(shape).area, 15) for code, shape in hamlets.items()}
            expected[min(shares, key=lambda code: (-shares[code], code))] += 1
        assert {row["hamlet_code"]: row["count"] for row in found} == dict(expected)

    def test_stay_within_the_boundary_asked(self, asker: Asker, truth: Truth) -> None:
        found = asker.ask("roads", inside("99906", "99907"), figures={"level": "commune"}, features=False)
        assert [row["unit_code"] for row in found["figures"]] == ["99906", "99907"]
        held = [row for row in truth.rows("roads") if {"99906", "99907"} & set(row["unit_codes"])]
        assert sum(row["count"] for row in found["figures"]) == len(held) == found["numberMatched"]
        assert any("counted once" in note["en"] for note in found["notes"])
        assert any("only in part" in note["en"] for note in found["notes"])

    def test_leave_out_the_units_left_out(self, asker: Asker) -> None:
        found = asker.figures("schools", inside("99"), inside("99902", outside=True), figures={"level": "commune"})
        assert len(found) == 15
        assert "99902" not in {row["unit_code"] for row in found}

    def test_go_with_other_conditions(self, asker: Asker, truth: Truth) -> None:
        floods = shapely.union_all(truth.shapes("flood-areas"))
        zone = {"zone": {"geometry": {"layer": "flood-areas"}}}
        values = [{"op": "count"}, {"op": "sum", "field": "classrooms"}]
        found = asker.figures("schools", zone, filter="level <> 'MN'", figures={"level": "commune", "values": values})
        rows = [row for row in truth.rows("schools") if row["level"] != "MN" and row.shape.intersects(floods)]
        for row in found:
            own = [school for school in rows if school["unit_code"] == row["unit_code"]]
            assert (row["count"], row["sum_classrooms"]) == (len(own), sum(school["classrooms"] for school in own))
        assert sum(row["count"] for row in found) == len(rows) > 0
