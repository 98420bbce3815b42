"""The report on an upload as a PDF on A4, in Vietnamese, to print, sign and send back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any, Final

from layers.intake.model import Finding
from layers.uploads.model import Upload
from layers.uploads.reports import SEVERITY_TITLES, summary_lines
from layers.uploads.world import VIETNAM

# So many findings are printed one by one; the workbook holds all of them.
MAX_PRINTED: Final = 300
_STYLE: Final = """
@page { size: A4; margin: 18mm 14mm;
    @bottom-center { content: "Trang " counter(page) "/" counter(pages); font-size: 8pt } }
body { font-family: "DejaVu Sans", "Liberation Sans", sans-serif; font-size: 9pt; line-height: 1.35 }
h1 { font-size: 15pt; margin: 0 0 2mm }
h2 { font-size: 11pt; margin: 5mm 0 1.5mm }
table { border-collapse: collapse; width: 100% }
tr { break-inside: avoid }
th, td { border: 0.3mm solid #999; padding: 0.8mm 1.2mm; text-align: left; vertical-align: top }
td { overflow-wrap: anywhere }
th { background: #ddebf7 }
.n { text-align: right }
.error { color: #a40000 }
thead { display: table-header-group }
"""


def write_pdf(upload: Upload, findings: Iterable[Finding], path: Path) -> None:
    """Writes the report; nothing is fetched from anywhere."""
    from weasyprint import HTML

    HTML(string=report_html(upload, findings), url_fetcher=_refuse).write_pdf(str(path))


def _refuse(url: str, *_: object, **__: object) -> dict[str, Any]:
    raise ValueError(f"a report fetches nothing: {url[:100]}")


def report_html(upload: Upload, findings: Iterable[Finding]) -> str:
    """The report as HTML; every text of the file is escaped."""
    made = datetime.now(UTC).astimezone(VIETNAM).strftime("%H:%M ngày %d/%m/%Y")
    summary = "".join(
        f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in summary_lines(upload)
    )
    codes = "".join(
        f"<tr><td>{_text(SEVERITY_TITLES[code['severity']][0])}</td><td>{_text(code['vi'])}</td>"
        f'<td class="n">{_text(code["count"])}</td></tr>'
        for code in (upload.report or {}).get("codes", ())
    )
    listed = list(islice(findings, MAX_PRINTED + 1))
    rows = "".join(_row(finding) for finding in listed[:MAX_PRINTED])
    more = "<p>… Danh sách đầy đủ ở báo cáo XLSX, CSV.</p>" if len(listed) > MAX_PRINTED else ""
    return (
        f'<!doctype html><html lang="vi"><meta charset="utf-8"><title>Báo cáo kiểm tra dữ liệu</title>'
        f"<style>{_STYLE}</style><h1>Báo cáo kiểm tra dữ liệu</h1>"
        f"<p>Lượt gửi {_text(upload.id)} · lập lúc {made}</p>"
        f"<h2>1. Tổng hợp</h2><table>{summary}</table>"
        f"<h2>2. Các loại vấn đề</h2><table><thead><tr><th>Mức</th><th>Vấn đề (ví dụ)</th><th>Số lượng</th></tr>"
        f"</thead>{codes}</table>"
        f"<h2>3. Từng dòng</h2><table><thead><tr><th>Mức</th><th>Dòng</th><th>Khóa</th><th>Trường</th><th>Giá trị</th>"
        f"<th>Điều tìm thấy và cách xử lý</th></tr></thead>{rows}</table>{more}</html>"
    )


def _row(finding: Finding) -> str:
    what = _text(finding.vi) + (f"<br><b>Cách xử lý:</b> {_text(finding.remedy_vi)}" if finding.remedy_vi else "")
    cells = (
        SEVERITY_TITLES[finding.severity][0],
        finding.row or "",
        finding.key or "",
        finding.field or "",
        finding.value,
    )
    listed = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
    return f'<tr class="{finding.severity.value}">{listed}<td>{what}</td></tr>'


def _text(value: object) -> str:
    return escape(str(value))
