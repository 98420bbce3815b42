"""Sentences and values that every kind of report says alike."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from layers.definition import Definition, FieldType, Label
from web.environment import format_count, format_day, format_value
from web.report_maps.report import MAX_SHAPES, About

SIMPLIFIED: Final = Label(
    "Đường nét của đối tượng được giản lược để tệp mở được trên máy yếu; số liệu tính trên dữ liệu gốc.",
    "Shapes are simplified so that weak machines open the file; figures come from the data as they are.",
)


def fact_of(definition: Definition, name: str, value: Any, about: About) -> str:
    """A property value as people read it: codes spelled out, days and numbers in their language; empty for none."""
    if value is None or value == "":
        return ""
    field = definition.find(name)
    if field is not None and field.codes is not None:
        labels = {entry.code: about.pick(entry.label) for entry in field.codes.entries}
        values = value if isinstance(value, list) else [value]
        return ", ".join(labels.get(item, str(item)) for item in values)
    if field is not None and isinstance(value, str):
        value = _moment(field.type, value)
    return format_value(value, english=about.english)


def _moment(kind: FieldType, value: str) -> object:
    """A day or a moment of JSON text; what cannot be read as one stays a text."""
    try:
        if kind is FieldType.DATE:
            return date.fromisoformat(value)
        return datetime.fromisoformat(value) if kind is FieldType.DATETIME else value
    except ValueError:
        return value


def source_line(title: str, steward: str, day: date | None, revision: int, about: About) -> str:
    """Where data come from and of what day."""
    told = format_day(day, english=about.english) if day else about.say("chưa rõ ngày", "unknown date")
    return about.say(
        f"{title}: số liệu đến ngày {told}, nguồn {steward}, bản số {revision}.",
        f"{title}: data of {told}, source {steward}, revision {revision}.",
    ).replace("đến ngày chưa rõ ngày", "chưa rõ ngày")


def cut_warning(drawn: int, total: int, about: About) -> str:
    """That the map leaves features out."""
    count = [format_count(number, english=about.english) for number in (drawn, total, MAX_SHAPES)]
    return about.say(
        f"Bản đồ chỉ vẽ {count[0]} trong {count[1]} đối tượng (tối đa {count[2]}); bảng số liệu tính đủ."
        " Hãy thu hẹp câu hỏi để thấy hết.",
        f"The map draws {count[0]} of {count[1]} features (at most {count[2]}); the figures count all."
        " Narrow the question to see every one.",
    )


def synthetic_warning(about: About) -> str:
    """That data are made up."""
    return about.say("Dữ liệu mô phỏng, không phải dữ liệu thật.", "Synthetic data, not real data.")
