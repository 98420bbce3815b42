import contextlib
import json
import unicodedata
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
import shapely
from geoalchemy2 import Geometry
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import ARRAY, BigInteger, Boolean, Date, DateTime, Double, Text, column, select, table
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from spatial.cql2 import FilterColumn, FilterLanguage, compile_filter, parse_filter
from spatial.cql2.expression import GeometryLiteral, Operation
from spatial.crs import CRS84, EPSG_4326, crs_by_code, transformer
from spatial.errors import (
    FieldUnknown,
    InvalidBBox,
    InvalidFilter,
    InvalidGeometry,
    PersonalFieldUsed,
    SpatialError,
)

PLACES = table(
    "cql2_places",
    column("fid", BigInteger),
    column("name", Text),
    column("pop", BigInteger),
    column("height", Double),
    column("active", Boolean),
    column("built", Date),
    column("seen", DateTime(timezone=True)),
    column("tags", ARRAY(Text)),
    column("geom", Geometry("Point", 4326)),
)
TYPES = {
    "name": "text", "pop": "integer", "height": "number", "active": "boolean", "built": "date",
    "seen": "datetime", "tags": "text[]",
}  # fmt: skip
FIELDS = {
    **{name: FilterColumn(name, PLACES.c[name], kind) for name, kind in TYPES.items()},
    "owner": FilterColumn("owner", column("owner", Text), "text", personal=True),
}


def compiled(source: object, lang: FilterLanguage = "cql2-text") -> tuple[str, list[Any]]:
    condition = compile_filter(parse_filter(source, lang), FIELDS, PLACES.c.geom)
    statement = select(PLACES.c.fid).where(condition).order_by(PLACES.c.fid)
    result = statement.compile(dialect=asyncpg_dialect(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]
    return str(result), [result.params[name] for name in result.positiontup or ()]


def refused(source: object, lang: FilterLanguage = "cql2-text") -> SpatialError:
    with pytest.raises(SpatialError) as caught:
        compiled(source, lang)
    assert caught.value.parameter == "filter"
    assert caught.value.vi
    return caught.value


def told(source: object, lang: FilterLanguage) -> None:
    """Compiles, or raises an error of this package and no other."""
    with contextlib.suppress(SpatialError):
        compiled(source, lang)


class TestInjection:
    @given(st.text())
    @example("' OR 1=1 --")
    @example("\\")
    @example("\\'; DROP TABLE x; --")
    @example("x'' y")
    @example("ʼ’＇")
    @example("$1 :name %(a)s %s {0}")
    def test_text_is_bound_and_never_in_the_statement(self, value: str) -> None:
        text = "name = '" + value.replace("'", "''") + "'"
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            assert isinstance(refused(text), InvalidFilter)
            return
        sql, values = compiled(text)
        reference, _ = compiled("name = 'x'")
        assert sql == reference
        assert values == [unicodedata.normalize("NFC", value)]

    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
    def test_json_text_is_bound(self, value: str) -> None:
        document = {"op": "=", "args": [{"property": "name"}, value]}
        sql, values = compiled(json.dumps(document), "cql2-json")
        assert sql == compiled("name = 'x'")[0]
        assert values == [unicodedata.normalize("NFC", value)]

    @given(st.text(max_size=60))
    @example("(" * 60)
    @example("name LIKE '" + "%" * 40 + "'")
    @example('"name" = "\'"')
    def test_any_text_is_parsed_or_refused(self, text: str) -> None:
        told(text, "cql2-text")

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(["op", "args", "property", "date", "interval", "bbox", "type", "coordinates"]),
                    inner | st.sampled_from(["and", "=", "in", "s_within", "t_after", "Point", "name", "geometry"]),
                    max_size=4,
                )
            ),
            max_leaves=12,
        )
    )
    def test_any_document_is_parsed_or_refused(self, document: object) -> None:
        told(document, "cql2-json")

    def test_statement_text_does_not_depend_on_the_number_of_values(self) -> None:
        assert compiled("name IN ('a')")[0] == compiled("name IN ('a','b','c')")[0]

    def test_surrogates_and_nul_are_refused(self) -> None:
        refused('{"op":"=","args":[{"property":"name"},"\\ud800"]}', "cql2-json")
        refused('{"op":"=","args":[{"property":"name"},"a\\u0000b"]}', "cql2-json")
        refused("name = 'a\0b'")


