"""What messages say, in Vietnamese or English: scenario, place, figure, deadline, link; nothing personal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from layers.definition import Label
from scenarios.definition import Scenario
from scenarios.notifying.channel import LEVELS, Language
from scenarios.notifying.letter import Item
from scenarios.notifying.news import News
from scenarios.outcomes import Level
from scenarios.work.calendar import VIETNAM_TIME

MOST_SHOWN: Final = 20
MOST_CHARACTERS: Final = 300
LEVEL_WORDS: Final[Mapping[Level, Label]] = {
    Level.NOTICE: Label("Lưu ý", "Notice"),
    Level.WARNING: Label("Cảnh báo", "Warning"),
    Level.ALARM: Label("Báo động", "Alarm"),
}
_HAPPENED: Final[Mapping[str, Label]] = {
    "alert_opened": Label("", ""),
    "alert_raised": Label(" (tăng mức)", " (raised)"),
    "alert_back": Label(" (trở lại)", " (again)"),
}
_PLACES: Final[Mapping[str, Label]] = {
    "feature": Label("một đối tượng", "a feature"),
    "node": Label("nút", "node"),
    "project": Label("dự án", "project"),
    "sensor": Label("điểm đo", "sensor"),
    "cluster": Label("cụm", "cluster"),
}
_TEST: Final = Label(
    "Tin thử của Địa Bàn: kênh này đã nhận được tin. Không cần làm gì.",
    "A test message of Địa Bàn: this channel works. There is nothing to do.",
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the words of an alert need beside it.

    Attributes:
        units: Names of units by code.
        scenarios: Those in force, by code.
        deadlines: The earliest deadline of each alert's tasks that are not done, by the alert's number.
        public_url: Address of the service without a final slash.
    """

    units: Mapping[str, str]
    deadlines: Mapping[int, datetime]
    scenarios: Mapping[str, Scenario]
    public_url: str


def word_item(news: News, language: Language, around: Surroundings) -> Item:
    """One thing that has happened, in words."""
    if news.source == "alert":
        text = _alert_text(news, language, around)
    elif news.source == "task":
        text = _task_text(news, language, around)
    else:
        text = news.vi if language is Language.VI else news.en
    link = f"{around.public_url}{news.link}" if news.link else ""
    return Item(news.kind, _one_line(text), link, _facts(news, around))


def word_test(language: Language) -> Item:
    """The item of a message that only tries a channel."""
    return Item("test", said_in(_TEST, language), "", {})


def order_items(news: Sequence[News]) -> list[News]:
    """The gravest first, then as they happened."""
    return sorted(news, key=lambda one: (-(LEVELS.index(one.level) if one.level else -1), one.id))


def word_subject(items: Sequence[Item], language: Language) -> str:
    """One line that says what a message is about."""
    first = items[0].text.split("\n", maxsplit=1)[0]
    shown = first if len(first) <= 120 else f"{first[:119]}…"
    if len(items) == 1:
        return f"[Địa Bàn] {shown}"
    count = f"{len(items)} tin" if language is Language.VI else f"{len(items)} messages"
    return f"[Địa Bàn] {count} · {shown}"


def word_text(items: Sequence[Item], language: Language, public_url: str) -> str:
    """The items as text for people; beyond :data:`MOST_SHOWN` only their number is told."""
    shown = [f"{item.text}\n{item.link}".rstrip() for item in items[:MOST_SHOWN]]
    more = len(items) - MOST_SHOWN
    if more > 0:
        vi, en = f"Và {more} tin khác: {public_url}/board", f"And {more} more: {public_url}/board"
        shown.append(vi if language is Language.VI else en)
    return "\n\n".join(shown)


def number_text(value: float, language: Language) -> str:
    """A figure with at most two decimals: ``1.234,5`` in Vietnamese, ``1,234.5`` in English."""
    written = f"{value:,.2f}".rstrip("0").rstrip(".")
    if language is Language.EN:
        return written
    return written.translate(str.maketrans(",.", ".,"))


