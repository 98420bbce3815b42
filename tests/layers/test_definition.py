import json
import unicodedata
from datetime import date
from pathlib import Path

import pytest

from layers.definition import GeometryType
from layers.definition_json import from_json, to_json
from layers.definition_reader import load_builtin, load_code_list, load_code_lists, load_definition
from layers.errors import FieldNotFound, InvalidDefinition, LayerError

GOOD = """\
slug: boat-houses
title: {vi: Nhà thuyền, en: Boat houses}
description: {vi: Nơi neo thuyền., en: Places where boats lie.}
group: sector
geometry: Point
key: [code]
unit_field: commune
data_date_field: built_on
steward: Sở Xây dựng
frequency: yearly
sensitivity: public
source: TQ-2.3
fields:
  - name: code
    title: {vi: Mã, en: Code}
    type: text
    required: true
    max_length: 20
    pattern: "^[A-Z]{2}[0-9]+$"
  - name: commune
    title: {vi: Mã xã, en: Commune code}
    type: text
    max_length: 5
  - name: berths
    title: {vi: Chỗ neo, en: Berths}
    type: integer
    unit: chỗ
    minimum: 0
    maximum: 500
  - name: state
    title: {vi: Tình trạng, en: Condition}
    type: text
    codes: condition
  - name: built_on
    title: {vi: Ngày xây, en: Built on}
    type: date
  - name: owner
    title: {vi: Chủ, en: Owner}
    type: text
    personal: true
tiles:
  min_zoom: 8
  max_zoom: 16
  max_features: 1000
  fields_from: {berths: 12}
style:
  type: circle
  color: "#4292c6"
  by: state
  classes:
    - {value: good, color: "#31a354", label: {vi: Tốt, en: Good}}
  label_field: code
"""

