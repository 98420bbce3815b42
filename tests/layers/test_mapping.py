import csv
import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest

from layers.definition import Definition, FieldType
from layers.definition_reader import load_builtin
from layers.errors import InvalidDefinition
from layers.mapping import CombinedLayer, iter_combined, read_mapping
from layers.refusals import HEADER, Refusal, write_rejects

Rows = list[dict[str, object]]
Load = Callable[[str], dict[str, CombinedLayer]]

HEAD = "title: {vi: Thử, en: Trial}\n"
MARKETS = HEAD + (
    "user_layers:\n"
    "  markets: {title: {vi: Chợ, en: Markets}, group: sector}\n"
    "sources:\n"
    "  - file: points.geojson\n"
    "    steward: Sở Công Thương\n"
)
MARKET_ENTRY = "    layers:\n      - {to: markets, fields: {source_id: Mã}}\n"
PROVINCE = {"type": "Polygon", "coordinates": [[[105, 9], [106, 9], [106, 10], [105, 10], [105, 9]]]}


def _write(path: Path, rows: Rows, geometry_type: str = "Point") -> None:
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in row.items() if name != "at"},
            "geometry": row["at"] if isinstance(row["at"], dict) else {"type": geometry_type, "coordinates": row["at"]},
        }
        for row in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


@pytest.fixture(scope="module")
def builtin() -> dict[str, Definition]:
    return load_builtin()


@pytest.fixture
def load(tmp_path: Path, builtin: dict[str, Definition]) -> Load:
    """Reads the folder of the test by the mapping given as text."""

    def read(text: str) -> dict[str, CombinedLayer]:
        path = tmp_path / "mapping.yaml"
        path.write_text(text, encoding="utf-8")
        return {layer.slug: layer for layer in iter_combined(read_mapping(path, builtin), tmp_path)}

    return read


def _markets(load: Load, tmp_path: Path, rows: Rows, options: str = "") -> CombinedLayer:
    _write(tmp_path / "points.geojson", rows)
    return load(MARKETS + options + MARKET_ENTRY)["markets"]


def _reasons(layer: CombinedLayer) -> dict[int, str]:
    return {refusal.row: refusal.reason_en for refusal in layer.refused}


class TestWrongMappingFile:
    @pytest.mark.parametrize(
        ("text", "line", "reason"),
        [
            (MARKETS + "    layers: [{to: market}]\n", 7, 'there is no layer "market"'),
            (MARKETS + "    layers:\n      - {to: schools, fields: {code: a, name: b}}\n", 8, "requires: level"),
            (MARKETS + "    layers: [{to: schools, fields: {cod: a}}]\n", 7, 'has no field "cod"'),
            (MARKETS + "    layers: [{to: markets, fields: {x: {codes: {a: b}}}}]\n", 7, "exactly one of"),
            (
                MARKETS + "    layers: [{to: markets, fields: {x: {column: a, extract: '['}}}]\n",
                7,
                "regular expression",
            ),
            (MARKETS + "    layers: [{to: markets, fields: {x: {column: a, code_table: t}}}]\n", 7, "no code table"),
            (MARKETS + "    layers: [{to: markets, where: {column: a}}]\n", 7, "exactly one of: in, not_in"),
            (MARKETS.replace("points.geojson", "../points.geojson") + MARKET_ENTRY, 5, "inside the data folder"),
            (MARKETS.replace("sector", "sectors") + MARKET_ENTRY, 3, "choose: map"),
            (MARKETS + "    colour: red\n" + MARKET_ENTRY, 7, "colour"),
        ],
    )
    def test_is_refused_with_line_and_reason(
        self, tmp_path: Path, builtin: dict[str, Definition], text: str, line: int, reason: str
    ) -> None:
        path = tmp_path / "mapping.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InvalidDefinition) as caught:
            read_mapping(path, builtin)
        assert caught.value.file == str(path)
        assert caught.value.line == line
        assert reason in caught.value.en

    def test_names_the_columns_there_are(self, tmp_path: Path, load: Load) -> None:
        _write(tmp_path / "points.geojson", [{"Ma ": "1", "at": [105.5, 9.5]}])
        with pytest.raises(InvalidDefinition) as caught:
            load(MARKETS + MARKET_ENTRY)
        assert 'has no column "Mã" but: Ma.' in caught.value.en

    def test_absent_file_is_refused_unless_optional(self, load: Load) -> None:
        with pytest.raises(InvalidDefinition, match=r"points\.geojson"):
            load(MARKETS + MARKET_ENTRY)
        assert load(MARKETS + "    optional: true\n" + MARKET_ENTRY) == {}

    def test_file_of_another_kind_than_its_name_is_refused(self, tmp_path: Path, load: Load) -> None:
        (tmp_path / "points.geojson").write_text("<OGRVRTDataSource/>", encoding="utf-8")
        with pytest.raises(InvalidDefinition, match="GeoJSON"):
            load(MARKETS + MARKET_ENTRY)


