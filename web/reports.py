"""The pages on which people report what they see, and look what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from layers.definition import CodeEntry, Label
from scenarios.reports.own import OwnReport
from scenarios.reports.report import Ending
from web.account import Notice
from web.environment import Site, render

STATES: Final[Mapping[str, Label]] = {
    "received": Label("Đã tiếp nhận", "Received"),
    "routed": Label("Đã phân công", "Assigned"),
    "in_progress": Label("Đang xử lý", "Being handled"),
    "answered": Label("Đã trả lời", "Answered"),
    "closed": Label("Đã kết thúc", "Closed"),
}
_ENDINGS: Final = {
    Ending.ANSWERED: STATES["closed"],
    Ending.DECLINED: Label("Không thụ lý", "Not taken up"),
    Ending.DUPLICATE: Label("Xử lý cùng một phản ánh khác", "Handled with another report"),
}
_STEPS: Final[Mapping[str, Label]] = {
    "receive": STATES["received"],
    "route": STATES["routed"],
    "start": Label("Bắt đầu xử lý", "Handling begun"),
    "answer": STATES["answered"],
    "close": STATES["closed"],
    "decline": _ENDINGS[Ending.DECLINED],
    "join": _ENDINGS[Ending.DUPLICATE],
    "reopen": Label("Xử lý lại", "Taken up again"),
    "rate": Label("Đã đánh giá", "Rated"),
}


@dataclass(frozen=True, slots=True)
class ReportForm:
    """The form to report with.

    Attributes:
        communes: Code and name of each, by name.
        typed: What was typed before, by field.
    """

    kinds: Sequence[CodeEntry]
    communes: Sequence[tuple[str, str]]
    typed: Mapping[str, str] = field(default_factory=dict)
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """What the sender must keep."""

    number: str
    code: str
    commune: str
    office: str
    due: object


def render_report_form(site: Site, form: ReportForm) -> bytes:
    """The page to report on; it works without script, which only adds the device's place and smaller photos."""
    return render("report.html", site=site, path="/report", synthetic=False, form=form, notice=form.notice)


def render_receipt(site: Site, receipt: KeptReceipt) -> bytes:
    """The page after a report was taken in, with the code that is shown this once."""
    return render("report_receipt.html", site=site, path="/report", synthetic=False, receipt=receipt)


def render_state(
    site: Site, *, number: str = "", code: str = "", own: OwnReport | None = None, notice: Notice | None = None
) -> bytes:
    """The page on which a sender looks what became of a report.

    Args:
        site: Where the page stands.
        number: What was typed as the number.
        code: The code, carried on to the photos and the rating of the report that it opened.
        own: The report; None while none is open.
        notice: What to say at the top.
    """
    state = None if own is None else STATES[own.state] if own.ending is None else _ENDINGS[own.ending]
    steps = [] if own is None else [(_STEPS[step.act], step.at) for step in own.steps if step.act in _STEPS]
    return render(
        "report_state.html",
        site=site,
        path="/report/state",
        synthetic=False,
        number=number,
        code=code,
        own=own,
        state=state,
        steps=steps,
        notice=notice,
    )
