"""Fields of the layer filled from the columns matched with them, and what was changed on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.definition import Definition, Field, FieldType
from layers.field_checks import clean_text
from layers.intake.model import FieldMapping, Finding, MatchReason, Option, Question, Severity, Wish, World
from layers.intake.suspicious_text import find_suspicious
from layers.intake.values import Tally, ValueContext, code_lookup, convert, derived_codes, unit_factor

_MASK: Final = "(dữ liệu cá nhân)"
_SHOWN: Final = 60
_KINDS: Final[Mapping[str, tuple[Severity, str, str]]] = {
    "value.unit": (Severity.REPAIR, "Đổi đơn vị", "Unit converted"),
    "value.unit-text": (Severity.REPAIR, "Tách đơn vị viết liền với số", "Unit taken off the number"),
    "value.decimal": (Severity.REPAIR, "Đọc dấu phẩy thập phân, dấu chấm hàng nghìn", "Decimal comma and groups read"),
    "date.written": (Severity.REPAIR, "Đọc ngày viết theo kiểu khác", "Date read from another form"),
    "date.short-year": (Severity.REPAIR, "Năm có hai chữ số được hiểu theo thế kỷ", "Two-digit year given its century"),
    "date.month-only": (Severity.REPAIR, "Chỉ có tháng, ghi là ngày 1", "Only a month: written as its first day"),
    "date.year-only": (Severity.REPAIR, "Chỉ có năm, ghi là ngày 1 tháng 1", "Only a year: written as 1 January"),
    "date.serial": (Severity.REPAIR, "Số ngày của Excel đổi thành ngày", "Serial day of a spreadsheet read as a date"),
    "code.from-label": (Severity.REPAIR, "Tên loại đổi thành mã", "Label turned into its code"),
    "code.spelling": (Severity.REPAIR, "Chữ hoa, chữ thường của mã", "Case of the code"),
    "code.translated": (Severity.REPAIR, "Mã cũ đổi sang mã hiện hành", "Old code translated to the one in force"),
    "code.compound": (Severity.INFO, "Tách giá trị ghép", "Compound value taken apart"),
    "code.zeros": (Severity.REPAIR, "Khôi phục số 0 ở đầu mã", "Leading zeros of the code restored"),
}


@dataclass(frozen=True, slots=True)
class FilledFields:
    """Fields of the layer as columns, by row of the file.

    Attributes:
        damaged: Rows refused because a field's text has lost letters.
        keys: Business key of each row as one text, None where it is incomplete.
    """

    frame: pd.DataFrame
    findings: tuple[Finding, ...]
    questions: tuple[Question, ...]
    damaged: NDArray[np.bool_]
    keys: pd.Series


def fill_fields(
    table: pd.DataFrame,
    mapping: FieldMapping,
    wish: Wish,
    world: World,
    *,
    damaged: Mapping[str, NDArray[np.bool_]],
) -> FilledFields:
    """Fills the fields of the layer from the columns of the file.

    Args:
        table: Columns of the file, decoded.
        mapping: Which column is which field.
        wish: Units and constants of the person.
        world: The definition, the day and known units.
        damaged: By column, rows whose text has lost letters.
    """
    definition = world.definition
    columns: dict[str, pd.Series] = {}
    findings: list[Finding] = []
    questions: list[Question] = []
    lost = np.zeros(len(table), dtype=bool)
    for match in mapping.matches:
        field = definition.field(match.field)
        if match.reason is MatchReason.CONSTANT:
            columns[field.name] = _constant(field, wish, table.index)
            continue
        column = str(match.column)
        if match.reason is MatchReason.DERIVED:
            columns[field.name], found = _derived(field, table[column], world)
            findings += found
            continue
        factor = unit_factor(field, column, wish.units.get(column))
        if factor is None:
            questions.append(_unit_question(field, column))
        context = ValueContext(world.today, world.known_units, factor or 1.0)
        values, tally = convert(field, table[column], context)
        columns[field.name] = values
        findings += _tallied(field, column, tally)
        findings += find_suspicious(column, values, is_personal=field.personal)
        if column in damaged:
            findings += _damage(field, column, table[column], damaged[column])
            lost |= damaged[column]
    frame = pd.DataFrame(columns, index=table.index)
    _fill_gaps(frame, definition, wish)
    findings += _untaken_damage(mapping, damaged)
    return FilledFields(frame, tuple(findings), tuple(questions), lost, key_texts(definition, frame))


def _constant(field: Field, wish: Wish, index: pd.Index) -> pd.Series:
    value: object = wish.constants.get(field.name)
    if not value:
        value = wish.data_on if field.type is FieldType.DATE and wish.data_on else wish.unit_code
    return pd.Series([value] * len(index), index=index, dtype=object)


def _fill_gaps(frame: pd.DataFrame, definition: Definition, wish: Wish) -> None:
    """Constants of the person fill rows that have no value of their own."""
    for name, value in wish.constants.items():
        if name in frame.columns and any(field.name == name for field in definition.fields):
            frame[name] = frame[name].astype(object).where(frame[name].notna(), value)


def _derived(field: Field, texts: pd.Series, world: World) -> tuple[pd.Series, list[Finding]]:
    """Codes written in a text: all of them, or the first as the main one; the text itself stays as it is."""
    if field.codes is None:
        return texts, []
    lookup = code_lookup(field.codes, world.today)
    tally, unknown = Tally({}, {}), Tally({}, {})
    codes, distinct = pd.factorize(texts)
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    values = np.empty(len(distinct) + 1, dtype=object)
    values[-1] = None
    for at, text in enumerate(distinct):
        found, rest, kind = derived_codes(text, lookup)
        values[at] = (found or None) if field.type is FieldType.TEXT_ARRAY else (found[0] if found else None)
        if kind and found:
            tally.note(kind, str(text), " + ".join(found), int(counts[at]))
        if rest:
            unknown.note("code.unknown", " + ".join(rest), "", int(counts[at]))
    wanted = field.type is FieldType.TEXT_ARRAY
    findings = list(_tallied(field, str(texts.name), tally)) if wanted else []
    if wanted and unknown.counts:
        findings.append(_unknown_codes(field, str(texts.name), unknown))
    return pd.Series(values[codes], index=texts.index, dtype=object), findings


def _unknown_codes(field: Field, column: str, unknown: Tally) -> Finding:
    return Finding(
        Severity.WARNING,
        "code.unknown",
        f"Cột “{column}” có giá trị không tách được thành mã “{field.title.vi}”; chữ gốc được giữ nguyên.",
        f'Column "{column}" has values that are no codes of "{field.title.en}"; the text is kept as it is.',
        "Hãy sửa thành mã trong danh mục nếu cần thống kê theo mã.",
        "Use codes of the list where figures by code are wanted.",
        field=field.name,
        value=unknown.examples["code.unknown"][0][:_SHOWN],
        count=unknown.counts["code.unknown"],
    )


def _tallied(field: Field, column: str, tally: Tally) -> Iterator[Finding]:
    for kind, count in tally.counts.items():
        severity, vi, en = _KINDS[kind]
        before, after = (_MASK, _MASK) if field.personal else tally.examples[kind]
        yield Finding(
            severity,
            kind,
            f"{vi}: cột “{column}”, {count} dòng (ví dụ {before[:_SHOWN]} → {after[:_SHOWN]}).",
            f'{en}: column "{column}", {count} rows (such as {before[:_SHOWN]} to {after[:_SHOWN]}).',
            "Hãy xem lại nếu không đúng ý.",
            "Check it if this is not meant.",
            field=field.name,
            value=f"{before[:_SHOWN]} → {after[:_SHOWN]}",
            count=count,
        )


def _damage(field: Field, column: str, values: pd.Series, damaged: NDArray[np.bool_]) -> Iterator[Finding]:
    for at in np.flatnonzero(damaged):
        yield Finding(
            Severity.ERROR,
            "text.damaged",
            f"Chữ trong cột “{column}” đã mất dấu không khôi phục được (dạng “Nhà d?c l?p”).",
            f'Letters of column "{column}" are lost for good (like "Nhà d?c l?p").',
            "Hãy lấy lại giá trị từ tệp gốc hoặc gõ lại, rồi xuất bằng UTF-8.",
            "Take the value from the original or type it again, and export in UTF-8.",
            row=int(values.index[int(at)]),
            field=field.name,
            value=_MASK if field.personal else str(values.iloc[int(at)])[:_SHOWN],
        )


def _untaken_damage(mapping: FieldMapping, damaged: Mapping[str, NDArray[np.bool_]]) -> Iterator[Finding]:
    for column in mapping.unmapped:
        if column in damaged:
            yield Finding(
                Severity.WARNING,
                "text.damaged",
                f"Chữ trong cột “{column}” (không dùng) đã mất dấu.",
                f'Text of the unused column "{column}" has lost letters.',
                "Hãy kiểm tra cách xuất tệp: các cột khác có thể cũng bị.",
                "Check how the file was exported: other columns may be hurt too.",
                field=column,
                count=int(damaged[column].sum()),
            )


def _unit_question(field: Field, column: str) -> Question:
    return Question(
        f"unit:{column}",
        f"Cột “{column}” dùng đơn vị nào? Trường “{field.title.vi}” tính bằng {field.unit}.",
        f'Which unit is column "{column}" in? Field "{field.title.en}" is in {field.unit}.',
        (Option(field.unit or "", field.unit or "", field.unit or ""),),
    )


def key_texts(definition: Definition, frame: pd.DataFrame) -> pd.Series:
    """Returns the business key of each row as one text, None where a part of it is missing."""
    parts = []
    for name in definition.key:
        if name not in frame.columns:
            return pd.Series([None] * len(frame), index=frame.index, dtype=object)
        codes, distinct = pd.factorize(frame[name])
        texts = np.array([*(clean_text(value) for value in distinct), None], dtype=object)
        parts.append(pd.Series(texts[codes], index=frame.index, dtype=object))
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.str.cat(part, sep="/")
    return joined.astype(object).where(joined.notna(), None)
