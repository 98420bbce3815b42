"""Words of messages: both languages, deadlines and places, nothing personal, one line whatever comes in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from layers.rights import Action
from scenarios.loader import load_builtin
from scenarios.notifying.channel import Language
from scenarios.notifying.news import News
from scenarios.notifying.wording import (
    MOST_SHOWN,
    Surroundings,
    number_text,
    order_items,
    word_item,
    word_subject,
    word_test,
    word_text,
)
from scenarios.outcomes import Level

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
AROUND = Surroundings(
    {"14758": "Phường Hạc Thành"}, {7: AT.replace(hour=9)}, load_builtin(), "https://bando.example.vn"
)


def _news(**changes: Any) -> News:
    known = {"rule": "T33", "place_kind": "unit", "place_key": "14758", "value": 1234.5, "threshold": 150.0}
    values: dict[str, Any] = {
        **dict.fromkeys(News.__slots__),
        "id": 1,
        "source": "alert",
        "source_id": 7,
        "kind": "alert_opened",
        "action": Action.READ,
        "target": "@alerts",
        "unit_code": "14758",
        "scenario": "S37",
        "level": Level.ALARM,
        "vi": "",
        "en": "",
        "link": "/board?s=S37&a=7",
        "detail": known,
        "at": AT,
    }
    return News(**{**values, **changes})


class TestAlert:
    def test_says_place_figure_moment_and_deadline_in_vietnamese(self) -> None:
        item = word_item(_news(), Language.VI, AROUND)
        assert item.text.startswith("Báo động: S37 Cảnh báo An toàn, An ninh và Môi trường. Phường Hạc Thành (14758). ")
        assert "Giá trị 1.234,5" in item.text
        assert item.text.endswith("Lúc 09:00 10/03/2026. Hạn xử lý: 16:00 10/03/2026.")
        assert item.link == "https://bando.example.vn/board?s=S37&a=7"
        assert item.facts["due_at"] == "2026-03-10T09:00:00+00:00"

    def test_and_in_english(self) -> None:
        item = word_item(_news(kind="alert_raised"), Language.EN, AROUND)
        assert item.text.startswith("Alarm (raised): S37 Safety, security and environment warning, air quality. ")
        assert "Value 1,234.5" in item.text
        assert item.text.endswith("At 09:00 10/03/2026. To be dealt with by 16:00 10/03/2026.")

    def test_a_features_key_is_not_told_and_a_sensors_is(self) -> None:
        for kind, is_told in (("feature", False), ("sensor", True)):
            detail = {**_news().detail, "place_kind": kind, "place_key": "079123456789"}
            item = word_item(_news(detail=detail), Language.VI, AROUND)
            assert ("079123456789" in f"{item.text}{item.facts}") == is_told

    def test_without_figure_deadline_scenario_and_unit_it_is_a_sentence_still(self) -> None:
        bare = _news(source_id=8, scenario="S99", unit_code="99999", detail={**_news().detail, "value": None})
        assert word_item(bare, Language.VI, AROUND).text == "Báo động: S99. 99999. Lúc 09:00 10/03/2026."


class TestTask:
    def test_says_who_does_what_by_when(self) -> None:
        detail = {"title_vi": "Nhắc trong nhóm Zalo", "title_en": "Remind in the Zalo group", "actor": "văn thư"}
        due = {"due_at": "2026-03-10T16:00:00+07:00", "alert": 7, "step": "remind"}
        task = _news(source="task", kind="task_given", scenario="S11", detail={**detail, **due})
        item = word_item(task, Language.VI, AROUND)
        assert item.text.startswith("Việc cần làm: Nhắc trong nhóm Zalo (văn thư). S11 ")
        assert item.text.endswith("Phường Hạc Thành (14758). Hạn: 16:00 10/03/2026.")
        assert (item.facts["task"], item.facts["alert"], item.facts["step"]) == (7, 7, "remind")


class TestNotice:
    def test_is_one_line_without_control_characters_and_of_bounded_length(self) -> None:
        said = f"tệp\r\nBcc: x@example.vn\u0000\u202e.geojson {'a' * 5000}"
        notice = _news(source="notice", kind="upload_checked", vi=said, en="x", link="", scenario=None, level=None)
        item = word_item(notice, Language.VI, AROUND)
        assert item.text.startswith("tệp Bcc: x@example.vn .geojson a")
        assert (len(item.text), item.link) == (300, "")
        assert word_item(notice, Language.EN, AROUND).text == "x"


class TestDigest:
    def test_shows_the_gravest_and_counts_the_rest(self) -> None:
        levels = [None, Level.NOTICE, Level.ALARM, *[Level.WARNING] * MOST_SHOWN]
        ordered = order_items([_news(id=number, level=level) for number, level in enumerate(levels)])
        assert [news.level for news in ordered[:2]] == [Level.ALARM, Level.WARNING]
        assert ordered[-1].level is None
        items = [word_item(news, Language.EN, AROUND) for news in ordered]
        assert word_subject(items, Language.EN).startswith(f"[Địa Bàn] {len(levels)} messages · Alarm")
        assert len(word_subject(items, Language.EN)) < 160
        text = word_text(items, Language.EN, AROUND.public_url)
        assert text.count("/board?s=") == MOST_SHOWN
        assert text.endswith("And 3 more: https://bando.example.vn/board")

    def test_a_trial_needs_nothing_done(self) -> None:
        assert word_test(Language.VI).text.startswith("Tin thử")


@pytest.mark.parametrize(
    ("value", "vi", "en"), [(0.0, "0", "0"), (-1234567.891, "-1.234.567,89", "-1,234,567.89"), (5.5, "5,5", "5.5")]
)
def test_figures_are_written_as_people_read_them(value: float, vi: str, en: str) -> None:
    assert (number_text(value, Language.VI), number_text(value, Language.EN)) == (vi, en)