class TestTransforms:
    def _value(self, load: Load, tmp_path: Path, rule: str, *columns: object) -> object:
        row: dict[str, object] = {f"c{number}": value for number, value in enumerate(columns, start=1)}
        # A second row keeps GDAL from reading texts as numbers.
        _write(tmp_path / "points.geojson", [{**row, "at": [105.5, 9.5]}])
        entry = f"    layers:\n      - {{to: markets, fields: {{source_id: {{value: a}}, v: {rule}}}}}\n"
        rows = load(MARKETS + entry)["markets"].rows
        return rows["v"].iloc[0] if "v" in rows else None

    @pytest.mark.parametrize(
        ("rule", "columns", "expected"),
        [
            ("c1", ("  Chợ\n Nổi ",), "Chợ Nổi"),
            ("c1", ("Ho\u0300a",), "Hòa"),
            ("{column: c1, extract: '^D([0-9]+)', prefix: 'ống '}", ("D90HH",), "ống 90"),
            ("{column: c1, codes: {tốt: good}}", (" TỐT ",), "good"),
            ("{column: c1, codes: {tốt: good}}", ("Xấu",), "Xấu"),
            ("{column: c1, contains: {htx: coop, công ty: firm}, otherwise: other}", ("Công ty A",), "firm"),
            ("{column: c1, contains: {htx: coop}, otherwise: other}", ("Ông A",), "other"),
            ("{column: c1, number: vi, unit: m}", ("1.250,5 m",), 1250.5),
            ("{column: c1, number: point, unit: m, times: 0.001}", ("21000m",), 21.0),
            ("{columns: [c1, c2], join: '; '}", ("a", "b"), "a; b"),
            ("{value: hằng}", ("a",), "hằng"),
        ],
    )
    def test_makes_the_value(
        self, load: Load, tmp_path: Path, rule: str, columns: tuple[object, ...], expected: object
    ) -> None:
        assert self._value(load, tmp_path, rule, *columns) == expected

    def test_dates_become_dates(self, load: Load, tmp_path: Path) -> None:
        value = self._value(load, tmp_path, "{column: c1, dates: [d/m/Y]}", "03/02/2024")
        assert str(value) == "2024-02-03"

    def test_number_that_cannot_be_read_refuses_the_row_as_written(self, load: Load, tmp_path: Path) -> None:
        _write(tmp_path / "points.geojson", [{"w": "5 + 2 X 0,65", "at": [105.5, 9.5]}])
        entry = (
            "    layers:\n      - to: roads\n        fields: {source_id: {value: a}, road_class: {value: DT}, "
            "width_m: {column: w, number: point}}\n"
        )
        (refusal,) = [r for r in load(MARKETS + entry)["roads"].refused if r.field == "width_m"]
        assert refusal.value == "5 + 2 X 0,65"


class TestUserLayer:
    def test_takes_all_columns_and_their_types(self, load: Load, tmp_path: Path) -> None:
        layer = _markets(
            load, tmp_path, [{"Mã": "1", "Số hộ ": "12", "Điện thoại": "0123", "Ghi chú": "a", "at": [105.5, 9.5]}]
        )
        kinds = {field.name: (field.type, field.personal) for field in layer.definition.fields}
        assert layer.is_user_layer
        assert kinds == {
            "source_id": (FieldType.TEXT, False),
            "so_ho": (FieldType.INTEGER, False),
            "dien_thoai": (FieldType.TEXT, True),
            "ghi_chu": (FieldType.TEXT, False),
        }

    def test_skipped_columns_are_left_out(self, load: Load, tmp_path: Path) -> None:
        layer = _markets(load, tmp_path, [{"Mã": "1", "x": "y", "at": [105.5, 9.5]}], "    skip: [x]\n")
        assert [field.name for field in layer.definition.fields] == ["source_id"]