def _alert_text(news: News, language: Language, around: Surroundings) -> str:
    level = said_in(LEVEL_WORDS[news.level or Level.NOTICE], language)
    head = (
        f"{level}{said_in(_HAPPENED[news.kind], language)}: {news.scenario} {_title(news, language, around)}".rstrip()
    )
    moment = _moment(news.at)
    parts = [f"{head}. {_place(news, language, around)}.", _figures(news, language, around)]
    parts.append(f"Lúc {moment}." if language is Language.VI else f"At {moment}.")
    deadline = around.deadlines.get(news.source_id)
    if deadline is not None:
        due = _moment(deadline)
        parts.append(f"Hạn xử lý: {due}." if language is Language.VI else f"To be dealt with by {due}.")
    return " ".join(part for part in parts if part)


def _task_text(news: News, language: Language, around: Surroundings) -> str:
    is_vietnamese = language is Language.VI
    title = news.detail["title_vi" if is_vietnamese else "title_en"]
    head = f"{'Việc cần làm' if is_vietnamese else 'To be done'}: {title} ({news.detail['actor']})"
    parts = [f"{head}. {news.scenario} {_title(news, language, around)}, {_unit_name(news, around)}."]
    due = news.detail.get("due_at")
    if due:
        moment = _moment(datetime.fromisoformat(due))
        parts.append(f"Hạn: {moment}." if is_vietnamese else f"Due {moment}.")
    return " ".join(parts)


def _unit_name(news: News, around: Surroundings) -> str:
    code = news.unit_code or ""
    return f"{around.units[code]} ({code})" if code in around.units else code


def _title(news: News, language: Language, around: Surroundings) -> str:
    scenario = around.scenarios.get(news.scenario or "")
    return "" if scenario is None else said_in(scenario.title, language)


def _place(news: News, language: Language, around: Surroundings) -> str:
    unit = _unit_name(news, around)
    word = _PLACES.get(str(news.detail["place_kind"]))
    if word is None:
        return unit
    # The key of a feature may be somebody's number; those of nodes, projects, sensors and clusters are not.
    key = "" if news.detail["place_kind"] == "feature" else f" {news.detail['place_key']}"
    return f"{unit}, {said_in(word, language)}{key}"


def _figures(news: News, language: Language, around: Surroundings) -> str:
    value, threshold = news.detail.get("value"), news.detail.get("threshold")
    if value is None:
        return ""
    unit = _unit(news, around)
    said = f"{'Giá trị' if language is Language.VI else 'Value'} {number_text(float(value), language)}{unit}"
    if threshold is not None:
        word = "ngưỡng" if language is Language.VI else "threshold"
        said += f", {word} {number_text(float(threshold), language)}{unit}"
    return f"{said}."


def _unit(news: News, around: Surroundings) -> str:
    scenario = around.scenarios.get(news.scenario or "")
    rules = scenario.rules if scenario else ()
    unit = next((rule.threshold.unit for rule in rules if rule.register == news.detail.get("rule")), None)
    return f" {unit}" if unit else ""


def _facts(news: News, around: Surroundings) -> dict[str, object]:
    facts: dict[str, object] = {"unit_code": news.unit_code, "at": news.at.isoformat()}
    if news.scenario:
        facts |= {"scenario": news.scenario, "level": news.level.value if news.level else None}
    if news.source == "alert":
        deadline = around.deadlines.get(news.source_id)
        kept = {name: news.detail.get(name) for name in ("rule", "place_kind", "value", "threshold", "since_at")}
        facts |= {"alert": news.source_id, **kept, "due_at": deadline.isoformat() if deadline else None}
    if news.source == "task":
        facts |= {"task": news.source_id, **{name: news.detail.get(name) for name in ("alert", "step", "due_at")}}
    return facts


def said_in(label: Label, language: Language) -> str:
    """A label in one of the two languages."""
    return label.vi if language is Language.VI else label.en


def _moment(at: datetime) -> str:
    return f"{at.astimezone(VIETNAM_TIME):%H:%M %d/%m/%Y}"


def _one_line(text: str) -> str:
    """Without line breaks and control characters: file names in notices come from outside."""
    plain = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    return plain if len(plain) <= MOST_CHARACTERS else f"{plain[: MOST_CHARACTERS - 1]}…"
