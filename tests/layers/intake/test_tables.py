"""Tables, drawings and files without a place of their own: coordinates in any usual form, codes, addresses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import shapely
import xlsxwriter
from shapely.geometry.base import BaseGeometry

from layers.definition_reader import load_builtin
from layers.intake.model import Intake, Wish, World
from layers.intake.run import run_intake
from spatial.crs import crs_by_code
from spatial.readings import Reading
from tests.layers.intake.factory import TODAY, metres

LON, LAT = 105.97, 10.25
SCHOOLS = Wish("schools", unit_code="29551")
HEADER = ["Mã trường", "Tên trường", "Cấp học"]


@pytest.fixture(scope="module")
def world() -> World:
    boundary = shapely.Point(LON, LAT).buffer(0.05)
    return World(load_builtin()["schools"], TODAY, boundary, unit_name="xã Thử", known_units=frozenset({"29551"}))


def dms(value: float, side: str) -> str:
    minutes = abs(value) * 60
    return f"{int(minutes // 60)}°{int(minutes % 60):02}'{(minutes * 60) % 60:.3f}\"{side}"


def comma(value: float, places: int = 8) -> str:
    return f"{value:.{places}f}".replace(".", ",")


def vn2000(row: int, zone: int = 9209) -> tuple[float, float]:
    return metres(Reading(crs_by_code(zone)), LON + row * 0.001, LAT + row * 0.001)


FORMS = {
    "degrees": (["Kinh độ", "Vĩ độ"], lambda x, y, n: [f"{x:.8f}", f"{y:.8f}"]),
    "decimal comma": (["KINHDO", "VIDO"], lambda x, y, n: [comma(x), comma(y)]),
    "longitude and latitude exchanged": (["Kinh độ", "Vĩ độ"], lambda x, y, n: [f"{y:.8f}", f"{x:.8f}"]),
    "degrees, minutes, seconds": (["lon", "lat"], lambda x, y, n: [dms(x, "E"), dms(y, "N")]),
    "Vietnamese sides": (["lon", "lat"], lambda x, y, n: [dms(x, "Đ"), dms(y, "B")]),
    "one cell as web maps write it": (["Tọa độ"], lambda x, y, n: [f"{y:.8f}, {x:.8f}"]),
    "WKT": (["WKT"], lambda x, y, n: [f"POINT ({x:.9f} {y:.9f})"]),
}
METRES = {
    "X east": (["X", "Y"], lambda n: [f"{value:.3f}" for value in vn2000(n)]),
    "X north, as surveyors write": (["X", "Y"], lambda n: [f"{value:.3f}" for value in reversed(vn2000(n))]),
    "grouped with points": (
        ["X", "Y"],
        lambda n: [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in vn2000(n)],
    ),
}  # fmt: skip


def write_csv(path: Path, rows: Sequence[Sequence[str]], *, delimiter: str = ";", codec: str = "utf-8-sig") -> Path:
    lines = (delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    path.write_bytes("\r\n".join(lines).encode(codec))
    return path


def write_xlsx(path: Path, rows: Sequence[Sequence[object]], *, title: str | None = None) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Trường học")
        if title:
            sheet.write(0, 0, title)
        for at, row in enumerate(rows, start=2 if title else 0):
            sheet.write_row(at, 0, row)
    return path


def schools(header: Sequence[str], cells: Sequence[Sequence[str]]) -> list[list[str]]:
    rows = [[f"86001{n:03}", f"Trường Tiểu học Nguyễn Văn Số {n}", "Tiểu học", *own] for n, own in enumerate(cells)]
    return [[*HEADER, *header], *rows]


def assert_placed(found: Intake, *, within_m: float = 0.5) -> None:
    assert found.totals.good == 5, [(f.code, f.en) for f in found.findings]
    assert not [q for q in found.questions if q.id == "crs"]
    points = shapely.get_coordinates(np.asarray(found.rows.geometry))
    wanted = np.array([[LON + n * 0.001, LAT + n * 0.001] for n in range(5)])
    assert np.abs(points - wanted).max() * 111_000 < within_m
    assert found.rows["name"].iloc[1] == "Trường Tiểu học Nguyễn Văn Số 1"


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_degrees_in_every_usual_form(form: str, kind: str, world: World, tmp_path: Path) -> None:
    header, cells = FORMS[form]
    rows = schools(header, [cells(LON + n * 0.001, LAT + n * 0.001, n) for n in range(5)])
    path = write_csv(tmp_path / "t.csv", rows) if kind == "csv" else write_xlsx(tmp_path / "t.xlsx", rows)
    assert_placed(run_intake(path, SCHOOLS, world))


@pytest.mark.parametrize("form", list(METRES))
def test_metres_are_asked_with_the_right_zone_offered(form: str, world: World, tmp_path: Path) -> None:
    header, cells = METRES[form]
    path = write_csv(tmp_path / "t.csv", schools(header, [cells(n) for n in range(5)]))
    found = run_intake(path, SCHOOLS, world)
    asked = {question.id: question for question in found.questions}
    assert "crs" in asked, "a zone is never taken without a word"
    wanted = "EPSG:9209/swapped" if "north" in form else "EPSG:9209"
    assert wanted in {option.value for option in asked["crs"].options}
    assert not found.is_ready
    assert_placed(run_intake(path, dataclasses.replace(SCHOOLS, crs=wanted), world))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_way_to_write_a_csv(delimiter: str, codec: str, world: World, tmp_path: Path) -> None:
    rows = schools(["lon", "lat"], [[str(LON + n * 0.001), str(LAT + n * 0.001)] for n in range(5)])
    assert_placed(run_intake(write_csv(tmp_path / "t.csv", rows, delimiter=delimiter, codec=codec), SCHOOLS, world))


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_samples_stand_under_readable_names_and_show_no_personal_value(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "thua-dat.csv"
    text = "Số tờ,Số thửa,Tên chủ,Địa chỉ thửa đất\n1,2,Nguyễn Văn Bí Mật,Ấp Đường Mới\n"
    path.write_bytes(text.encode(codec))
    found = run_intake(path, Wish("parcels"), World(load_builtin()["parcels"], TODAY))
    assert found.encoding is not None
    samples = {column.column: column.samples for column in found.encoding.columns}
    assert "Tên chủ" in samples
    assert not any("Bí Mật" in value for values in samples.values() for value in values)


def test_a_sheet_with_a_title_above_its_header_and_numbers_as_numbers(world: World, tmp_path: Path) -> None:
    rows: list[list[object]] = [*map(list, schools(["lon", "lat"], [["", ""]] * 5))]
    for n, row in enumerate(rows[1:]):
        row[-2:] = [LON + n * 0.001, LAT + n * 0.001]
    assert_placed(run_intake(write_xlsx(tmp_path / "t.xlsx", rows, title="DANH SÁCH TRƯỜNG HỌC"), SCHOOLS, world))


def test_rows_of_unlike_length_keep_what_they_have(world: World, tmp_path: Path) -> None:
    rows = schools(["lon", "lat", "Ghi chú"], [[str(LON + n * 0.001), str(LAT + n * 0.001), "x"] for n in range(5)])
    rows[2].append("thừa")
    rows[3].pop()
    found = run_intake(write_csv(tmp_path / "t.csv", rows), SCHOOLS, world)
    assert [f.row for f in found.findings if f.code == "csv.ragged"] == [2, 3]
    assert_placed(found)


def test_rows_without_coordinates_are_placed_by_what_the_world_knows(world: World, tmp_path: Path) -> None:
    def find(addresses: Sequence[str]) -> list[BaseGeometry | None]:
        return [None if "không" in text else shapely.Point(LON, LAT) for text in addresses]

    rows = schools(["Địa chỉ"], [["Ấp 1"], ["Ấp 2"], ["không có"], ["Ấp 3"], ["Ấp 4"]])
    knowing = dataclasses.replace(world, place_addresses=find)
    found = run_intake(write_csv(tmp_path / "t.csv", rows), SCHOOLS, knowing)
    assert "geometry.from-text" in {finding.code for finding in found.findings}
    assert found.totals.good == 4
    refused = [finding for finding in found.findings if finding.row == 3 and finding.field == "geometry"]
    assert refused


def test_closed_lines_of_a_drawing_are_parcels(tmp_path: Path) -> None:
    reading = Reading(crs_by_code(9209))
    x, y = metres(reading, LON, LAT)
    squares = [shapely.box(x + 40 * n, y, x + 40 * n + 30, y + 30).exterior for n in range(3)]
    body = "".join(
        f"0\nLWPOLYLINE\n8\n10\n90\n{len(line.coords) - 1}\n70\n1\n"
        + "".join(f"10\n{px:.3f}\n20\n{py:.3f}\n" for px, py in line.coords[:-1])
        for line in squares
    )
    path = tmp_path / "t.dxf"
    path.write_text(f"0\nSECTION\n2\nENTITIES\n{body}0\nENDSEC\n0\nEOF\n")
    world = World(load_builtin()["parcels"], TODAY, shapely.Point(LON, LAT).buffer(0.05), unit_name="xã Thử")
    wish = Wish("parcels", unit_code="29551", crs="EPSG:9209", constants={"old_commune_code": "29551"})
    found = run_intake(path, wish, world)
    assert found.source is not None
    assert found.source.kind == "dxf"
    assert {"field:sheet", "field:parcel"} <= {question.id for question in found.questions}
    assert "geometry.closed-line" in {finding.code for finding in found.findings}
    assert found.totals.read == 3


def test_a_reader_that_dies_is_a_refusal(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layers.intake.opening._CHILD", "tests.layers.intake.dying")
    path = write_csv(tmp_path / "t.csv", schools(["lon", "lat"], [["105.97", "10.25"]]))
    found = run_intake(path, SCHOOLS, world)
    assert found.is_rejected
    assert [finding.code for finding in found.findings] == ["file.child-crash"]