class TestPlaces:
    @pytest.mark.parametrize(
        ("at", "reason"),
        [
            ([0, 0], "no place was entered"),
            ([9.92, 106.34], "swapped"),
            ([106232840, 10.11], "lost its decimal point"),
            ([1.063144491e16, 1.007756834e16], "lost its decimal point"),
            ([552205.1, 1105106.5], "VN-2000 metres"),
            ([10.2141, 10.2141], "longitude equals latitude"),
        ],
    )
    def test_displaced_points_are_refused(self, load: Load, tmp_path: Path, at: list[float], reason: str) -> None:
        layer = _markets(load, tmp_path, [{"Mã": "1", "at": [105.5, 9.5]}, {"Mã": "2", "at": at}])
        assert list(layer.rows["source_id"]) == ["1"]
        assert reason in _reasons(layer)[2]

    def test_feature_outside_the_territory_is_refused_with_its_distance(self, load: Load, tmp_path: Path) -> None:
        _write(tmp_path / "province.geojson", [{"code": "86", "at": PROVINCE}])
        rows: Rows = [
            {"Mã": "1", "at": [105.5, 9.5]},
            {"Mã": "2", "at": [105.85, 21.03]},
            {"Mã": "3", "at": [106.0005, 9.5]},
        ]
        within = '    within: {file: province.geojson, column: code, in: ["86"], margin_m: 100}\n'
        layer = _markets(load, tmp_path, rows, within)
        assert list(layer.rows["source_id"]) == ["1", "3"]
        assert "lies 1220" in _reasons(layer)[2]

    def test_line_with_one_vertex_outside_is_refused(self, load: Load, tmp_path: Path) -> None:
        _write(tmp_path / "province.geojson", [{"code": "86", "at": PROVINCE}])
        line = {"type": "LineString", "coordinates": [[105.5, 9.5], [106.5, 9.5]]}
        within = '    within: {file: province.geojson, column: code, in: ["86"]}\n'
        layer = _markets(load, tmp_path, [{"Mã": "1", "at": line}], within)
        assert layer.rows.empty
        assert layer.counts[0].refused == 1

    def test_territory_without_polygon_is_refused(self, load: Load, tmp_path: Path) -> None:
        _write(tmp_path / "province.geojson", [{"code": "86", "at": PROVINCE}])
        within = '    within: {file: province.geojson, column: code, in: ["68"]}\n'
        with pytest.raises(InvalidDefinition, match="no polygon"):
            _markets(load, tmp_path, [{"Mã": "1", "at": [105.5, 9.5]}], within)

    def test_placeholder_shared_by_different_things_refuses_them_all(self, load: Load, tmp_path: Path) -> None:
        rows: Rows = [{"Mã": code, "at": at} for code, at in (("1", [105.5, 9.5]), ("2", [105.6, 9.5]))]
        rows += [{"Mã": code, "at": [105.5, 9.5]} for code in ("3", "4")]
        layer = _markets(load, tmp_path, rows, "    distinct_places: true\n")
        assert list(layer.rows["source_id"]) == ["2"]
        assert set(_reasons(layer)) == {1, 3, 4}
        assert "place of row 3, 4" in _reasons(layer)[1]
        assert layer.paired == 0

    def test_two_things_at_one_point_are_kept_and_counted(self, load: Load, tmp_path: Path) -> None:
        rows: Rows = [{"Mã": code, "at": [x, 9.5]} for code, x in (("1", 105.5), ("2", 105.6), ("3", 105.5))]
        layer = _markets(load, tmp_path, rows, "    distinct_places: true\n")
        assert list(layer.rows["source_id"]) == ["1", "2", "3"]
        assert layer.paired == 2

    def test_two_things_on_one_line_are_refused(self, load: Load, tmp_path: Path) -> None:
        line = {"type": "LineString", "coordinates": [[105.5, 9.5], [105.6, 9.6]]}
        layer = _markets(load, tmp_path, [{"Mã": code, "at": line} for code in "12"], "    distinct_places: true\n")
        assert set(_reasons(layer)) == {1, 2}

    def test_entry_may_allow_shared_places(self, load: Load, tmp_path: Path) -> None:
        _write(
            tmp_path / "points.geojson",
            [{"Mã": "1", "at": [105.5, 9.5]}, {"Mã": "2", "at": [105.5, 9.5]}, {"Mã": "3", "at": [105.5, 9.5]}],
        )
        entry = MARKET_ENTRY.replace("{to: markets,", "{to: markets, shared_places: true,")
        assert len(load(MARKETS + "    distinct_places: true\n" + entry)["markets"].rows) == 3