class TestSyntax:
    def test_and_binds_closer_than_or(self) -> None:
        tree = parse_filter("pop = 1 OR pop = 2 AND name = 'a'", "cql2-text")
        assert isinstance(tree, Operation)
        assert tree.op == "or"
        assert isinstance(tree.args[1], Operation)
        assert tree.args[1].op == "and"

    def test_not_binds_closer_than_and(self) -> None:
        tree = parse_filter("NOT pop = 1 AND active", "cql2-text")
        assert isinstance(tree, Operation)
        assert tree.op == "and"

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("name = 'O''Brien'", "O'Brien"),
            (r"name = 'O\'Brien'", "O'Brien"),
            (r"name = 'C:\'", "C:\\"),
            (r"name = 'a\\b'", r"a\\b"),
            ("name = ''", ""),
            ("name = ''''", "'"),
            ("name = 'Ha\u0300 No\u0323\u0302i'", "Hà Nội"),
            ("name = 'it is (a) AND b'", "it is (a) AND b"),
        ],
    )
    def test_quotes_in_texts(self, text: str, value: str) -> None:
        assert compiled(text)[1] == [value]

    @pytest.mark.parametrize(
        ("text", "document"),
        [
            ("pop = 1", {"op": "=", "args": [{"property": "pop"}, 1]}),
            ("height > -1.5e3", {"op": ">", "args": [{"property": "height"}, -1500.0]}),
            ("name NOT IN ('a','b')", {"op": "not", "args": [
                {"op": "in", "args": [{"property": "name"}, ["a", "b"]]}]}),
            ("pop BETWEEN 1 AND 2", {"op": "between", "args": [{"property": "pop"}, 1, 2]}),
            ("CASEI(name) LIKE casei('a%')", {"op": "like", "args": [
                {"op": "casei", "args": [{"property": "name"}]}, {"op": "casei", "args": ["a%"]}]}),
            ("name IS NOT NULL", {"op": "not", "args": [{"op": "isNull", "args": [{"property": "name"}]}]}),
            ("built < DATE('2025-01-01')", {"op": "<", "args": [{"property": "built"}, {"date": "2025-01-01"}]}),
            ("T_METBY(built, INTERVAL('..','2025-01-01'))", {"op": "t_metBy", "args": [
                {"property": "built"}, {"interval": ["..", "2025-01-01"]}]}),
            ("T_AFTER(seen, TIMESTAMP('2025-01-01T00:00:00Z'))", {"op": "t_after", "args": [
                {"property": "seen"}, {"timestamp": "2025-01-01T00:00:00Z"}]}),
            ("S_INTERSECTS(geometry, BBOX(1,2,3,4))", {"op": "s_intersects", "args": [
                {"property": "geometry"}, {"bbox": [1, 2, 3, 4]}]}),
            ("S_WITHIN(geometry, POLYGON((1 1,2 1,2 2,1 1)))", {"op": "s_within", "args": [
                {"property": "geometry"}, {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}]}),
            ("A_CONTAINEDBY(tags, ('a','b'))", {"op": "a_containedBy", "args": [{"property": "tags"}, ["a", "b"]]}),
            ("(pop + 1) * 2 div 3 % 4 ^ 2 = -height / 2", {"op": "=", "args": [
                {"op": "%", "args": [{"op": "div", "args": [{"op": "*", "args": [
                    {"op": "+", "args": [{"property": "pop"}, 1]}, 2]}, 3]}, {"op": "^", "args": [4, 2]}]},
                {"op": "/", "args": [{"op": "-", "args": [{"property": "height"}]}, 2]}]}),
        ],
    )  # fmt: skip
    def test_text_and_json_mean_the_same(self, text: str, document: object) -> None:
        assert compiled(text) == compiled(json.dumps(document), "cql2-json") == compiled(document, "cql2-json")

    def test_words_in_any_case_and_over_lines(self) -> None:
        assert compiled("pop=1\n and\tname like 'a'") == compiled("pop = 1 AND name LIKE 'a'")

    @pytest.mark.parametrize(
        ("text", "position"),
        [
            ("name =", 7), ("= 1", 1), ("pop = 1 pop = 2", 9), ("pop = (1", 9), ("name = 'a", 8), ("name = a'", 9),
            ("pop = 1;", 8), ("pop == 1", 6), ("pop = 1 AND", 12), ("name NOT 'a'", 10), ("foo(pop) = 1", 1),
            ("name IN 'a'", 9), ("name IN ('a',)", 14), ("pop = --1", 8), ("name IS 1", 9), ("AND = 1", 1),
            ("pop = 1e", 7), ("pop = 0x10", 7), ("", 1), ("  ", 3), ("pop = $1", 7), ("T_AFTER(built)", 1),
            ("built = DATE(2025)", 14), ("built = DATE('2025-02-30')", 9), ("seen = TIMESTAMP('2025-01-01')", 8 + 0),
        ],
    )  # fmt: skip
    def test_wrong_syntax_names_the_place(self, text: str, position: int) -> None:
        error = refused(text)
        assert isinstance(error, InvalidFilter)
        assert error.position == position

    def test_points_out_the_json_path(self) -> None:
        error = refused({"op": "and", "args": [True, {"op": "=", "args": [{"property": "pop"}, None]}]}, "cql2-json")
        assert isinstance(error, InvalidFilter)
        assert error.position == "$.args[1].args[1]"

    def test_text_in_place_of_a_document(self) -> None:
        refused({"op": "="}, "cql2-text")


