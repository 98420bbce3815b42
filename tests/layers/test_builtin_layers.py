import pickle
import re

import pytest

from layers.definition import Definition, FieldType, GeometryType, Sensitivity
from layers.definition_checks import RESERVED_NAMES
from layers.definition_reader import load_builtin


def names(definition: Definition) -> set[str]:
    return {field.name for field in definition.fields}


class TestTheBuiltInLayers:
    def test_cover_every_row_of_the_catalogue(self):
        fulfilled = {code for definition in load_builtin().values() for code in definition.codes}

        # L03 does not exist; L02 is a composition of maps.
        assert fulfilled == {f"L{number:02d}" for number in range(1, 79)} - {"L02", "L03"}

    def test_survive_pickling_for_child_processes(self):
        assert pickle.loads(pickle.dumps(load_builtin())) == load_builtin()  # noqa: S301

    def test_have_tables_and_columns_that_postgresql_keeps_whole(self):
        for definition in load_builtin().values():
            assert len(definition.table.encode()) <= 45
            assert not names(definition) & RESERVED_NAMES

    def test_without_geometry_are_the_tables_of_the_catalogue(self):
        tables = {code for d in load_builtin().values() if d.geometry is None for code in d.codes}

        assert tables == {"L11", "L15", "L19", *(f"L{number}" for number in range(71, 79))}

    def test_with_geometry_are_drawn_and_tiled(self):
        for definition in load_builtin().values():
            assert (definition.geometry is None) == (definition.tiles is None) == (definition.style is None)

    def test_without_geometry_say_whose_a_row_is(self):
        for definition in load_builtin().values():
            assert definition.geometry is not None or definition.unit_field == "commune_code"

    def test_limit_every_text_that_identifies(self):
        for definition in load_builtin().values():
            for name in definition.key:
                field = definition.field(name)
                assert field.type is not FieldType.TEXT or field.codes or field.max_length

    def test_of_parcels_key_by_old_commune_and_keep_owners_apart(self):
        parcels = load_builtin()["parcels"]

        assert parcels.key == ("old_commune_code", "sheet", "parcel")
        assert parcels.field("land_use_codes").type is FieldType.TEXT_ARRAY
        assert parcels.field("land_use_codes").codes.slug == "land-use"
        assert {field.name for field in parcels.personal_fields} >= {"owner_name", "owner_id_number"}
        assert {"area_legal_m2", "land_use_text", "parcel_id", "certificate_state"} <= names(parcels)
        assert re.fullmatch(str(parcels.field("parcel_id").pattern), "w3gvk1hhbp2z")
        assert "SoHieuToBa" in parcels.field("sheet").aliases
        assert "KyHieuMucD" in parcels.field("land_use_text").aliases
        assert "TENCHU" in parcels.field("owner_name").aliases

    def test_of_schools_and_clinics_hold_levels_and_figures(self):
        schools, clinics = load_builtin()["schools"], load_builtin()["clinics"]

        assert {"MN", "TH", "THCS", "THPT", "GDTX", "TH-THCS"} <= set(schools.field("level").codes.codes)
        assert {"pupils", "teachers", "classes", "classrooms", "standard_met", "ownership"} <= names(schools)
        assert clinics.field("technical_level").codes.codes == ("ban-dau", "co-ban", "chuyen-sau")
        assert {"private_practice", "pharmacy", "commune_station"} <= set(clinics.field("kind").codes.codes)
        assert re.fullmatch(str(clinics.field("bhxh_code").pattern), "86137")

    def test_of_ocop_producers_hold_groups_stars_and_expiry(self):
        ocop = load_builtin()["ocop-producers"]

        assert len(ocop.field("ocop_group").codes.codes) == 6
        assert (ocop.field("stars").minimum, ocop.field("stars").maximum) == (1, 5)
        assert {"certificate_number", "expires_on", "output", "sales_vnd", "stock"} <= names(ocop)

    def test_of_plans_hold_the_codes_of_both_systems(self):
        plans = load_builtin()["plans"]

        assert plans.field("land_use_code").codes.slug == "land-use"
        assert "DAT_HTXH_YTE" in plans.field("construction_code").codes.codes
        assert re.fullmatch(str(plans.field("construction_code_text").pattern), "QHDH_DAT_HTXH_YTE_CV")
        assert {"QHC", "QHPK", "QHCT"} <= set(plans.field("plan_level").codes.codes)

    @pytest.mark.parametrize("slug", ["roads", "waterways", "railways"])
    def test_of_transport_networks_are_lines_with_class_and_condition(self, slug):
        network = load_builtin()[slug]

        assert network.geometry is GeometryType.MULTILINESTRING
        assert {"route_code", "width_m", "condition", "managing_level"} <= names(network)

    @pytest.mark.parametrize("slug", ["communes", "hamlets"])
    def test_of_admin_units_are_keyed_by_code_with_their_zeros(self, slug):
        units = load_builtin()[slug]

        assert units.key == ("code",)
        assert units.field("code").type is FieldType.TEXT
        assert units.unit_field in {"code", "parent_code"}

    @pytest.mark.parametrize("code", ["L35", "L55", "L56", "L64", "L69"])
    def test_that_endanger_people_are_restricted(self, code):
        for definition in load_builtin().values():
            if code in definition.codes:
                assert definition.sensitivity is Sensitivity.RESTRICTED

    def test_flag_the_people_in_every_layer_about_them(self):
        about_people = [4, 6, 7, 8, 11, 12, 14, 16, 17, 18, 41, 51, 61, 62, 63, 64, 67, 71, 72, 76]
        for code in about_people:
            layers = [d for d in load_builtin().values() if f"L{code:02d}" in d.codes]
            assert any(d.personal_fields for d in layers), code

    def test_flag_every_field_that_names_a_person(self):
        telling = re.compile(
            r"(owner|full|patient|sender|violator|seller|buyer|applicant|officer|commander|director)_name"
            r"|(.*_)?id_number|plate|birth_on|home_address|household_head|principal|representative"
        )
        for definition in load_builtin().values():
            for field in definition.fields:
                assert field.personal or not telling.fullmatch(field.name), (definition.slug, field.name)