# Each case: what is replaced, by what, the line that holds the mistake, the place, and a word of the remedy.
MISTAKES = {
    "slug with a capital": ("slug: boat-houses", "slug: Boat", 1, "slug", "a-z"),
    "slug too long": ("slug: boat-houses", "slug: " + "a" * 46, 1, "slug", "45"),
    "unknown key": ("steward:", "stewart:", 9, "stewart", 'Did you mean "steward"'),
    "missing key": ("steward: Sở Xây dựng\n", "", 1, "", '"steward" is missing'),
    "one language only": ("{vi: Mã xã, en: Commune code}", "{vi: Mã xã}", 21, "fields[1].title", '"en" is miss'),
    "empty title": ("en: Boat houses", 'en: ""', 2, "title.en", "empty"),
    "unknown group": ("group: sector", "group: sectr", 4, "group", 'Did you mean "sector"'),
    "unknown geometry": ("geometry: Point", "geometry: Polygon", 5, "geometry", "MultiPolygon"),
    "unknown frequency": ("frequency: yearly", "frequency: anually", 10, "frequency", "monthly"),
    "unknown sensitivity": ("sensitivity: public", "sensitivity: secret", 11, "sensitivity", "internal"),
    "unknown type": ("type: integer", "type: int", 26, "fields[2].type", "integer"),
    "malformed code of the catalogue": ("group: sector", "group: sector\ncodes: [X9]", 5, "codes[0]", "L04"),
    "field name with a capital": ("name: berths", "name: Berths", 24, "fields[2].name", "a-z"),
    "field name too long": ("name: berths", "name: b" + "x" * 51, 24, "fields[2].name", "51"),
    "field name of the system": ("name: berths", "name: fid", 24, "fields[2].name", "reserved"),
    "field name of PostgreSQL": ("name: berths", "name: ctid", 24, "fields[2].name", "reserved"),
    "field name of a request": ("name: berths", "name: limit", 24, "fields[2].name", "reserved"),
    "two fields of one name": ("name: state", "name: berths", 30, "fields[3].name", "twice"),
    "two fields of one id": ("name: state", "name: state\n    id: berths", 31, "fields[3].id", "twice"),
    "key written twice": ("unit: chỗ", "unit: chỗ\n    unit: thuyền", 28, "fields[2].unit", "line 27"),
    "key field unknown": ("key: [code]", "key: [cod]", 6, "key[0]", 'Did you mean "code"'),
    "key field not required": ("key: [code]", "key: [commune]", 6, "key[0]", "required: true"),
    "key field personal": ("key: [code]", "key: [owner]", 6, "key[0]", "personal"),
    "no key": ("key: [code]", "key: []", 6, "key", "source_id"),
    "key field twice": ("key: [code]", "key: [code, code]", 6, "key[1]", "twice"),
    "unit field unknown": ("unit_field: commune", "unit_field: comune", 7, "unit_field", '"commune"'),
    "unit field not text": ("unit_field: commune", "unit_field: berths", 7, "unit_field", "type text"),
    "unit field personal": ("unit_field: commune", "unit_field: owner", 7, "unit_field", "personal"),
    "data date not a date": ("data_date_field: built_on", "data_date_field: code", 8, "data_date_field", "date"),
    "code list unknown": ("codes: condition", "codes: conditon", 33, "fields[3].codes", '"condition"'),
    "code list of a number": ("unit: chỗ", "codes: condition", 27, "fields[2].codes", "text[]"),
    "minimum above maximum": ("minimum: 0", "minimum: 501", 29, "fields[2].maximum", "below minimum"),
    "minimum of a text": ("max_length: 5\n", "minimum: 5\n", 23, "fields[1].minimum", "integer"),
    "minimum not finite": ("minimum: 0", "minimum: .inf", 28, "fields[2].minimum", "finite"),
    "fraction limits an integer": ("minimum: 0", "minimum: 0.5", 28, "fields[2].minimum", "whole"),
    "unit of a text": ("max_length: 5\n", "unit: m\n", 23, "fields[1].unit", "integer"),
    "length of a number": ("unit: chỗ", "max_length: 5", 27, "fields[2].max_length", "text"),
    "length not whole": ("max_length: 20", "max_length: 2.5", 18, "fields[0].max_length", "whole"),
    "pattern that does not compile": ("{2}[0-9]+$", "{2}([0-9]+$", 19, "fields[0].pattern", "regular"),
    "pattern PostgreSQL reads otherwise": ('"^[A-Z]{2}[0-9]+$"', r'"\\bA"', 19, "fields[0].pattern", "PostgreSQL"),
    "hidden but required": ("max_length: 20", "max_length: 20\n    hidden: true", 19, "fields[0].hidden", "required"),
    "truth spelt yes": ("personal: true", "personal: yes", 40, "fields[5].personal", "true or false"),
    "number where text belongs": ("source: TQ-2.3", "source: 07", 12, "source", "quotes"),
    "tiles show a personal field": ("{berths: 12}", "{owner: 12}", 45, "tiles.fields_from.owner", "personal"),
    "tiles show an unknown field": ("{berths: 12}", "{berth: 12}", 45, "tiles.fields_from.berth", '"berths"'),
    "tiles end before they begin": ("max_zoom: 16", "max_zoom: 7", 43, "tiles.max_zoom", "exchange"),
    "style of another geometry": ("type: circle", "type: fill", 47, "style.type", "circle"),
    "style of an unknown kind": ("type: circle", "type: dot", 47, "style.type", "circle"),
    "colour by name": ('color: "#4292c6"', "color: blue", 48, "style.color", "#rrggbb"),
    "class outside the code list": ("value: good", "value: goood", 51, "style.classes[0].value", '"good"'),
    "classes by nothing": ("  by: state\n", "", 49, "style.classes", '"by"'),
    "classes by a date": ("by: state", "by: built_on", 49, "style.by", "boolean"),
    "label from a personal field": ("label_field: code", "label_field: owner", 52, "style.label_field", "personal"),
    "not YAML": ("fields:", "fields: [", 14, "", "well-formed"),
    "merge key": ("group: sector", "<<: {group: sector}", 4, "<<", "write the keys out"),
    "tiles without geometry": ("geometry: Point\n", "", 40, "tiles", "without geometry"),
}


@pytest.fixture(scope="module")
def code_lists():
    return load_code_lists()


@pytest.fixture
def write(tmp_path):
    def write_file(text: str | bytes) -> Path:
        path = tmp_path / "boat-houses.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write_file


