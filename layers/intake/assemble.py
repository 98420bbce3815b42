"""The rows that may go on, those that may not, and everything found, laid together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.checks import Checked, check_rows
from layers.definition import Definition, GeometryType
from layers.intake.model import Finding, Severity, Totals
from layers.intake.shapes import GEOMETRY
from layers.intake.topology import (
    Numbered,
    Territory,
    find_neighbour_overlaps,
    find_outside,
    find_overlaps,
    find_repeats,
    find_slivers,
)
from layers.refusals import Refusal
from spatial.geodesy import approximate_areas_m2

_MOST_REPEATS: Final = 2_000
_ORDER: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.REPAIR: 2, Severity.INFO: 3}


def check_fields(
    definition: Definition, frame: pd.DataFrame, *, missing: Sequence[str], with_geometry: bool, shaped: set[int]
) -> tuple[Checked, list[Finding]]:
    """Checks rows against the definition as far as the file allows, and tells what is refused.

    Args:
        definition: The layer.
        frame: Fields, and ``geometry`` in EPSG:4326 where it is known.
        missing: Required fields that nothing fills: asked of the person once, not told of every row.
        with_geometry: Whether it is known where the rows lie.
        shaped: Rows refused for their geometry already.
    """
    fields = tuple(
        dataclasses.replace(field, required=False) if field.name in missing else field for field in definition.fields
    )
    judged = dataclasses.replace(definition, fields=fields, geometry=definition.geometry if with_geometry else None)
    if set(missing) & set(definition.key):
        judged = dataclasses.replace(judged, key_ordinals=True)
    checked = check_rows(judged, frame, first_row=None)
    kept = [refusal for refusal in checked.refused if not (refusal.field == GEOMETRY and refusal.row in shaped)]
    return checked, [_as_finding(refusal) for refusal in kept]


def _as_finding(refusal: Refusal) -> Finding:
    if refusal.field == GEOMETRY:
        code = "geometry.refused"
    elif "trùng khóa" in refusal.reason_vi:
        code = "key.repeated"
    else:
        code = "value.missing" if not refusal.value else "value.refused"
    vi, _, remedy_vi = refusal.reason_vi.rpartition("; ")
    en, _, remedy_en = refusal.reason_en.rpartition("; ")
    return Finding(
        Severity.ERROR,
        code,
        (vi or remedy_vi)[:1].upper() + (vi or remedy_vi)[1:],
        (en or remedy_en)[:1].upper() + (en or remedy_en)[1:],
        remedy_vi=remedy_vi[:1].upper() + remedy_vi[1:] if vi else "",
        remedy_en=remedy_en[:1].upper() + remedy_en[1:] if en else "",
        row=refusal.row,
        field=refusal.field,
        value=refusal.value,
    )


def other_unit(rows: pd.DataFrame, definition: Definition, unit_code: str | None) -> list[Finding]:
    """Rows that name another commune than the file is of; nobody changes a neighbour by mistake."""
    name = definition.unit_field
    if unit_code is None or len(unit_code) != 5 or name is None or name not in rows.columns:
        return []
    other = rows[name].notna().to_numpy() & (rows[name] != unit_code).to_numpy()
    return [
        Finding(
            Severity.ERROR,
            "unit.other",
            f"Dòng này thuộc xã mã {rows[name].iloc[int(at)]}, không phải xã mã {unit_code} đã chọn.",
            f"The row is of commune {rows[name].iloc[int(at)]}, not of {unit_code}.",
            "Hãy bỏ dòng này hoặc chọn đúng xã.",
            "Leave the row out or choose its commune.",
            row=int(rows.index[int(at)]),
            field=name,
            value=str(rows[name].iloc[int(at)]),
        )
        for at in np.flatnonzero(other)
    ]


def repeated_keys(definition: Definition, rows: pd.DataFrame, keys: pd.Series) -> list[Finding]:
    """Rows with the key of an earlier row, in a layer that numbers them: often one feature written twice."""
    if not definition.key_ordinals:
        return []
    known = keys.loc[rows.index].dropna()
    repeats = known[known.duplicated()].iloc[:_MOST_REPEATS]
    first = known.drop_duplicates()
    earlier = dict(zip(first.to_numpy(), first.index, strict=True))
    return [
        Finding(
            Severity.WARNING,
            "key.repeated",
            f"Trùng khóa với dòng {earlier[key]}; cả hai dòng được giữ và đánh số thứ tự.",
            f"Has the key of row {earlier[key]}; both are kept and numbered.",
            "Nếu là một đối tượng ghi hai lần, hãy bỏ một dòng; nếu không, hãy sửa số.",
            "Drop one of them if they are one feature; else correct the number.",
            row=int(str(row)),
            field=definition.key[-1],
        )
        for row, key in repeats.items()
    ]


def check_topology(
    definition: Definition, rows: pd.DataFrame, territory: Territory | None, nearby: list[object]
) -> tuple[list[Finding], list[int]]:
    """Holds good rows against each other, the territory and the neighbours; returns findings and refused rows."""
    if definition.geometry is None or not len(rows) or GEOMETRY not in rows.columns:
        return [], []
    present = rows[rows[GEOMETRY].notna()]
    features = Numbered(np.asarray(present[GEOMETRY], dtype=object), np.asarray(present.index, dtype=np.int64))
    findings: list[Finding] = []
    refused: list[int] = []
    if territory is not None:
        outside, positions = find_outside(features, territory)
        findings += outside
        refused = [int(features.rows[at]) for at in positions]
        kept = np.setdiff1d(np.arange(len(features.rows)), positions)
        features = Numbered(features.geometry[kept], features.rows[kept])
    if not len(features.rows):
        return findings, refused
    findings += find_repeats(features)
    if definition.geometry is GeometryType.MULTIPOLYGON:
        findings += find_slivers(features)
        findings += find_overlaps(features)
        findings += find_neighbour_overlaps(features, nearby)  # type: ignore[arg-type]
    return findings, refused


def areas_against_fields(definition: Definition, rows: pd.DataFrame) -> list[Finding]:
    """Fields of area held against the areas drawn: a factor of ten thousand is hectares, any other is told."""
    if definition.geometry is not GeometryType.MULTIPOLYGON or GEOMETRY not in rows.columns or len(rows) < 5:
        return []
    drawn = approximate_areas_m2(np.asarray(rows[GEOMETRY], dtype=object))
    findings = []
    for field in definition.fields:
        scale = {"m²": 1.0, "ha": 1e4, "km²": 1e6}.get(field.unit or "")
        if scale is None or field.name not in rows.columns or "area" not in field.name:
            continue
        values = pd.to_numeric(rows[field.name], errors="coerce").to_numpy(dtype="float64") * scale
        usable = (values > 0) & (drawn > 0)
        if usable.sum() < 5:
            continue
        ratio = float(np.median(drawn[usable] / values[usable]))
        if not 0.5 <= ratio <= 2:
            findings.append(_area_finding(field.name, field.title.vi, field.title.en, ratio))
    return findings


def _area_finding(name: str, title_vi: str, title_en: str, ratio: float) -> Finding:
    guess_vi = " Có vẻ số ghi bằng héc-ta." if 5_000 <= ratio <= 20_000 else ""
    guess_en = " The figures look like hectares." if guess_vi else ""
    return Finding(
        Severity.WARNING,
        "value.area-mismatch",
        f"“{title_vi}” lệch diện tích vẽ trên bản đồ: diện tích vẽ gấp {ratio:.4g} lần số ghi (trung vị).{guess_vi}",
        f'"{title_en}" differs from the area drawn, which is {ratio:.4g} times the figure (median).{guess_en}',
        "Hãy chọn đơn vị của cột (m² hoặc ha) hoặc kiểm tra hệ tọa độ.",
        "Choose the unit of the column (m2 or ha), or check the coordinate system.",
        field=name,
    )


def with_keys(findings: Iterable[Finding], keys: pd.Series) -> list[Finding]:
    """Gives every finding of a row the business key that people know the row by."""
    known: dict[int, str] = {int(row): str(key) for row, key in keys.dropna().items()}  # type: ignore[call-overload]
    return [
        dataclasses.replace(item, key=known.get(item.row)) if item.row is not None and item.key is None else item
        for item in findings
    ]


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, those of the whole file before those of rows, then by row."""
    return tuple(sorted(findings, key=lambda item: (_ORDER[item.severity], item.row or 0, item.code)))


def count_totals(read: int, rows: pd.DataFrame, findings: Iterable[Finding], repaired: NDArray[np.bool_]) -> Totals:
    """Counts what became of the rows."""
    warned = {item.row for item in findings if item.severity is Severity.WARNING and item.row is not None}
    area = None
    if GEOMETRY in rows.columns and len(rows):
        areas = approximate_areas_m2(np.asarray(rows[GEOMETRY], dtype=object))
        area = float(areas.sum()) or None
    return Totals(
        read=read,
        good=len(rows),
        refused=read - len(rows),
        repaired=int(repaired.sum()),
        warned=len(warned),
        area_m2=area,
    )
