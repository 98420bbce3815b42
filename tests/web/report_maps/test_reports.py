"""Reports of revisions and scenarios, made of values."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime

from layers.catalogue import Layer
from layers.changes import ChangedFeature, Changes, RevisionFacts, UnitChanges
from layers.definition_reader import load_builtin
from scenarios.alerts.lifecycle import State
from scenarios.alerts.moment import AlertThen
from scenarios.figures.classes import Measure
from scenarios.loader import get_scenario
from scenarios.outcomes import Level, PlaceKind, Standing
from tests.web.report_maps.samples import ABOUT, SQUARE, point
from web.report_maps.report import Outline
from web.report_maps.revision_report import COLORS, revision_report
from web.report_maps.scenario_report import Moment, scenario_report
from web.report_maps.shapes import MAX_CORNERS, lighten

AT = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
COMMUNE = Outline("99901", "Xã 0-0", {"type": "Polygon", "coordinates": [SQUARE]})


def layer(*, synthetic: bool = False) -> Layer:
    return Layer(load_builtin()["schools"], 1, True, synthetic, 7, 0, None, None, None)


def revision(*features: ChangedFeature, units: tuple[UnitChanges, ...] = ()) -> Changes:
    facts = RevisionFacts(7, "upsert", "tháng 11", "truong.zip", date(2026, 11, 1), None, AT)
    return Changes(facts, units or (UnitChanges("99901", 0, len(features), 0),), features)


def feature(kind: str, before: dict[str, object], after: dict[str, object]) -> ChangedFeature:
    return ChangedFeature(1, "99901", kind, point(106, 10), before, after)


def made(changes: Changes, *, synthetic: bool = False):  # type: ignore[no-untyped-def]
    light = lighten([dict(one.geometry or {}) for one in changes.features])
    return revision_report(layer(synthetic=synthetic), changes, light, [COMMUNE], light.extent, ABOUT)


class TestRevision:
    def test_tells_old_and_new_values_with_codes_spelled_out(self) -> None:
        old, new = {"code": "S1", "name": "A", "level": "TH"}, {"code": "S1", "name": "B", "level": "THCS"}
        (shape,) = made(revision(feature("attributes", old, new))).shapes
        assert shape.facts[0] == "S1"
        assert "A → B" in shape.facts[1]
        assert "Tiểu học" in shape.facts[1]
        assert "THCS" not in shape.facts[1].replace("(THCS)", "")

    def test_counts_by_commune_end_in_a_total(self) -> None:
        units = (UnitChanges("99901", 1, 2, 3), UnitChanges("99902", 10, 20, 3000))
        (grid,) = made(revision(units=units)).grids
        assert grid.rows == (
            ("99901", "Xã 0-0", "1", "2", "3"), ("99902", "–", "10", "20", "3.000"), ("", "Tổng", "11", "22", "3.003"),
        )  # fmt: skip

    def test_legend_names_the_kinds_that_occur(self) -> None:
        new = feature("new", {}, {"code": "S1", "name": "A"})
        gone = feature("gone", {"code": "S2", "name": "B"}, {})
        found = made(revision(gone, new, new))
        assert [(kind.title, kind.count, kind.color) for kind in found.legend] == [
            ("Thêm mới", 2, COLORS["new"]), ("Xóa khỏi lớp", 1, COLORS["gone"]),
        ]  # fmt: skip
        assert [shape.title for shape in found.shapes] == ["B (99901)", "A (99901)", "A (99901)"]

    def test_says_when_features_are_left_out_and_when_they_are_made_up(self) -> None:
        changes = revision(feature("new", {}, {"code": "S1"}), units=(UnitChanges("99901", 9000, 0, 0),))
        warnings = made(changes, synthetic=True).warnings
        assert "chỉ vẽ 1 trong 9.000" in warnings[0]
        assert "mô phỏng" in warnings[1]

    def test_change_of_what_may_not_be_seen_is_told_without_it(self) -> None:
        same = {"code": "S1", "name": "A"}
        (shape,) = made(revision(feature("attributes", same, same))).shapes
        assert "thông tin không được xem" in shape.facts[1]

    def test_names_nobody(self) -> None:
        assert not {field.name for field in dataclasses.fields(RevisionFacts)} & {"author", "approver"}


def alert(number: int, level: Level, lon: float | None = 106.1, **more: object) -> AlertThen:
    whole = AlertThen(
        number, "T16", PlaceKind.UNIT, "", "99901", "99901", lon, None if lon is None else 10.1, level,
        Standing.HOLDS, State.OPEN, AT, 1234.5, 1000.0,
    )  # fmt: skip
    return dataclasses.replace(whole, **more)  # type: ignore[arg-type]


class TestScenario:
    def test_alerts_are_points_by_level_and_rows(self) -> None:
        alerts = [alert(1, Level.ALARM), alert(2, Level.NOTICE), alert(3, Level.ALARM, lon=None)]
        moment = Moment(get_scenario("S04"), AT, alerts, None, Measure.VALUE)
        found = scenario_report(moment, [COMMUNE], (106, 10, 107, 11), ABOUT)
        assert [(kind.title, kind.count) for kind in found.legend] == [("Báo động", 1), ("Lưu ý", 1)]
        assert [shape.kind for shape in found.shapes] == [0, 1]
        assert len(found.grids[0].rows) == 3
        assert found.grids[0].rows[0][1:3] == ("Xã 0-0", "Xã 0-0")
        assert found.warnings == ("1 cảnh báo không có vị trí, chỉ nằm trong bảng.",)
        assert found.lines[0] == "Tại thời điểm 09:00 30/11/2026"

    def test_without_a_right_to_alerts_it_says_so(self) -> None:
        moment = Moment(get_scenario("S04"), AT, None, None, Measure.VALUE)
        found = scenario_report(moment, [], None, ABOUT)
        assert found.shapes == ()
        assert "không được xem" in found.warnings[0]

    def test_rule_that_is_no_more_is_told_by_its_number(self) -> None:
        moment = Moment(get_scenario("S04"), AT, [alert(1, Level.WARNING, rule="T0")], None, Measure.VALUE)
        assert scenario_report(moment, [], None, ABOUT).grids[0].rows[0][3] == "T0"


class TestLighten:
    def test_few_corners_stay(self) -> None:
        geometry = {"type": "Polygon", "coordinates": [SQUARE]}
        found = lighten([geometry, None])
        assert (found.geometries, found.is_simplified) == ((geometry, None), False)
        assert found.extent == (106.1, 10.1, 106.2, 10.2)

    def test_many_corners_become_fewer_in_the_same_place(self) -> None:
        line = [[106 + number / 1e6, 10.0] for number in range(MAX_CORNERS + 1)]
        found = lighten([{"type": "LineString", "coordinates": line}])
        assert found.is_simplified
        assert found.geometries[0] is not None
        assert len(found.geometries[0]["coordinates"]) == 2

    def test_nothing_has_no_extent(self) -> None:
        assert lighten([None]).extent is None
        assert lighten([]).extent is None