class TestAGoodDefinition:
    def test_is_read_whole(self, write, code_lists):
        definition = load_definition(write(GOOD), code_lists)

        assert definition.table == "boat_houses"
        assert definition.geometry is GeometryType.POINT
        assert definition.geometry_required
        assert definition.codes == ()
        assert [field.name for field in definition.personal_fields] == ["owner"]
        assert "owner" not in {field.name for field in definition.public_fields}
        assert definition.field("state").codes is code_lists["condition"]
        assert definition.field("berths").id == "berths"
        assert definition.tiles is not None
        assert definition.tiles.fields_from == {"berths": 12}

    def test_reads_text_in_composed_form(self, write, code_lists):
        decomposed = unicodedata.normalize("NFD", GOOD)

        assert load_definition(write(decomposed), code_lists).steward == "Sở Xây dựng"

    def test_may_use_anchors_and_a_byte_order_mark(self, write, code_lists):
        text = "\ufeff" + GOOD.replace("{vi: Mã, en: Code}", "&code {vi: Mã, en: Code}")
        text = text.replace("{vi: Mã xã, en: Commune code}", "*code")

        assert load_definition(write(text), code_lists).field("commune").title.en == "Code"

    def test_may_hold_its_own_code_list(self, write, code_lists):
        own = "{slug: moods, title: {vi: Vẻ, en: Mood}, entries: [{code: good, label: {vi: Tốt, en: Good}}]}"

        definition = load_definition(write(GOOD.replace("codes: condition", "codes: " + own)), code_lists)

        assert definition.field("state").codes.codes == ("good",)

    def test_needs_no_geometry(self, write, code_lists):
        table_only = GOOD[: GOOD.index("tiles:")].replace("geometry: Point\n", "")

        definition = load_definition(write(table_only), code_lists)

        assert definition.geometry is None
        assert not definition.geometry_required

    def test_names_its_fields_where_one_is_unknown_but_not_the_personal_ones(self, write, code_lists):
        definition = load_definition(write(GOOD), code_lists)

        with pytest.raises(FieldNotFound) as caught:
            definition.field("berth")

        assert 'Did you mean "berths"' in caught.value.en
        assert "owner" not in caught.value.en


class TestAWrongDefinition:
    @pytest.mark.parametrize("name", MISTAKES)
    def test_is_refused_at_its_line(self, name, write, code_lists):
        old, new, line, place, remedy = MISTAKES[name]
        assert old in GOOD
        path = write(GOOD.replace(old, new, 1))

        with pytest.raises(InvalidDefinition) as caught:
            load_definition(path, code_lists)

        error = caught.value
        assert (error.file, error.line, error.path) == (str(path), line, place), str(error)
        assert remedy in error.en
        assert str(error) == error.en
        assert error.vi.startswith(f"{path}:{line}")
        assert error.en.startswith(f"{path}:{line}")
        assert error.reason_vi != error.reason_en

    def test_is_refused_where_it_is_too_large(self, write, code_lists):
        with pytest.raises(InvalidDefinition, match="256 KiB"):
            load_definition(write(GOOD + "#" * 256 * 1024), code_lists)

    def test_is_refused_at_the_line_that_is_not_utf8(self, write, code_lists):
        with pytest.raises(InvalidDefinition, match="UTF-8") as caught:
            load_definition(write(b"slug: x\ntitle: \xb5\xb8\n"), code_lists)
        assert caught.value.line == 2

    def test_is_refused_where_it_nests_like_an_attack(self, write, code_lists):
        with pytest.raises(InvalidDefinition, match="nested"):
            load_definition(write("slug: " + "[" * 900), code_lists)

    def test_is_refused_at_a_control_character(self, write, code_lists):
        with pytest.raises(InvalidDefinition, match=r"control character|well-formed") as caught:
            load_definition(write("slug: x\ntitle: a\x07b\n"), code_lists)
        assert caught.value.line == 2

    @pytest.mark.parametrize("text", ["", "# only a comment\n", "just words\n", "- a\n- b\n", "a: 1\n---\nb: 2\n"])
    def test_is_refused_where_it_is_no_mapping(self, text, write, code_lists):
        with pytest.raises(InvalidDefinition):
            load_definition(write(text), code_lists)

    def test_never_builds_objects(self, write, code_lists):
        text = GOOD.replace("Sở Xây dựng", "!!python/object/apply:os.getcwd []")

        with pytest.raises(InvalidDefinition) as caught:
            load_definition(write(text), code_lists)
        assert caught.value.line == 9

    def test_is_refused_where_the_file_is_absent(self, tmp_path, code_lists):
        with pytest.raises(InvalidDefinition, match="cannot be read"):
            load_definition(tmp_path / "absent.yaml", code_lists)