class TestRepeats:
    def test_row_entered_twice_under_another_id_is_kept_once(self, load: Load, tmp_path: Path) -> None:
        rows: Rows = [{"Mã": code, "Tên": "Chợ", "at": [105.5, 9.5]} for code in ("1", "2")]
        rows += [{"Mã": "3", "Tên": "Chợ mới", "at": [105.5, 9.5]}]
        layer = _markets(load, tmp_path, rows, "    ids: [Mã]\n")
        assert list(layer.rows["source_id"]) == ["1", "3"]
        assert "repeats row 1" in _reasons(layer)[2]

    def test_repeated_key_is_refused(self, load: Load, tmp_path: Path) -> None:
        layer = _markets(load, tmp_path, [{"Mã": "1", "at": [105.5, 9.5]}, {"Mã": "1", "at": [105.6, 9.5]}])
        assert "repeats the key" in _reasons(layer)[2]


class TestSeveralSources:
    TEXT = (
        MARKETS
        + MARKET_ENTRY
        + "  - file: better.geojson\n    steward: Sở\n    layers:\n"
        + "      - {to: markets, replaces: true, fields: {source_id: Mã}}\n"
    )

    def test_better_source_supersedes_and_counts_add_up(self, load: Load, tmp_path: Path) -> None:
        _write(tmp_path / "points.geojson", [{"Mã": code, "at": [105.5, 9.5]} for code in ("1", "2", "3")])
        _write(
            tmp_path / "better.geojson",
            [{"Mã": "2", "at": [105.7, 9.5]}, {"Mã": "3", "at": [0, 0]}, {"Mã": "4", "at": [105.8, 9.5]}],
        )
        layer = load(self.TEXT)["markets"]
        rows = gpd.GeoDataFrame(layer.rows)
        places = dict(zip(rows["source_id"], rows.geometry.x, strict=True))
        assert places == {"1": 105.5, "2": 105.7, "3": 105.5, "4": 105.8}
        counts = [(count.total, count.good, count.refused, count.superseded) for count in layer.counts]
        assert counts == [(3, 2, 0, 1), (3, 2, 1, 0)]


class TestRejects:
    def _lines(self, tmp_path: Path, definition: Definition, *refused: Refusal) -> list[list[str]]:
        path = tmp_path / "rejects" / "schools.csv"
        write_rejects(path, definition, refused)
        raw = path.read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")
        assert b"\r\n" in raw
        return list(csv.reader(raw.decode("utf-8-sig").splitlines()))

    def test_has_row_field_value_reason_and_source(self, tmp_path: Path, builtin: dict[str, Definition]) -> None:
        refusal = Refusal(7, "level", "X", "không có trong danh mục", "not in its list", "a.gpkg:b")
        assert self._lines(tmp_path, builtin["schools"], refusal) == [
            list(HEADER),
            ["7", "level", "X", "không có trong danh mục", "not in its list", "a.gpkg:b"],
        ]

    @pytest.mark.parametrize("value", ["=HYPERLINK(1)", "+1", "-1", "@SUM", " =1", "＝1"])
    def test_formulas_are_disarmed(self, tmp_path: Path, builtin: dict[str, Definition], value: str) -> None:
        lines = self._lines(tmp_path, builtin["schools"], Refusal(1, "name", value, "vi", "en"))
        assert lines[1][2] == "'" + value

    def test_personal_values_are_masked(self, tmp_path: Path, builtin: dict[str, Definition]) -> None:
        lines = self._lines(tmp_path, builtin["schools"], Refusal(1, "principal", "Nguyễn Văn A", "vi", "en"))
        assert lines[1][2] == "(dữ liệu cá nhân)"
