"""Makes report maps: HTML or PNG, few at a time, in worker threads."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import anyio
import anyio.to_thread

from web.report_maps.assets import read_assets
from web.report_maps.page import render_page
from web.report_maps.picture import render_picture
from web.report_maps.report import Report

# A report may hold a core for some seconds; others are served meanwhile.
AT_ONCE: Final = 2
_THREADS: Final = anyio.CapacityLimiter(AT_ONCE)


class ReportForm(StrEnum):
    """How a report is made."""

    HTML = "html"
    PNG = "png"


MEDIA_TYPES: Final = {ReportForm.HTML: "text/html; charset=utf-8", ReportForm.PNG: "image/png"}


def make_report(report: Report, form: ReportForm) -> bytes:
    """The file.

    Raises:
        ReportAssetsMissing: HTML is asked and the viewer has not been built.
    """
    return render_picture(report) if form is ReportForm.PNG else render_page(report, read_assets())


async def make_in_thread(report: Report, form: ReportForm) -> bytes:
    """The same in a worker thread, at most :data:`AT_ONCE` at a time in this process."""
    return await anyio.to_thread.run_sync(make_report, report, form, limiter=_THREADS)