class TestLimits:
    def test_length(self) -> None:
        refused("name = '" + "á" * 17_000 + "'")
        compiled("name = '" + "a" * 32_000 + "'")

    def test_depth(self) -> None:
        refused("(" * 5_000 + "pop = 1" + ")" * 5_000)
        refused("NOT " * 5_000 + "active")
        refused("pop = " + "+".join(["1"] * 200))
        compiled("(" * 60 + "pop = 1" + ")" * 60)
        refused("[" * 30_000, "cql2-json")
        nested: object = True
        for _ in range(80):
            nested = {"op": "not", "args": [nested]}
        refused(nested, "cql2-json")

    def test_nodes(self) -> None:
        refused(" OR ".join(["pop=1"] * 1_000))
        compiled(" OR ".join(["pop=1"] * 300))
        refused({"op": "in", "args": [{"property": "pop"}, list(range(100_000))]}, "cql2-json")

    def test_numbers(self) -> None:
        refused("pop > 1e400")
        refused("pop > " + "9" * 5_000)
        refused('{"op":">","args":[{"property":"pop"},' + "9" * 5_000 + "]}", "cql2-json")
        refused('{"op":">","args":[{"property":"pop"},NaN]}', "cql2-json")
        assert compiled("pop < 9223372036854775807")[1] == [2**63 - 1]
        assert compiled("pop < 9223372036854775808")[1] == [float(2**63)]

    def test_vertices(self) -> None:
        points = {"type": "MultiPoint", "coordinates": [[1, 2]] * 20_001}
        assert "20000" in refused({"op": "s_within", "args": [{"property": "geom"}, points]}, "cql2-json").en


