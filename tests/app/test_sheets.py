"""Printed sheets of a scenario: what stands on the paper, for whom, and that nothing is fetched for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from markupsafe import escape
from sqlalchemy import Engine

from app.database import Database
from app.resources import Principal
from app.settings import CHECKOUT
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from scenarios.definition import MeetingLevel
from scenarios.evaluation.running import evaluate
from scenarios.loader import get_scenario
from scenarios.observations.observation import Kept, Observation
from scenarios.observations.recording import record_observations
from scenarios.sheets.sheet import read_sheet
from scenarios.work.calendar import WorkCalendar
from tests.conftest import Service, run_service
from tests.pdf_text import page_sizes, pdf_text
from tests.people import WHO, with_people
from web.sheets.document import refuse, sheet_html

pytestmark = pytest.mark.db
PATH = "/api/scenarios/S20/sheet"
HOSTILE = '<img src="http://example.org/x.png"> & co'
_ROW = r'<tr( class="behind")?>\s*<td class="n">(\d+)</td><td>([^<]*)</td><td class="n">([^<]*)'
NOW = datetime.now(UTC)
BEFORE = NOW - timedelta(days=3)


def _person(subject: str, *units: str) -> Principal:
    right = Right(frozenset({Action.READ}), areas=frozenset({Area.INDICATORS, Area.ALERTS}))
    return Principal(subject, subject, Scope(subject, (Grant(right, frozenset(units) if units else None),)))


PEOPLE = {"leader": _person("leader"), "guest": Principal("guest", "guest", Scope("guest"))}


@pytest.fixture(scope="module")
def service(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE))


@pytest.fixture(scope="module")
def writer(service: Service) -> Iterator[Engine]:
    engine = service.database.engine("diaban_writer")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module", autouse=True)
def communes(service: Service, writer: Engine) -> list[tuple[str, str]]:
    """Communes by code. Revenue is 10, 20, 30 … of a plan of 25, so that two are behind; the last sends nothing."""
    with service.database.superuser_engine().begin() as connection:
        connection.exec_driver_sql(
            "UPDATE features.communes SET name = %s WHERE code = (SELECT min(code) FROM features.communes)", (HOSTILE,)
        )
        found = connection.exec_driver_sql("SELECT code, name FROM features.communes ORDER BY code").all()
    codes = [str(code) for code, _ in found]
    PEOPLE["clerk"] = _person("clerk", codes[1])
    values = [Observation("budget-revenue", code, BEFORE, 10.0 * n) for n, code in enumerate(codes[:-1], 1)]
    plans = [Observation("budget-revenue", code, BEFORE, 25.0) for code in codes]
    with writer.begin() as connection:
        for rows, kept in ((values, Kept.OBSERVATION), (plans, Kept.TARGET)):
            told = record_observations(connection, Scope.local_admin(), rows, BEFORE, source="test", kept=kept)
            assert told.refused == ()
    with writer.begin() as connection:
        evaluate(connection, get_scenario("S20"), lambda: BEFORE + timedelta(minutes=1), WorkCalendar())
    return [(str(code), str(name)) for code, name in found]


def _get(service: Service, who: str | None = "leader", path: str = PATH, **params: str) -> httpx.Response:
    return service.client.get(path, params=params, headers={WHO: who} if who else {})


def _html(writer: Engine, level: MeetingLevel = MeetingLevel.PERIODIC, unit: str | None = None) -> str:
    with writer.connect() as connection:
        sheet = read_sheet(connection, Scope.local_admin(), get_scenario("S20"), level, datetime.now(UTC), unit=unit)
    return sheet_html(sheet)


def test_the_paper_is_an_administrative_document_on_a4(service: Service, communes: list[tuple[str, str]]) -> None:
    answer = _get(service)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), answer.text
    assert re.search(
        r'inline; filename="phieu-hop-S20-dinh-ky-\d{4}-\d\d-\d\d.pdf"', answer.headers["content-disposition"]
    )
    assert page_sizes(answer.content) == {(595, 842)}
    words = pdf_text(answer.content)
    for told in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "Số: ……", "BÁO CÁO", "họp định kỳ",
        "Thu ngân sách xã, phường (triệu đồng)", "thu không đạt 90% kế hoạch theo kỳ đánh giá", "Nơi nhận:", "Lưu: VT",
        "Sở Tài chính", "Dưới 80 % kế hoạch (chưa đạt)", "Không có số liệu", "dữ liệu mô phỏng", communes[1][1],
    ):  # fmt: skip
        assert told in words, (told, words)
    assert re.search(r"\d k m", words)
    # The name of a commune is printed as it is written, and asks for nothing.
    assert HOSTILE.replace(" ", "") in words.replace(" ", "")


def test_units_behind_plan_stand_first_with_their_alerts_and_late_tasks(
    writer: Engine, communes: list[tuple[str, str]]
) -> None:
    html = _html(writer)
    table = html[html.index("Thu ngân sách xã, phường") :]
    rows = re.findall(_ROW, table)
    assert [(bool(behind), value) for behind, _, _, value in rows[:4]] == [
        (True, "10"), (True, "20"), (False, "30"), (False, "40"),
    ]  # fmt: skip
    assert rows[len(communes) - 1][3] == "–"
    assert f"{len(communes)} đơn vị: 2 chưa đạt kế hoạch, 1 thiếu" in table
    alerts = html[html.index("Cảnh báo đang mở") :]
    assert alerts.count("thu không đạt 90% kế hoạch") == 2
    assert f"{BEFORE + timedelta(hours=7, minutes=1):%H:%M %d/%m/%Y}" in alerts
    assert "Theo dõi chỉ số và cảnh báo" in alerts[alerts.index("Việc quá hạn") :]


def test_an_ad_hoc_meeting_begins_with_alerts_and_lists_only_whom_to_ask(
    writer: Engine, communes: list[tuple[str, str]]
) -> None:
    html = _html(writer, MeetingLevel.AD_HOC)
    assert html.index("I. Cảnh báo đang mở") < html.index("III. Đơn vị chưa đạt kế hoạch")
    table = html[html.index("Thu ngân sách xã, phường") : html.index('<div class="map">')]
    # The heading, two behind plan, and the one that sent nothing.
    assert table.count("<tr>") + table.count('<tr class="behind">') == 4


def test_the_map_has_every_commune_alert_numbers_bar_and_north(writer: Engine, communes: list[tuple[str, str]]) -> None:
    html = _html(writer)
    drawing = html[html.index("<svg") : html.index("</svg>")]
    assert drawing.count('stroke-linejoin="round"/>') == len(communes)
    assert drawing.count("<circle") == 2
    # 40 % and 80 % of plan.
    assert [len(re.findall(f'fill="{colour}" stroke="#444444"', drawing)) for colour in ("#b35806", "#f1a340")] == [
        1,
        1,
    ]
    assert drawing.count('fill="url(#stripes)"') == 1
    assert ">B</text>" in drawing
    # Drawn to less than a few kilobytes for each commune, however fine the boundaries are.
    assert len(drawing) < 4_000 * len(communes)


def test_a_clerk_gets_the_own_commune_only(service: Service, communes: list[tuple[str, str]]) -> None:
    words = pdf_text(_get(service, "clerk").content)
    assert "1 đơn vị: 1 chưa đạt kế hoạch, 0 thiếu" in words
    assert words.count("thu không đạt 90% kế hoạch") == 1
    assert _get(service, "clerk", unit=communes[1][0]).status_code == 200
    other = _get(service, "clerk", unit=communes[2][0])
    assert (other.status_code, other.json()["type"]) == (404, "/problems/unit-not-found")


def test_one_unit_and_a_whole_province(service: Service, communes: list[tuple[str, str]]) -> None:
    code, name = communes[1]
    words = pdf_text(_get(service, unit=code, level="theo-yeu-cau").content)
    assert "họp theo yêu cầu" in words
    assert f"ỦY BAN NHÂN DÂN {name}".lower() in words.lower()
    assert "1 đơn vị: 1 chưa đạt" in words
    province = str(service.client.get(f"/api/units/{code}").json()["unit"]["parent_code"])
    assert f"{len(communes)} đơn vị: 2 chưa đạt" in pdf_text(_get(service, unit=province).content)


def test_who_asks_and_what_for(service: Service) -> None:
    refusals = [
        (_get(service, None), 401, "sign-in-needed"),
        (_get(service, "guest"), 403, "not-allowed"),
        (_get(service, path="/api/scenarios/S99/sheet"), 404, "scenario-not-found"),
        (_get(service, unit="00001"), 404, "unit-not-found"),
    ]
    assert [(a.status_code, a.json()["type"].rpartition("/")[2]) for a, *_ in refusals] == [
        (status, kind) for _, status, kind in refusals
    ]
    for wrong in ({"level": "khac"}, {"unit": "1'--"}, {"at": "hôm nay"}):
        assert _get(service, **wrong).status_code in (400, 422), wrong
    before_anything = pdf_text(_get(service, at="2001-01-01T00:00:00+07:00").content)
    assert "Không có cảnh báo nào đang mở" in before_anything
    assert "Không có việc nào quá hạn" in before_anything


def test_a_scenario_without_indicators_has_a_sheet_of_its_alerts(service: Service) -> None:
    assert "Không có cảnh báo nào đang mở" in pdf_text(_get(service, path="/api/scenarios/S01/sheet").content)


def test_nothing_is_fetched(writer: Engine) -> None:
    """Neither what a name asks for nor anything of the page's own: not one address is asked for."""
    for url in ("http://example.org/x.png", "file:///etc/hostname"):
        with pytest.raises(ValueError, match="fetches nothing"):
            refuse(url)
    assert "src=" not in _html(writer).replace(escape(HOSTILE), "")
    assert "url(" not in _html(writer).replace("url(#stripes)", "")


def test_at_the_terminal(service: Service, tmp_path: Path) -> None:
    (tmp_path / "external-database-secret").write_text(service.database.secret.hex())
    environment = os.environ | {"DATABASE_URL": service.database.superuser_dsn, "DIABAN_STATE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "app.cli", "scenarios", "sheet", "S20", "--level", "dot-xuat", "-o", "phieu.pdf"]
    command[-1] = str(tmp_path / "phieu.pdf")
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "họp đột xuất" in pdf_text((tmp_path / "phieu.pdf").read_bytes())
