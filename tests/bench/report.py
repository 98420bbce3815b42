"""The report of a run: aims, what was measured against whom, and how; the same lines for people and for docs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from app.console import console
from tests.bench.cases import Case
from tests.bench.measure import Duel
from tests.bench.setup import Setup

MEMORY_AIM_MB = 50
STATEMENT_AIM, GROWTH_AIM, STOCK_AIM = 1.3, 1.3, 15.0
QUESTIONS = ("bbox", "radius", "boundary", "nearest")
STOCK_CASES = ("items-10", "items-100", "items-1000")
NAMES = {"bare": "the bare statement", "floor": "the floor", "pygeoapi": "stock pygeoapi", "tipg": "tipg"}


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison; ``duel`` is None where the other could not answer, and ``refusal`` says why."""

    parcels: int
    case: Case
    other: str
    duel: Duel | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes by which pages of 10,000 features raise a fresh process: one page at a time, then several."""

    parcels: int
    one_mb: float
    several_mb: float


@dataclass
class Results:
    """All that a run has found so far."""

    setup: Setup
    beds: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    growth: list[tuple[Case, Duel]] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)

    def of(self, other: str, names: Sequence[str]) -> list[tuple[Row, Duel]]:
        """The comparisons with one contender over some cases, where there was one."""
        found = (row for row in self.rows if row.other == other and row.case.name in names)
        return [(row, row.duel) for row in found if row.duel is not None]


def show(results: Results) -> None:
    """Prints the report's tables."""
    for title, head, lines in _tables(results):
        table = Table(*head, title=title, title_justify="left")
        for line in lines:
            table.add_row(*line)
        console.print(table)


def write(results: Results) -> str:
    """The report as Markdown."""
    parts = [
        "# Measurements",
        "",
        "Written by `make bench`. The machine is shared and small, so times by themselves say little; **only the"
        " ratios** do, and each comes from two contenders asked the same questions in turn, in bursts of a quarter of"
        " a second. A ratio of times below 1 means that ours is faster, a ratio of rates above 1 the same.",
        "",
        *results.setup.lines(),
        *(f"- {line}" for line in results.beds),
        "- one process each for ours and every peer, one uvicorn worker with uvloop and httptools; the same login"
        " and the same columns; no compression; our tile cache off",
        "- *bare statement*: SQL written by hand for the question, through asyncpg in the measuring process, one"
        " connection; *floor*: that statement behind the least ASGI application that answers at all",
        *(f"- {NAMES[name]}: {version}" for name, version in results.versions.items()),
        *(f"- **not measured**: {NAMES.get(name, name)}: {reason}" for name, reason in results.missing.items()),
    ]
    for title, head, lines in _tables(results):
        parts += ["", f"## {title}", "", *markdown_table(head, lines)]
    return "\n".join(parts) + "\n"


def markdown_table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    return [_line(head), _line(["---"] * len(head)), *(_line(line) for line in lines)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _tables(results: Results) -> list[tuple[str, tuple[str, ...], list[list[str]]]]:
    found = [("Aims", ("aim", "seen", "held"), _aims(results))]
    for parcels in sorted({row.parcels for row in results.rows}):
        head = ("question", "against", "p50 ms ours / other", "p95 ms", "p50 ratio", "p95 ratio", "rate ratio", "KB")
        lines = [_compared(row) for row in results.rows if row.parcels == parcels]
        found.append((f"{parcels:,} parcels", head, lines))
    head = ("question", "p50 ms larger / smaller", "p95 ms", "p50 ratio", "p95 ratio")
    if results.growth:
        found.append(
            ("Growth of the table: the same question in both", head, [_grown(*each) for each in results.growth])
        )
    return found


def _compared(row: Row) -> list[str]:
    name = NAMES.get(row.other, row.other)
    if row.duel is None:
        return [row.case.title, name, row.refusal, "", "", "", "", ""]
    duel = row.duel
    return [
        row.case.title,
        name,
        f"{duel.ours.p50:.2f} / {duel.other.p50:.2f}",
        f"{duel.ours.p95:.2f} / {duel.other.p95:.2f}",
        f"{duel.p50_ratio:.2f}",
        f"{duel.p95_ratio:.2f}",
        f"{duel.rate_ratio:.2f}",
        f"{duel.ours.size / 1000:.0f} / {duel.other.size / 1000:.0f}",
    ]


def _grown(case: Case, duel: Duel) -> list[str]:
    return [
        case.title,
        f"{duel.ours.p50:.2f} / {duel.other.p50:.2f}",
        f"{duel.ours.p95:.2f} / {duel.other.p95:.2f}",
        f"{duel.p50_ratio:.2f}",
        f"{duel.p95_ratio:.2f}",
    ]


def _aims(results: Results) -> list[list[str]]:
    stock = [duel.rate_ratio for _, duel in results.of("pygeoapi", STOCK_CASES)]
    asked = [(row.case.name, duel.p50_ratio) for row, duel in results.of("bare", QUESTIONS)]
    grown = [(case.name, duel.p95_ratio) for case, duel in results.growth]
    memory = max(results.memory, key=lambda seen: seen.one_mb, default=None)
    return [
        _aim(
            f"items at limits 10 to 1,000: at least {STOCK_AIM:.0f} times stock pygeoapi",
            f"{min(stock):.1f} to {max(stock):.1f} times" if stock else None,
            bool(stock) and min(stock) >= STOCK_AIM,
        ),
        _aim(
            f"questions within {STATEMENT_AIM} times the bare statement (p50)",
            _spread(asked),
            bool(asked) and max(ratio for _, ratio in asked) <= STATEMENT_AIM,
        ),
        _aim(
            f"p95 on the larger table within {GROWTH_AIM} times the smaller (indexed questions)",
            _spread(grown),
            bool(grown) and max(ratio for _, ratio in grown) <= GROWTH_AIM,
        ),
        _aim(
            f"a 10,000-feature page grows the process by at most {MEMORY_AIM_MB} MB",
            f"{memory.one_mb:.0f} MB; four at once {memory.several_mb:.0f} MB" if memory else None,
            memory is not None and memory.one_mb <= MEMORY_AIM_MB,
        ),
    ]


def _spread(ratios: Sequence[tuple[str, float]]) -> str | None:
    return ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios) or None


def _aim(aim: str, seen: str | None, held: bool) -> list[str]:
    return [aim, seen or "not measured", ("yes" if held else "no") if seen else "—"]
