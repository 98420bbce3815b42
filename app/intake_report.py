"""What intake found, for a person at a terminal and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from app.console import console
from layers.definition import Definition
from layers.intake.model import CRSCandidate, CRSDecision, EncodingDecision, FieldMapping, Finding, Intake, Severity
from layers.uploads.score import Criterion, total_score

_MARKS: Final = {
    Severity.ERROR: "[bold red]lỗi · error[/]",
    Severity.WARNING: "[yellow]cảnh báo · warning[/]",
    Severity.REPAIR: "[cyan]đã sửa · repaired[/]",
    Severity.INFO: "[dim]ghi chú · note[/]",
}


def as_json(found: Intake, criteria: Sequence[Criterion]) -> str:
    """The whole report as one JSON object; personal values are masked in it already."""
    document = {
        "is_ready": found.is_ready,
        "is_rejected": found.is_rejected,
        "source": asdict(found.source) if found.source else None,
        "encoding": asdict(found.encoding) if found.encoding else None,
        "crs": _crs(found.crs) if found.crs else None,
        "mapping": asdict(found.mapping) if found.mapping else None,
        "totals": asdict(found.totals),
        "score": {criterion.name: criterion.value for criterion in criteria},
        "total_score": total_score(list(criteria)),
        "questions": [asdict(question) for question in found.questions],
        "findings": [asdict(finding) for finding in found.findings],
    }
    return json.dumps(document, ensure_ascii=False, indent=1, default=str)


def _crs(decision: CRSDecision) -> dict[str, Any]:
    return {
        "chosen": decision.chosen,
        "declared": decision.declared,
        "is_certain": decision.is_certain,
        "candidates": [_candidate(item) for item in decision.candidates],
    }


def _candidate(item: CRSCandidate) -> dict[str, Any]:
    names = [name for name in CRSCandidate.__slots__ if name != "footprint"]
    return {name: getattr(item, name) for name in names}


def print_report(found: Intake, definition: Definition, criteria: Sequence[Criterion], *, most: int) -> None:
    """Prints what the file is, how it was read, what is open, what was found, and the verdict last."""
    _print_source(found)
    if found.encoding is not None:
        _print_encoding(found.encoding)
    if found.crs is not None:
        _print_crs(found.crs)
    if found.mapping is not None:
        _print_mapping(found.mapping, definition)
    _print_findings(found.findings, most)
    _print_questions(found)
    _print_score(criteria)
    _print_verdict(found)


def _head(vi: str, en: str) -> None:
    console.print(f"\n[bold]{vi}[/] [dim]· {en}[/]")


def _print_source(found: Intake) -> None:
    if found.source is None:
        return
    _head("Tệp", "file")
    parts = ", ".join(f"{part.name} ({'?' if part.rows is None else part.rows})" for part in found.source.parts)
    console.print(escape(f"  {found.source.name}: {found.source.kind}; {parts}"), soft_wrap=True)


def _print_encoding(decision: EncodingDecision) -> None:
    said = f", tệp khai · declared {decision.declared}" if decision.declared else ""
    _head(f"Bảng mã: {escape(decision.encoding + said)}", "text encoding, three samples of each column")
    for column in decision.columns:
        samples = " | ".join(column.samples)
        console.print(escape(f"  {column.column} ({column.encoding}): {samples}"), soft_wrap=True)


def _print_crs(decision: CRSDecision) -> None:
    _head(
        f"Tọa độ: {escape(decision.chosen or 'chưa rõ · not known')}", "coordinates, and what speaks for each reading"
    )
    for item in decision.candidates:
        mark = "→" if item.value == decision.chosen else " "
        reasons = "; ".join(vi for vi, _ in item.reasons)
        console.print(escape(f" {mark} {item.value}: {item.title_vi}; {reasons}"), soft_wrap=True)


def _print_mapping(mapping: FieldMapping, definition: Definition) -> None:
    _head("Trường", "fields")
    table = Table("cột · column", "trường · field", "theo · by", box=None, padding=(0, 2))
    for match in mapping.matches:
        title = definition.field(match.field).title.vi
        table.add_row(escape(match.column or "-"), escape(f"{match.field} ({title})"), str(match.reason))
    console.print(table)
    for vi, names in (("không dùng · unused", mapping.unmapped), ("còn thiếu · missing", mapping.missing)):
        if names:
            console.print(escape(f"  {vi}: {', '.join(names)}"), soft_wrap=True)


def _print_findings(findings: Sequence[Finding], most: int) -> None:
    if not findings:
        return
    counts = Counter(finding.severity for finding in findings)
    told = ", ".join(f"{_MARKS[severity]} {counts[severity]}" for severity in Severity if counts[severity])
    _head("Kết quả kiểm tra", "findings")
    console.print(f"  {told}")
    for finding in findings[:most]:
        console.print(_line(finding), soft_wrap=True)
    if len(findings) > most:
        console.print(f"  … {len(findings) - most} [dim](--most {len(findings)}, --json)[/]")


def _line(finding: Finding) -> str:
    where = [] if finding.row is None else [f"dòng · row {finding.row}"]
    where += [text for text in (finding.key, finding.field) if text]
    if finding.lon is not None and finding.lat is not None:
        where.append(f"{finding.lat:.6f}, {finding.lon:.6f}")
    place = escape(f" ({'; '.join(where)})") if where else ""
    value = escape(f" “{finding.value}”") if finding.value else ""
    remedy = f"\n      [dim]{escape(finding.remedy_vi)}[/]" if finding.remedy_vi else ""
    words = f"{escape(finding.vi)}{value}{place}\n      [dim]{escape(finding.en)}[/]{remedy}"
    return f"  {_MARKS[finding.severity]} {words}"


def _print_questions(found: Intake) -> None:
    if not found.questions:
        return
    _head("Cần trả lời", "to be answered by --crs, --part, --encoding, --field, --constant or --unit-of")
    for question in found.questions:
        console.print(f"  [bold]{escape(question.id)}[/]: {escape(question.vi)}", soft_wrap=True)
        for option in question.options[:10]:
            console.print(escape(f"      {option.value}: {option.vi}"), soft_wrap=True)


def _print_score(criteria: Sequence[Criterion]) -> None:
    known = [criterion for criterion in criteria if criterion.value is not None]
    if known:
        _head("Sáu tiêu chí", "six criteria, 0 to 100")
        console.print("  " + ", ".join(f"{item.vi.lower()} {item.value:g}" for item in known), soft_wrap=True)


def _print_verdict(found: Intake) -> None:
    totals = found.totals
    if found.is_rejected:
        _head("[red]Không nhận được tệp này[/]", "the file is rejected")
        return
    figures = f"đọc {totals.read}, đạt {totals.good}, từ chối {totals.refused}, sửa {totals.repaired}"
    english = f"{totals.read} read, {totals.good} good, {totals.refused} refused, {totals.repaired} repaired"
    verdict = ("sẵn sàng để gửi", "ready to be sent") if found.is_ready else ("chưa gửi được", "not ready")
    _head(f"{figures}: {verdict[0]}", f"{english}: {verdict[1]}; nothing was changed")
