"""Alerts as CAP 1.2: valid at every stage, in both languages, with references, and with hostile text in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from layers.access import Scope
from scenarios.alerts.errors import AlertNotFound
from scenarios.loader import get_scenario, load_builtin
from scenarios.notifying.cap import CATEGORIES, Area, PublicWarning, write_cap
from scenarios.notifying.history import MessageType, Said
from scenarios.notifying.warning import read_warning
from scenarios.outcomes import Level, Place, PlaceKind, Standing
from tests.scenarios.alerts.outcomes import fresh_place
from tests.scenarios.notifying.cap_rules import SPACE, read_valid
from tests.scenarios.notifying.conftest import ADMIN, OpenAlert

URL = "https://bando.example.vn"
AT = datetime(2026, 3, 10, 2, 0, 30, 123456, tzinfo=UTC)
FIRST = Said(1, MessageType.ALERT, AT, Level.ALARM, 163.5, 150.0)
RING = ((105.7, 19.8), (105.8, 19.8), (105.8, 19.9), (105.7, 19.8))
COMMUNE = Area("Phường Hạc Thành", "14758", (RING, RING))


def _warning(*said: Said, code: str = "S37", area: Area = COMMUNE) -> PublicWarning:
    link, scenario = f"{URL}/board?s={code}&a=7", load_builtin().get(code)
    return PublicWarning(7, code, scenario, said or (FIRST,), AT, area, "bando.example.vn", link, "AQI")


def _values(element: ET.Element, name: str) -> list[str]:
    return [found.text or "" for found in element.iter(f"{SPACE}{name}")]


class TestMessage:
    @pytest.mark.parametrize("code", [*load_builtin(), "S99"])
    def test_of_every_scenario_is_valid_and_public_only_where_it_concerns_the_public(self, code: str) -> None:
        alert = read_valid(write_cap(_warning(code=code)))
        assert _values(alert, "scope") == ["Public" if code in CATEGORIES else "Restricted"]

    def test_says_what_where_and_how_grave_in_both_languages(self) -> None:
        alert = read_valid(write_cap(_warning()))
        assert _values(alert, "language") == ["vi-VN", "en-US"]
        title = get_scenario("S37").title
        assert _values(alert, "event") == [title.vi, title.en]
        assert _values(alert, "sent") == ["2026-03-10T09:00:30+07:00"]
        assert [description.split(". ", 1)[1] for description in _values(alert, "description")] == [
            "Giá trị 163,5 AQI, ngưỡng 150 AQI.",
            "Value 163.5 AQI, threshold 150 AQI.",
        ]
        assert (
            _values(alert, "polygon")[0]
            == "19.80000,105.70000 19.80000,105.80000 19.90000,105.80000 19.80000,105.70000"
        )
        assert "14758" in _values(alert, "value")
        assert _values(alert, "areaDesc") == ["Phường Hạc Thành (14758)"] * 2

    @pytest.mark.parametrize(
        ("level", "words"),
        [
            (Level.NOTICE, ["Future", "Minor"]),
            (Level.WARNING, ["Expected", "Moderate"]),
            (Level.ALARM, ["Immediate", "Severe"]),
        ],
    )
    def test_level_becomes_urgency_and_severity(self, level: Level, words: list[str]) -> None:
        alert = read_valid(write_cap(_warning(replace(FIRST, level=level))))
        assert [_values(alert, "urgency")[0], _values(alert, "severity")[0]] == words

    def test_a_point_is_a_small_circle(self) -> None:
        alert = read_valid(write_cap(_warning(area=Area("Xã A", "14758", point=(105.8, 19.8)))))
        assert (_values(alert, "circle")[0], _values(alert, "polygon")) == ("19.80000,105.80000 0.1", [])

    def test_an_end_refers_to_all_before_and_gives_the_all_clear(self) -> None:
        later = AT + timedelta(hours=1)
        said = (
            FIRST,
            replace(FIRST, number=2, type=MessageType.UPDATE),
            Said(3, MessageType.CANCEL, later, Level.ALARM, None, None),
        )
        alert = read_valid(write_cap(_warning(*said)))
        assert _values(alert, "msgType") == ["Cancel"]
        (references,) = _values(alert, "references")
        assert [one.split(",")[1] for one in references.split()] == [
            "diaban.bando.example.vn.7.1",
            "diaban.bando.example.vn.7.2",
        ]
        assert set(_values(alert, "responseType")) == {"AllClear"}
        assert set(_values(alert, "urgency")) == {"Past"}

    @given(name=st.text(min_size=1, max_size=60), number=st.floats(allow_nan=False, allow_infinity=False))
    def test_whatever_stands_in_a_name_the_document_is_well_formed(self, name: str, number: float) -> None:
        shown = f"]]><script>&amp;\"'{name}"
        said = replace(FIRST, value=number)
        alert = read_valid(write_cap(_warning(said, area=Area(shown, "14758"))))
        assert len(alert.findall(f"{SPACE}info")) == 2
        assert _values(alert, "areaDesc")[0].startswith("]]><script>&amp;\"'")


@pytest.mark.db
class TestAlert:
    def _read(self, writer: Engine, alert: int) -> ET.Element:
        with writer.connect() as connection:
            return read_valid(write_cap(read_warning(connection, ADMIN, alert, URL)))

    def test_is_told_at_its_beginning_at_each_change_of_level_and_at_its_end(
        self, writer: Engine, open_alert: OpenAlert
    ) -> None:
        place, now = fresh_place(), datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
        seen = []
        story = [
            (Level.WARNING, Standing.HOLDS),
            (Level.WARNING, Standing.NO_SIGNAL),
            (Level.WARNING, Standing.HOLDS),
            (Level.ALARM, Standing.HOLDS),
            (Level.NOTICE, Standing.CLEAR),
        ]
        for hours, (level, standing) in enumerate(story):
            alert = open_alert(level, place=place, at=now + timedelta(hours=hours), standing=standing)
            document = self._read(writer, alert)
            number = _values(document, "identifier")[0].rpartition(".")[2]
            seen.append((_values(document, "msgType")[0], number, _values(document, "severity")[0]))
        assert seen == [
            ("Alert", "1", "Moderate"),
            ("Alert", "1", "Moderate"),
            ("Alert", "1", "Moderate"),
            ("Update", "2", "Severe"),
            ("Cancel", "3", "Severe"),
        ]

    @pytest.mark.parametrize("layer", ["communes", "provinces"])
    def test_of_a_unit_carries_its_name_and_boundary(self, writer: Engine, open_alert: OpenAlert, layer: str) -> None:
        with writer.connect() as connection:
            unit = connection.execute(
                text(
                    f"SELECT code, name, ST_X(p) AS lon, ST_Y(p) AS lat FROM features.{layer},"
                    " LATERAL (SELECT ST_PointOnSurface(geom) AS p) AS inside ORDER BY fid LIMIT 1"
                )
            ).one()
        place = Place(PlaceKind.UNIT, unit.code, unit.code, None, unit.lon, unit.lat)
        document = self._read(writer, open_alert(place=place, scenario="S36"))
        assert _values(document, "areaDesc")[0] == f"{unit.name} ({unit.code})"
        assert _values(document, "circle") == []
        ring = [tuple(map(float, pair.split(","))) for pair in _values(document, "polygon")[0].split()]
        assert shapely.Polygon([(lon, lat) for lat, lon in ring]).contains(shapely.Point(unit.lon, unit.lat))

    def test_closing_by_people_while_it_holds_is_its_end(self, writer: Engine, open_alert: OpenAlert) -> None:
        alert = open_alert()
        with writer.begin() as connection:
            connection.execute(
                text("UPDATE alerts.alerts SET state = 'closed', closed_at = clock_timestamp() WHERE id = :id"),
                {"id": alert},
            )
        assert _values(self._read(writer, alert), "msgType") == ["Cancel"]

    def test_hostile_keys_and_units_leave_it_valid(self, writer: Engine, open_alert: OpenAlert) -> None:
        place = Place(PlaceKind.SENSOR, "</info><!--&\u0001", "16540", "x", 105.8, 19.8)
        document = self._read(writer, open_alert(place=place))
        assert "</info>" not in " ".join(document.itertext())

    def test_is_there_only_for_whoever_may_read_it(self, writer: Engine, open_alert: OpenAlert) -> None:
        alert = open_alert()
        with writer.connect() as connection, pytest.raises(AlertNotFound):
            read_warning(connection, Scope("stranger"), alert, URL)