class TestTypes:
    def test_unknown_field_lists_what_may_be_used(self) -> None:
        error = refused("missing = 1")
        assert isinstance(error, FieldUnknown)
        assert error.allowed == ("active", "built", "geometry", "height", "name", "pop", "seen", "tags")
        assert error.position == 1

    def test_personal_field_is_refused_everywhere(self) -> None:
        for text in ("owner = 'a'", "name = owner", "owner IS NULL", "CASEI(owner) = 'a'", "owner IN ('a')",
                     "owner LIKE 'a%'", "T_AFTER(owner, DATE('2025-01-01'))", "S_WITHIN(owner, POINT(1 2))",
                     "A_CONTAINS(owner, ('a'))", "NOT (pop = 1 OR owner = 'a')", "owner",
                     "T_AFTER(INTERVAL(owner, '..'), DATE('2025-01-01'))"):  # fmt: skip
            error = refused(text)
            assert isinstance(error, PersonalFieldUsed), text
            assert "owner" not in error.allowed

    def test_a_layer_without_geometry_has_no_geometry_field(self) -> None:
        with pytest.raises(FieldUnknown):
            compile_filter(parse_filter("S_WITHIN(geometry, POINT(1 2))", "cql2-text"), FIELDS, None)

    @pytest.mark.parametrize(
        "text",
        [
            "pop = 'x'", "name > 5", "active = 1", "built = '2025-01-01'", "name = DATE('2025-01-01')", "tags = 'a'",
            "tags = tags", "geometry = POINT(1 2)", "geometry = geometry", "active < TRUE", "pop LIKE 'a'",
            "name LIKE pop", "name LIKE name", r"name LIKE 'a\'", "name IN ('a', 1)", "name IN ()", "pop IN (pop = 1)",
            "pop BETWEEN 'a' AND 'b'", "name + 1 = 2", "pop + 'a' = 2", "CASEI(pop) = 'a'", "pop", "name", "'a'", "1",
            "pop AND active", "NOT pop", "S_WITHIN(name, POINT(1 2))", "S_WITHIN(1, POINT(1 2))", "POINT(1 2)",
            "T_AFTER(name, DATE('2025-01-01'))", "T_AFTER(built, '2025-01-01')", "T_AFTER(built, 5 + 5)",
            "A_CONTAINS(name, ('a'))", "A_CONTAINS(tags, (1,2))", "A_CONTAINS(tags, ('a', name))", "(1,2) = 3",
            "BBOX(1,2,3)", "BBOX(1,2,'3',4)", "BBOX(1,2,pop,4)", "INTERVAL('2025-01-01','..') = built",
            "S_WITHIN(geom, GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(1 2,3 4)))", "CASEI(name)", "pop + 1",
        ],
    )  # fmt: skip
    def test_what_does_not_compare_is_refused(self, text: str) -> None:
        assert isinstance(refused(text), InvalidFilter | InvalidBBox)

    def test_the_message_names_field_and_remedy(self) -> None:
        error = refused("built = '2025-01-01'")
        assert "built" in error.vi
        assert "DATE('2025-07-01')" in error.vi

    @pytest.mark.parametrize(
        "geometry",
        [
            "POLYGON((1 1,2 2,2 1,1 2,1 1))", "POLYGON((1 1,2 1,2 2))", "POINT(21 105)", "POINT Z(1 2 3)",
            "POINT EMPTY", "POINT(1 2", "LINESTRING(1 2)", "POLYGON((1 1,2 1,2 2,1 1)",
        ],
    )  # fmt: skip
    def test_bad_geometries(self, geometry: str) -> None:
        assert isinstance(refused(f"S_INTERSECTS(geometry, {geometry})"), InvalidGeometry | InvalidFilter)


class TestFilterCRS:
    def test_vn2000_and_axis_order(self) -> None:
        crs = crs_by_code(9210)
        x, y = transformer(CRS84, crs).transform(106.7, 10.8)
        for text, filter_crs in ((f"POINT({x!r} {y!r})", crs), ("POINT(10.8 106.7)", EPSG_4326)):
            tree = parse_filter(f"S_EQUALS(geometry, {text})", "cql2-text", filter_crs=filter_crs)
            assert isinstance(tree, Operation)
            literal = tree.args[1]
            assert isinstance(literal, GeometryLiteral)
            assert shapely.get_coordinates(literal.geometry)[0] == pytest.approx((106.7, 10.8), abs=1.5e-8)


