"""Findings of an upload: all of them in a file, the first of them in a table to look through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, text

from layers.intake.model import Finding, Severity
from layers.uploads.limits import SetAside

MAX_STORED: Final = 10_000
BATCH: Final = 20_000
_NAMES: Final = tuple(field.name for field in fields(Finding))
_TYPES: Final = {
    "row": pa.int64(),
    "count": pa.int64(),
    "lon": pa.float64(),
    "lat": pa.float64(),
}
_SCHEMA: Final = pa.schema([pa.field(name, _TYPES.get(name, pa.string())) for name in _NAMES])
_ADD: Final = text("""
INSERT INTO uploads.findings (upload_id, number, severity, code, vi, en, remedy_vi, remedy_en, row_number, key, field,
    value, lon, lat, count)
VALUES (:upload_id, :number, :severity, :code, :vi, :en, :remedy_vi, :remedy_en, :row, :key, :field, :value, :lon,
    :lat, :count)
""")
_ASIDE: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "unit": (
        "Đối tượng nằm ở đơn vị {unit}, ngoài đơn vị của lượt gửi; không được đưa vào.",
        "The feature lies in unit {unit}, outside the unit of this upload; it is left out.",
        "Gửi đối tượng này cho xã, phường nơi nó nằm, hoặc sửa tọa độ, mã đơn vị.",
        "Give it to the commune where it lies, or mend its place or unit code.",
    ),
    "owner": (
        "Khóa này đang thuộc đơn vị {unit}; đơn vị khác không được sửa.",
        "The key belongs to a feature of unit {unit}, which another unit may not change.",
        "Kiểm tra lại khóa; nếu đối tượng đã chuyển đơn vị thì cấp tỉnh gửi.",
        "Check the key; a feature that has moved to another unit is sent by the province.",
    ),
    "shared": (
        "Một phần lớn của đối tượng nằm trong đơn vị {unit}; cần người có quyền ở cả hai nơi.",
        "A large part of the feature lies in unit {unit}; who sends it needs both units.",
        "Cấp tỉnh gửi đối tượng này, hoặc cắt đối tượng theo địa giới.",
        "Let the province send it, or cut it at the boundary.",
    ),
    "misplaced": (
        "Dòng ghi đơn vị {unit} nhưng hình nằm ngoài địa giới đơn vị đó.",
        "The row says unit {unit}, but its shape lies outside that unit.",
        "Sửa mã đơn vị hoặc tọa độ.",
        "Mend the unit code or the coordinates.",
    ),
    "exists": (
        "Khóa đã có trong lớp với giá trị khác; chế độ thêm mới không sửa đối tượng đã có.",
        "The key exists with other values; the mode append changes no feature.",
        "Dùng chế độ cập nhật nếu muốn sửa.",
        "Use the mode upsert to change it.",
    ),
}


def aside_findings(aside: Sequence[SetAside]) -> list[Finding]:
    """Findings that tell of rows set aside by the comparison."""
    found = []
    for one in aside:
        vi, en, remedy_vi, remedy_en = (part.format(unit=one.unit_code or "?") for part in _ASIDE[one.reason])
        found.append(
            Finding(Severity.ERROR, f"scope.{one.reason}", vi, en, remedy_vi, remedy_en, row=one.row, field="unit_code")
        )
    return found


def write_findings(path: Path, findings: Sequence[Finding]) -> None:
    """Writes all findings as Parquet."""
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for start in range(0, max(len(findings), 1), BATCH):
            part = [asdict(finding) for finding in findings[start : start + BATCH]]
            writer.write_table(pa.Table.from_pylist(part, schema=_SCHEMA))


def read_findings(path: Path) -> Iterator[Finding]:
    """Reads all findings of a file in their order."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH):
            for row in batch.to_pylist():
                yield Finding(**{**row, "severity": Severity(row["severity"])})


def store_findings(connection: Connection, upload_id: UUID, findings: Sequence[Finding]) -> None:
    """Puts the first findings in place of those that the upload had, in one transaction."""
    connection.execute(text("DELETE FROM uploads.findings WHERE upload_id = :id"), {"id": upload_id})
    rows = [
        {**asdict(finding), "severity": finding.severity.value, "upload_id": upload_id, "number": number}
        for number, finding in enumerate(findings[:MAX_STORED], start=1)
    ]
    if rows:
        connection.execute(_ADD, rows)


def list_findings(
    connection: Connection,
    upload_id: UUID,
    *,
    severity: Severity | None = None,
    after: int = 0,
    limit: int = 200,
) -> list[dict[str, Any]]:
    """Stored findings of an upload by number."""
    rows = connection.execute(
        text(
            'SELECT number, severity, code, vi, en, remedy_vi, remedy_en, row_number AS "row", key, field, value, lon,'
            " lat, count FROM uploads.findings WHERE upload_id = :id AND number > :after"
            " AND (CAST(:severity AS text) IS NULL OR severity = :severity) ORDER BY number LIMIT :limit"
        ),
        {"id": upload_id, "after": after, "severity": severity.value if severity else None, "limit": limit},
    ).mappings()
    return [dict(row) for row in rows]


def counts_by_code(findings: Sequence[Finding]) -> list[dict[str, object]]:
    """How often each thing was found, most severe and most frequent first, with a sentence as an example."""
    order = list(Severity)
    counts: Counter[tuple[Severity, str]] = Counter()
    first: dict[tuple[Severity, str], Finding] = {}
    for finding in findings:
        counts[finding.severity, finding.code] += finding.count
        first.setdefault((finding.severity, finding.code), finding)
    ranked = sorted(counts.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0][1]))
    return [
        {
            "severity": severity.value,
            "code": code,
            "count": count,
            "vi": first[severity, code].vi,
            "en": first[severity, code].en,
        }
        for (severity, code), count in ranked
    ]