class TestACodeList:
    TEXT = (
        "slug: moods\ntitle: {vi: Vẻ, en: Moods}\nentries:\n"
        "  - {code: A, label: {vi: Một, en: One}, valid_to: 2024-08-01, replaced_by: B}\n"
        "  - {code: B, label: {vi: Hai, en: Two}, valid_from: 2024-08-01}\n"
    )

    def test_knows_which_codes_are_in_force(self, write):
        old, new = load_code_list(write(self.TEXT)).entries

        assert old.in_force(date(2024, 7, 31))
        assert not old.in_force(date(2024, 8, 1))
        assert new.in_force(date(2024, 8, 1))
        assert not new.in_force(date(2024, 7, 31))

    @pytest.mark.parametrize(
        ("old", "new", "line", "place"),
        [
            ("code: B", "code: A", 5, "entries[1].code"),
            ("replaced_by: B", "replaced_by: C", 4, "entries[0].replaced_by"),
            ("replaced_by: B", "replaced_by: A", 4, "entries[0].replaced_by"),
            ("valid_to: 2024-08-01", "valid_to: 2024-02-30", 4, "entries[0].valid_to"),
            ("valid_from: 2024-08-01", "valid_from: 2024-8-1", 5, "entries[1].valid_from"),
            ("valid_from: 2024-08-01", "valid_from: 2024-08-01, valid_to: 2024-08-01", 5, "entries[1].valid_to"),
            ("code: B", "code: 01", 5, "entries[1].code"),
        ],
    )
    def test_is_refused_at_its_line(self, old, new, line, place, write):
        with pytest.raises(InvalidDefinition) as caught:
            load_code_list(write(self.TEXT.replace(old, new)))

        assert (caught.value.line, caught.value.path) == (line, place)

    def test_of_land_use_is_dated(self, code_lists):
        entries = {entry.code: entry for entry in code_lists["land-use"].entries}

        assert entries["HNK"].valid_from == date(2024, 8, 1)
        assert entries["BHK"].valid_to == date(2024, 8, 1)
        assert entries["NHK"].replaced_by == "HNK"
        assert entries["CNT"].in_force(date(2025, 1, 1))
        assert entries["CNC"].in_force(date(2025, 1, 1))
        assert not entries["OTC"].in_force(date(2025, 1, 1))
        assert {"LUC", "CLN", "ONT", "ODT", "NTD", "SON", "RSN", "MVK"} <= set(entries)


class TestJSON:
    @pytest.mark.parametrize("slug", sorted(load_builtin()))
    def test_gives_the_same_definition_back(self, slug):
        definition = load_builtin()[slug]

        again = from_json(json.loads(json.dumps(to_json(definition))))

        assert again == definition
        assert hash(again) == hash(definition)

    def test_is_refused_where_a_member_is_missing(self):
        document = to_json(load_builtin()["schools"])
        del document["key"]

        with pytest.raises(InvalidDefinition, match="schools"):
            from_json(document)

    @pytest.mark.parametrize(
        ("member", "value"),
        [("group", "nothing"), ("fields", "x"), ("key_ordinals", 1), ("style", []), ("key", ["absent"])],
    )
    def test_is_refused_where_a_member_is_wrong(self, member, value):
        with pytest.raises(InvalidDefinition) as caught:
            from_json(to_json(load_builtin()["schools"]) | {member: value})
        assert caught.value.line == 0


class TestErrors:
    def test_carry_both_languages(self):
        error = FieldNotFound("schools", "pupil", known=("pupils", "teachers"))

        assert isinstance(error, LayerError)
        assert error.parameter == "pupil"
        assert "Có phải là “pupils”?" in error.vi
        assert 'Did you mean "pupils"?' in error.en