ROWS: Sequence[tuple[object, ...]] = [
    (1, "Hà Nội", 100, 1.5, True, "2025-01-01", "2025-01-01T12:00:00Z", ["a", "b"], "SRID=4326;POINT(105.8 21)"),
    (2, "O'Brien\\x", 7, -2.0, False, "2025-06-01", "2025-06-01T00:00:00Z", ["c"], "SRID=4326;POINT(106.7 10.8)"),
    (3, "ĐÀ NẴNG_1%", None, None, None, None, None, None, None),
]


@pytest.mark.db
class TestAnswers:
    """What PostgreSQL answers to the compiled statement."""

    @pytest.fixture
    def places(self, db: psycopg.Connection[tuple[object, ...]]) -> psycopg.Connection[tuple[object, ...]]:
        db.execute("DROP TABLE IF EXISTS cql2_places")
        db.execute(
            "CREATE TEMPORARY TABLE cql2_places (fid bigint, name text, pop bigint, height float8, active boolean,"
            " built date, seen timestamptz, tags text[], geom geometry(Point, 4326))"
        )
        with db.cursor() as cursor:
            cursor.executemany("INSERT INTO cql2_places VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", ROWS)
        return db

    @staticmethod
    def ids(places: psycopg.Connection[tuple[object, ...]], text: str) -> list[object]:
        sql, values = compiled(text)
        return [row[0] for row in psycopg.RawCursor(places).execute(sql, values).fetchall()]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("name = 'Hà Nội'", [1]), (r"name = 'O''Brien\x'", [2]), (r"name LIKE '%\_1\%'", [3]),
            ("name LIKE 'H_ N%'", [1]), ("CASEI(name) = CASEI('đà nẵng_1%')", [3]),
            ("ACCENTI(CASEI(name)) LIKE 'da nang%'", [3]), ("ACCENTI(name) = ACCENTI('Hà Nội')", [1]),
            ("CASEI(name) IN (CASEI('HÀ NỘI'))", [1]), ("name NOT IN ('Hà Nội')", [2, 3]),
            ("pop = 100 OR pop = 7 AND name = 'zz'", [1]), ("NOT (pop = 7) AND active", [1]),
            ("pop / 2 = 3.5", [2]), ("pop div 2 = 3", [2]), ("pop % 2 = 1", [2]), ("pop ^ 2 > 48", [1, 2]),
            ("pop / 0 = 1 OR pop % 0 = 1 OR pop div 0 = 1", []), ("-pop < -50", [1]), ("-height = 2", [2]),
            ("pop * 9223372036854775807 * 9223372036854775807 > 0", [1, 2]), ("(pop + 1) * 2 = 16", [2]),
            ("pop IN (7, 100)", [1, 2]), ("pop IN (7.0, 3)", [2]), ("height IN (1.5)", [1]), ("pop > 6.9", [1, 2]),
            ("pop NOT BETWEEN 5 AND 10", [1]), ("name BETWEEN 'H' AND 'I'", [1]), ("pop IS NULL", [3]),
            ("active = TRUE", [1]), ("active <> TRUE", [2]), ("(pop = 7) = TRUE", [2]), ("TRUE", [1, 2, 3]),
            ("FALSE OR pop = 7", [2]), ("geometry IS NULL", [3]), ("tags IS NULL", [3]),
            ("built = DATE('2025-01-01')", [1]), ("built < TIMESTAMP('2025-01-01T00:00:01Z')", [1]),
            ("seen > DATE('2025-01-02')", [2]), ("built IN (DATE('2025-06-01'))", [2]),
            ("seen = TIMESTAMP('2025-01-01T19:00:00+07:00')", [1]), ("T_INTERSECTS(seen, DATE('2025-01-01'))", [1]),
            ("T_INTERSECTS(seen, INTERVAL('2025-01-01','2025-06-01'))", [1, 2]),
            ("T_DURING(built, INTERVAL('2025-01-01','..'))", [2]), ("T_AFTER(built, DATE('2025-01-01'))", [2]),
            ("T_BEFORE(seen, TIMESTAMP('2025-01-01T12:00:01Z'))", [1]), ("T_DISJOINT(built, DATE('2025-06-01'))", [1]),
            ("T_INTERSECTS(INTERVAL(built, seen), TIMESTAMP('2025-01-01T06:00:00Z'))", [1]),
            ("T_EQUALS(built, DATE('2025-06-01'))", [2]), ("T_STARTS(built, INTERVAL('2025-01-01','..'))", [1]),
            ("T_FINISHES(built, INTERVAL('..','2025-06-01'))", [2]),
            ("T_STARTEDBY(INTERVAL(built, '..'), DATE('2025-06-01'))", [2]),
            ("T_FINISHEDBY(INTERVAL('..', built), DATE('2025-06-01'))", [2]),
            ("T_CONTAINS(INTERVAL('2025-05-01','2025-07-01'), built)", [2]),
            ("T_MEETS(INTERVAL('..', built), INTERVAL('2025-06-01','..'))", [2]),
            ("T_METBY(INTERVAL(built, '..'), INTERVAL('..','2025-06-01'))", [2]),
            ("T_OVERLAPS(INTERVAL('..', built), INTERVAL('2025-03-01','..'))", [2]),
            ("T_OVERLAPPEDBY(INTERVAL(built, '..'), INTERVAL('..','2025-03-01'))", [1]),
            ("A_CONTAINS(tags, ('a'))", [1]), ("A_CONTAINS(tags, 'a')", [1]), ("A_CONTAINEDBY(tags, ('c','d'))", [2]),
            ("A_OVERLAPS(tags, ('b','c'))", [1, 2]), ("A_EQUALS(tags, ('b','a'))", [1]),
            ("A_CONTAINS(tags, ())", [1, 2]), ("S_INTERSECTS(geometry, BBOX(105,20,106,22))", [1]),
            ("S_DISJOINT(geom, BBOX(105,20,106,22))", [2]), ("S_CONTAINS(BBOX(105,20,106,22), geometry)", [1]),
            ("S_WITHIN(geom, MULTIPOLYGON(((105 20,106 20,106 22,105 22,105 20))))", [1]),
            ("S_INTERSECTS(geom, GEOMETRYCOLLECTION(POINT(105.8 21),LINESTRING(106.7 10.8, 107 11)))", [1, 2]),
            ("S_WITHIN(geom, GEOMETRYCOLLECTION(POINT(105.8 21),POINT(1 2)))", [1]),
            ("S_EQUALS(geom, POINT(105.8 21))", [1]), ("S_TOUCHES(geom, LINESTRING(105.8 21, 106 22))", [1]),
            ("S_CROSSES(geom, LINESTRING(105.8 21, 106 22))", []), ("S_OVERLAPS(geom, MULTIPOINT(105.8 21))", []),
            ("S_INTERSECTS(geom, BBOX(106.5,10,-170,11))", [2]),
        ],
    )  # fmt: skip
    def test_rows(self, places: psycopg.Connection[tuple[object, ...]], text: str, expected: list[object]) -> None:
        assert self.ids(places, text) == expected

    def test_a_thousand_awkward_texts_find_themselves_alone(
        self, places: psycopg.Connection[tuple[object, ...]]
    ) -> None:
        pieces = ["'", "''", "\\", "\\'", "%", "_", '"', ";--", "ờ", "\n", "$1", "\u2019"]
        texts = [first + second + third for first in pieces for second in pieces for third in pieces[:7]]
        texts = sorted(set(texts))
        with places.cursor() as cursor:
            cursor.executemany("INSERT INTO cql2_places (fid, name) VALUES (%s, %s)", list(enumerate(texts, 100)))
        for fid, text in enumerate(texts, 100):
            assert self.ids(places, "name = '" + text.replace("'", "''") + "'") == [fid]
            escaped = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_").replace("'", "''")
            assert self.ids(places, f"name LIKE '{escaped}'") == [fid]
