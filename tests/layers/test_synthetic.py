"""The synthetic province: the same for a seed, topologically clean, and true to every definition."""

import hashlib
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from layers.definition import Definition, GeometryType
from layers.definition_reader import load_builtin
from layers.synthetic import (
    Province,
    former_units,
    layer_rows,
    make_many_parcels,
    make_parcels_inside,
    make_province,
    parcel_rows,
    successions,
)
from layers.synthetic.parcel_rows import geohash12
from layers.synthetic.partition import solid, trace_ring
from layers.synthetic.patterns import UnsupportedPattern, sample
from layers.synthetic.plausible import _CHOICES
from layers.synthetic.values import fits

TYPE_IDS = {GeometryType.POINT: 0, GeometryType.MULTILINESTRING: 5, GeometryType.MULTIPOLYGON: 6}
DEFINITIONS = load_builtin()
TAN_NINH = Path("../shared/data/admin_boundaries/originals/15715_tan_ninh.geojson")


@pytest.fixture(scope="module")
def province() -> Province:
    return make_province(seed=2026, parcels=3_000)


@pytest.fixture(scope="module")
def parcels(province: Province) -> gpd.GeoDataFrame:
    return pd.concat(list(province.parcels()), ignore_index=True)


def polygons(frame: gpd.GeoDataFrame) -> np.ndarray:
    return shapely.get_geometry(frame.geometry.to_numpy(), 0)


def edge_counts(rings: np.ndarray) -> Counter[tuple[tuple[float, float], tuple[float, float]]]:
    counts: Counter[tuple[tuple[float, float], tuple[float, float]]] = Counter()
    for ring in rings:
        points = [tuple(point) for point in shapely.get_coordinates(ring).tolist()]
        counts.update((min(a, b), max(a, b)) for a, b in pairwise(points))
    return counts


def digest(frame: pd.DataFrame) -> str:
    plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore")).map(str)
    text = plain.to_csv().encode()
    shapes = b"".join(shapely.to_wkb(frame.geometry.to_numpy())) if "geometry" in frame else b""
    return hashlib.sha256(text + shapes).hexdigest()


class TestDeterminism:
    def test_same_seed_same_bytes(self, parcels: gpd.GeoDataFrame) -> None:
        again = pd.concat(list(make_province(seed=2026, parcels=3_000).parcels(700)), ignore_index=True)
        assert digest(again) == digest(parcels)

    def test_another_seed_is_another_province(self, province: Province) -> None:
        other = make_province(seed=7, parcels=3_000)
        assert digest(other.communes) != digest(province.communes)

    def test_layers_come_out_the_same(self, province: Province) -> None:
        for slug in ("schools", "roads", "plans", "budgets"):
            first = [digest(frame) for frame in layer_rows(province, DEFINITIONS[slug])]
            fresh = make_province(seed=2026, parcels=3_000)
            assert [digest(frame) for frame in layer_rows(fresh, DEFINITIONS[slug])] == first

    def test_units_do_not_depend_on_the_number_of_parcels(self, province: Province) -> None:
        other = make_province(seed=2026, parcels=40_000)
        assert other.hamlets["code"].tolist() == province.hamlets["code"].tolist()
        assert [unit.blocks.tolist() for unit in other.units.hamlets] == [
            unit.blocks.tolist() for unit in province.units.hamlets
        ]


class TestUnits:
    def test_counts_and_codes(self, province: Province) -> None:
        assert len(province.communes) == 16
        assert province.communes["code"].tolist() == [f"{99901 + n}" for n in range(16)]
        assert province.hamlets.groupby("parent_code").size().between(6, 12).all()
        assert province.hamlets["code"].is_unique
        assert province.communes["name"].is_unique
        assert (province.hamlets["code"].str[:5] == province.hamlets["parent_code"]).all()

    def test_province_lies_on_both_sides_of_where_proj_changes_operation(self, province: Province) -> None:
        west, south, east, north = province.province.total_bounds
        assert west < 107.11 < east
        assert south < 11.04 < north
        assert (west > 106.9, east < 107.6, south > 10.8, north < 11.4) == (True,) * 4

    def test_levels_nest_without_gaps(self, province: Province) -> None:
        outline = shapely.area(province.province.geometry.iloc[0])
        former = former_units(province)
        for frame in (province.communes, province.hamlets, former[former["level"] == "commune"]):
            shapes = frame.geometry.to_numpy()
            assert shapely.is_valid(shapes).all()
            assert shapely.is_ccw(shapely.get_exterior_ring(polygons(frame))).all()
            assert shapely.area(shapes).sum() == pytest.approx(outline, rel=1e-9)
        communes = province.communes.set_index("code").geometry
        parents = communes.loc[province.hamlets["parent_code"]].to_numpy()
        assert shapely.covers(parents, province.hamlets.geometry.to_numpy()).all()

    def test_edges_of_hamlets_are_shared_exactly(self, province: Province) -> None:
        outline = set(edge_counts(polygons(province.province)))
        for edge, count in edge_counts(polygons(province.hamlets)).items():
            assert count == (1 if edge in outline else 2)

    def test_merger_joins_two_or_three_former_communes(self, province: Province) -> None:
        links = successions(province)
        joined = Counter(new for _, _, _, new, _ in links)
        assert set(joined) == set(province.communes["code"])
        assert set(joined.values()) <= {2, 3}
        former = former_units(province).set_index("code")
        assert former[former["level"] == "district"].index.str.len().unique().tolist() == [3]
        for _, old, _, new, on in links:
            commune = province.communes.set_index("code").geometry[new]
            assert commune.covers(former.geometry[old])
            assert former["valid_to"][old] <= on

    def test_refuses_a_province_of_few_communes(self) -> None:
        with pytest.raises(ValueError, match="12"):
            make_province(communes=5)


