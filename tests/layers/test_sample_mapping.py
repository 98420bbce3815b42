import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest

from layers.definition_reader import load_builtin
from layers.mapping import SAMPLE, CombinedLayer, Mapping, find_mapping, iter_combined, read_mapping
from tests.conftest import SHARED_DATA

REGISTER = "vinhlong_infrastructure/vinhlong_infrastructure.gpkg"
# Read whole by the tour and the demo; left out here because they take long and are tested where they are made.
SLOW = ("parcels", "osm-places", "osm-buildings", "communes")


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return read_mapping(SAMPLE, load_builtin())


@pytest.fixture(scope="module")
def layers(mapping: Mapping) -> dict[str, CombinedLayer]:
    if not SHARED_DATA.is_dir():
        pytest.skip("the folder of real data is absent")
    return {layer.slug: layer for layer in iter_combined(mapping, SHARED_DATA, without=SLOW)}


def _reasons(layer: CombinedLayer, source: str) -> Counter[str]:
    words = ("(0, 0)", "swapped", "decimal point", "territory", "repeats", "exactly the place", "valid geometry")
    found = [refusal.reason_en for refusal in layer.refused if refusal.source.endswith(source)]
    return Counter(word for reason in found for word in words if word in reason)


class TestMappingFile:
    def test_is_found_where_a_folder_has_none_of_its_own(self, tmp_path: Path) -> None:
        assert find_mapping(tmp_path) == SAMPLE
        (tmp_path / "mapping.yaml").write_text("title: x", encoding="utf-8")
        assert find_mapping(tmp_path) == tmp_path / "mapping.yaml"

    def test_never_names_the_test_fixtures(self, mapping: Mapping) -> None:
        assert not [file.path for file in mapping.files if file.path.startswith(("parcels_fr", "raster_nz"))]

    def test_parcels_are_made_up_inside_tan_ninh(self, mapping: Mapping) -> None:
        (parcels,) = [entry for file in mapping.files for entry in file.entries if entry.to == "parcels"]
        assert parcels.generate is not None
        assert parcels.generate.commune_code == "15715"

    def test_covers_every_layer_of_the_register(self, mapping: Mapping) -> None:
        if not SHARED_DATA.is_dir():
            pytest.skip("the folder of real data is absent")
        mapped = {entry.layer for file in mapping.files if file.path == REGISTER for entry in file.entries}
        assert mapped == set(pyogrio.list_layers(SHARED_DATA / REGISTER)[:, 0])


class TestSampleFolder:
    def test_every_row_is_good_refused_or_superseded(self, layers: dict[str, CombinedLayer]) -> None:
        for layer in layers.values():
            for count in layer.counts:
                assert count.total == count.good + count.refused + count.superseded
            assert len(layer.rows) == sum(count.good for count in layer.counts)

    def test_every_row_of_the_register_is_accounted_for(self, layers: dict[str, CombinedLayer]) -> None:
        totals: Counter[str] = Counter()
        for layer in layers.values():
            for count in layer.counts:
                if count.source_name.startswith(REGISTER):
                    totals[count.source_name.split(":")[1]] += count.total
        # One station measures salinity and the water level and stands in both layers.
        expected = {str(name): pyogrio.read_info(SHARED_DATA / REGISTER, layer=name)["features"] for name in totals}
        expected["260_tram_khi_tuong_thuy_van"] += 1
        assert totals == expected

    def test_thirty_four_provinces(self, layers: dict[str, CombinedLayer]) -> None:
        assert len(layers["provinces"].rows) == 34
        assert sum(count.superseded for count in layers["provinces"].counts) == 1

    @pytest.mark.parametrize(
        ("slug", "source", "word", "count"),
        [
            ("transport-assets-point", "158_cau_duong_xa", "(0, 0)", 82),
            ("transport-assets-point", "158_cau_duong_xa", "territory", 6),
            ("cultural-sites", "341_trung_tam_van_hoa", "decimal point", 1),
            ("cultural-sites", "341_trung_tam_van_hoa", "repeats", 20),
            ("clinics", "340_co_so_kham_chua_benh", "swapped", 1),
            ("clinics", "340_co_so_kham_chua_benh", "decimal point", 1),
            ("bts-stations", "13_tong_tram_bts", "swapped", 1),
            ("roads", "156_tinh_lo", "exactly the place", 13),
            ("agricultural-land", "267_ma_so_vung_trong_noi_dia", "valid geometry", 41),
            ("agricultural-land", "268_ma_so_vung_trong_xuat_khau", "valid geometry", 54),
            ("water-supply-point", "258_dong_ho_tong_nuoc_tho", "repeats", 26),
        ],
    )
    def test_natural_dirt_is_refused(
        self, layers: dict[str, CombinedLayer], slug: str, source: str, word: str, count: int
    ) -> None:
        assert _reasons(layers[slug], source)[word] == count

    def test_good_features_of_the_register_lie_in_its_province(self, layers: dict[str, CombinedLayer]) -> None:
        provinces = gpd.GeoDataFrame(layers["provinces"].rows)
        near = provinces[provinces["code"] == "86"].geometry.iloc[0].buffer(0.003)
        for slug in ("clinics", "service-centres", "waterways", "agricultural-land"):
            rows = gpd.GeoDataFrame(layers[slug].rows)
            own = rows[rows[layers[slug].definition.key[0]].str.startswith("VL")]
            assert len(own) > 40
            assert own.within(near).all(), slug

    def test_text_is_nfc_and_trimmed(self, layers: dict[str, CombinedLayer]) -> None:
        names: Sequence[str] = [*layers["schools"].rows["name"], *layers["clinics"].rows["name"]]
        assert all(name == unicodedata.normalize("NFC", name).strip() for name in names)

    def test_no_column_of_people_is_public(self, layers: dict[str, CombinedLayer]) -> None:
        made = [field for layer in layers.values() if layer.is_user_layer for field in layer.definition.fields]
        words = ("điện thoại", "hiệu trưởng", "đại diện", "chủ tịch", "bí thư", "email", "thư điện tử")
        assert not [f.name for f in made if not f.personal and any(word in f.title.vi.lower() for word in words)]

    def test_refused_rows_are_rows_of_the_file(self, layers: dict[str, CombinedLayer]) -> None:
        frame = pyogrio.read_dataframe(SHARED_DATA / REGISTER, layer="340_co_so_kham_chua_benh")
        for refusal in layers["clinics"].refused:
            point = frame.geometry.iloc[refusal.row - 1]
            assert refusal.value == f"{point.x:.15g} {point.y:.15g}"
