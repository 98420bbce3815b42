"""Spreadsheets and SensorThings: the same rows, the same refusals."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime

import httpx
import pytest
import xlsxwriter

from app.database import Database
from app.observing.rows import Form
from tests.app.test_indicators import PEOPLE
from tests.conftest import Service, run_service
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
CODE = "documents-late-share"
STREAMS = "/api/sensorthings/v1.1/Observations"


@pytest.fixture(scope="module")
def service(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE))


@pytest.fixture(scope="module")
def commune(service: Service) -> str:
    with service.database.engine("diaban_owner").connect() as connection:
        return str(connection.exec_driver_sql("SELECT min(code) FROM features.communes").scalar_one())


def _at(*parts: int) -> datetime:
    """A cell's moment: workbooks know no zones."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def _workbook(*rows: list[object]) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(number, column, value, day)
                else:
                    sheet.write(number, column, value)
    return target.getvalue()


def _send(service: Service, body: bytes, who: str = "sender") -> httpx.Response:
    headers = {WHO: who, "Content-Type": Form.XLSX.value, "Accept-Language": "en"}
    return service.client.post("/api/observations", content=body, headers=headers)


def _values(service: Service, place: str, since: str) -> list[tuple[float, str]]:
    asked = {"place": place, "since": since, "until": "2026-12-01T00:00:00Z"}
    found = service.client.get(f"/api/indicators/{CODE}/values", params=asked, headers={WHO: "reader"}).json()
    return [(value["value"], value["at"]) for value in found["values"]]


def test_a_workbook_goes_in_with_its_dates_as_vietnamese_time(service: Service, commune: str) -> None:
    body = _workbook(
        ["Indicator ", "PLACE", "At", "Value", "ghi chú"],
        [CODE, commune, _at(2026, 5, 4, 8, 30), 7.25, "quý II"],
        [CODE, commune, "2026-05-05T08:30:00+07:00", 8, None],
        [CODE, commune, _at(2026, 5, 6), "nhiều", None],
        [CODE, "99999", _at(2026, 5, 6), 1, None],
    )
    answer = _send(service, body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["added"], [(row["row"], row["field"]) for row in told["refused"]]) == (2, [(3, "value"), (4, "place")])
    found = _values(service, commune, "2026-05-01T00:00:00Z")
    assert [value for value, _ in found] == [8.0, 7.25]
    assert found[1][1] <= "2026-05-04T01:30:00+00:00"


def _bomb() -> bytes:
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(_workbook(["indicator", "place", "at", "value"]))) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in source.namelist():
            if name == "xl/worksheets/sheet1.xml":
                cell = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>' + b"A" * 1_000 + b"</t></is></c></row>"
                rows = b"".join(cell % (number, number) for number in range(1, 101_000))
                head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
                bomb.writestr(name, head + rows + b"</sheetData></worksheet>")
            else:
                bomb.writestr(name, source.read(name))
    return target.getvalue()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"PK\x03\x04 no workbook", "no XLSX workbook"),
        (b"", "no XLSX workbook"),
        (_workbook(["indicator", "place", "value"], ["x", "y", 1]), "lacks: at"),
        (_workbook([1, 2, 3]), "lacks: indicator"),
        (_bomb(), "too large"),
    ],
    ids=["damaged", "empty", "heading", "numbers", "bomb"],
)
def test_a_workbook_that_cannot_be_read_is_told_in_words(service: Service, body: bytes, words: str) -> None:
    answer = _send(service, body)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["detail"]


def test_a_sensor_speaks_sensorthings(service: Service, commune: str) -> None:
    entity = {
        "phenomenonTime": "2026-06-01T02:00:00Z",
        "resultTime": "2026-06-01T02:00:05Z",
        "result": 5.5,
        "Datastream": {"@iot.id": f"{CODE}/{commune}"},
    }
    answer = service.client.post(STREAMS, json=entity, headers={WHO: "sender"})
    assert answer.status_code == 201, answer.text
    assert [value for value, _ in _values(service, commune, "2026-06-01T00:00:00Z")] == [5.5]


@pytest.mark.parametrize(
    ("change", "status", "parameter"),
    [
        ({"Datastream": {"@iot.id": "no-such/15715"}}, 400, "indicator"),
        ({"Datastream": {"@iot.id": f"{CODE}/99999"}}, 400, "place"),
        ({"Datastream": {"@iot.id": "no slash"}}, 400, None),
        ({"Datastream": {}}, 400, None),
        ({"result": "NaN"}, 400, None),
        ({"phenomenonTime": "2099-01-01T00:00:00Z"}, 400, "at"),
        ({"phenomenonTime": "0001-01-01T00:00:00Z"}, 400, None),
    ],
)
def test_an_entity_that_is_wrong_is_told_in_words(
    service: Service, commune: str, change: dict[str, object], status: int, parameter: str | None
) -> None:
    entity = {"result": 5.5, "Datastream": {"@iot.id": f"{CODE}/{commune}"}, **change}
    answer = service.client.post(STREAMS, json=entity, headers={WHO: "sender"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    if parameter is not None:
        assert answer.json()["parameter"] == parameter


def test_sending_needs_the_right(service: Service, commune: str) -> None:
    entity = {"result": 5.5, "Datastream": {"@iot.id": f"{CODE}/{commune}"}}
    assert service.client.post(STREAMS, json=entity).status_code == 401
    assert service.client.post(STREAMS, json=entity, headers={WHO: "reader"}).status_code == 403