class TestPartition:
    def test_hole_is_filled_and_pinch_is_opened(self) -> None:
        mask = np.ones((6, 6), dtype=np.bool_)
        mask[2, 2] = mask[0, 0] = False
        mask[5, 4] = mask[4, 5] = False
        whole = solid(mask)
        assert whole[2, 2]
        assert trace_ring(np.flatnonzero(whole), 6) is not None

    def test_areas_that_are_not_simple_have_no_ring(self) -> None:
        assert trace_ring(np.array([0, 4]), 3) is None
        assert trace_ring(np.array([0, 2]), 3) is None
        assert trace_ring(np.array([0, 1, 2, 3, 5, 6, 7, 8]), 3) is None

    def test_ring_of_one_block_runs_counter_clockwise(self) -> None:
        assert trace_ring(np.array([4]), 3) == [5, 6, 10, 9]


class TestParcels:
    def test_count_is_exact_and_shapes_are_valid(self, parcels: gpd.GeoDataFrame) -> None:
        assert len(parcels) == 3_000
        assert shapely.is_valid(parcels.geometry.to_numpy()).all()
        assert shapely.is_ccw(shapely.get_exterior_ring(polygons(parcels))).all()

    def test_cover_the_outline_once(self, province: Province, parcels: gpd.GeoDataFrame) -> None:
        shapes = parcels.geometry.to_numpy()
        outline = shapely.area(province.province.geometry.iloc[0])
        assert shapely.area(shapes).sum() == pytest.approx(outline, rel=1e-9)
        left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
        apart = left < right
        overlap = shapely.relate_pattern(shapes[left[apart]], shapes[right[apart]], "T********")
        assert not overlap.any()

    def test_every_edge_is_shared_by_two_unless_it_is_the_outline(
        self, province: Province, parcels: gpd.GeoDataFrame
    ) -> None:
        counts = edge_counts(polygons(parcels))
        outline = set(edge_counts(polygons(province.province)))
        assert {edge for edge, count in counts.items() if count == 1} == outline
        assert set(counts.values()) == {1, 2}

    def test_each_lies_in_its_hamlet(self, province: Province, parcels: gpd.GeoDataFrame) -> None:
        hamlets = province.hamlets.set_index("code").geometry.loc[parcels["hamlet_code"]].to_numpy()
        assert shapely.covers(hamlets, parcels.geometry.to_numpy()).all()
        assert (parcels["hamlet_code"].str[:5] == parcels["commune_code"]).all()

    def test_sheets_restart_in_every_old_commune(self, parcels: gpd.GeoDataFrame) -> None:
        assert not parcels.duplicated(["old_commune_code", "sheet_no", "parcel_no"]).any()
        assert (parcels.groupby("old_commune_code")["sheet_no"].min() == 1).all()

    def test_area_is_geodesic(self, parcels: gpd.GeoDataFrame) -> None:
        geod = Geod(ellps="WGS84")
        some = parcels.iloc[::60]
        exact = np.array([geod.geometry_area_perimeter(shape)[0] for shape in some.geometry])
        np.testing.assert_allclose(some["area_m2"], exact, rtol=2e-5)
        assert (abs(some["legal_area_m2"] / exact - 1) < 0.021).all()

    def test_dense_blocks_stay_clean(self) -> None:
        frame = next(make_many_parcels(1_000_000, chunk_rows=20_000))
        shapes = frame.geometry.to_numpy()
        assert len(frame) <= 20_000
        assert shapely.is_valid(shapes).all()
        assert shapely.area(shapely.union_all(shapes)) == pytest.approx(shapely.area(shapes).sum(), rel=1e-9)
        assert frame["area_m2"].median() < 2_500

    def test_geohash_is_that_of_postgis(self) -> None:
        # SELECT ST_GeoHash(ST_SetSRID(ST_MakePoint(-126, 48), 4326), 12)
        assert geohash12(np.array([[-126.0, 48.0]])) == ["c0w3hf1s70w3"]


class TestParcelsInsideARealCommune:
    def outline(self) -> shapely.Polygon:
        if not TAN_NINH.exists():
            pytest.skip("shared data are not beside the checkout")
        shape = json.loads(TAN_NINH.read_text(encoding="utf-8"))
        geometry = shape["features"][0]["geometry"] if "features" in shape else shape.get("geometry", shape)
        found = shapely.from_geojson(json.dumps(geometry))
        assert isinstance(found, shapely.Polygon | shapely.MultiPolygon)
        return found

    def test_all_lie_inside(self) -> None:
        outline = self.outline()
        frame = make_parcels_inside(outline, "15715", ["14001", "14002"], 2_000, seed=5)
        shapes = frame.geometry.to_numpy()
        assert len(frame) == 2_000
        assert shapely.contains_properly(outline, shapes).all()
        assert set(frame["old_commune_code"]) == {"14001", "14002"}
        assert shapely.area(shapely.union_all(shapes)) == pytest.approx(shapely.area(shapes).sum(), rel=1e-9)
        rows = parcel_rows(frame, DEFINITIONS["parcels"], source_crs="EPSG:5897")
        assert not rows.duplicated(["old_commune_code", "sheet", "parcel"]).any()

    @pytest.mark.parametrize(("n", "old"), [(0, ["14001"]), (5, [])])
    def test_refuses_nothing_to_make(self, n: int, old: list[str]) -> None:
        with pytest.raises(ValueError, match="at least"):
            make_parcels_inside(shapely.box(105, 19, 105.1, 19.1), "15715", old, n)


class TestLayers:
    @pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=lambda definition: definition.slug)
    def test_rows_satisfy_the_definition(self, province: Province, definition: Definition) -> None:
        frames = list(layer_rows(province, definition))
        rows = pd.concat(frames)
        assert len(rows) >= (1 if definition.slug == "provinces" else 16)
        assert rows.index.tolist() == list(range(len(rows)))
        fields = [field for field in definition.fields if not field.hidden]
        assert [name for name in rows.columns if name != "geometry"] == [field.name for field in fields]
        for field in fields:
            wrong = [value for value in rows[field.name].tolist() if not fits(field, value)]
            assert wrong == [], field.name
        assert not rows.duplicated(list(definition.key)).any()
        if definition.geometry is not None:
            shapes = rows.geometry.to_numpy()
            assert set(shapely.get_type_id(shapes)) == {TYPE_IDS[definition.geometry]}
            assert shapely.is_valid(shapes).all()
            assert str(rows.crs) == "EPSG:4326"

    @pytest.mark.parametrize("slug", ["street-lights", "schools", "traffic-cameras", "houses"])
    def test_points_lie_in_the_province(self, province: Province, slug: str) -> None:
        rows = pd.concat(list(layer_rows(province, DEFINITIONS[slug])))
        assert shapely.covers(province.province.geometry.iloc[0], rows.geometry.to_numpy()).all()

    def test_every_commune_has_a_health_station_and_schools(self, province: Province) -> None:
        clinics = pd.concat(list(layer_rows(province, DEFINITIONS["clinics"])))
        stations = clinics[clinics["kind"] == "commune_station"].geometry.to_numpy()
        schools = pd.concat(list(layer_rows(province, DEFINITIONS["schools"]))).geometry.to_numpy()
        for commune in province.communes.geometry:
            assert shapely.covers(commune, stations).sum() == 1
            assert shapely.covers(commune, schools).sum() >= 4

    def test_main_roads_are_one_network(self, province: Province) -> None:
        roads = pd.concat(list(layer_rows(province, DEFINITIONS["roads"])))
        main = roads[roads["road_class"].isin(["QL", "DT", "DX"])].geometry
        merged = shapely.union_all(main.to_numpy()).buffer(1e-7)
        assert merged.geom_type == "Polygon"
        for _, stretch in roads.groupby("route_code"):
            assert (stretch["chainage_to_km"] > stretch["chainage_from_km"]).all()

    def test_certificates_last_three_years(self, province: Province) -> None:
        rows = pd.concat(list(layer_rows(province, DEFINITIONS["ocop-producers"])))
        years = {end.year - start.year for start, end in zip(rows["issued_on"], rows["expires_on"], strict=True)}
        assert years == {3}
        assert rows["stars"].between(3, 5).all()

    def test_progress_reaches_the_whole(self, province: Province) -> None:
        told: list[tuple[int, int]] = []
        list(layer_rows(province, DEFINITIONS["parcels"], progress=lambda done, total: told.append((done, total))))
        assert told[-1] == (3_000, 3_000)

    def test_chosen_values_are_ones_that_definitions_allow(self) -> None:
        for slug, fields in _CHOICES.items():
            for name, values in fields.items():
                assert [v for v in values if not fits(DEFINITIONS[slug].field(name), v)] == [], f"{slug}.{name}"


class TestPatterns:
    @pytest.mark.parametrize(
        "pattern", ["^[0-9]{5}$", "^(?:A|B)-[a-c]{2,4}$", r"^Km\d+\+\d{3}$", "^[0-9]{10}(-[0-9]{3})?$"]
    )
    def test_sample_matches(self, pattern: str) -> None:
        rng = np.random.default_rng(1)
        for _ in range(20):
            assert sample(pattern, rng)

    def test_refuses_what_it_does_not_know(self) -> None:
        with pytest.raises(UnsupportedPattern):
            sample("^[^a]$", np.random.default_rng(1))
