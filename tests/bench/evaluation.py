"""``make bench-evaluation``: all built-in rules over 166 communes against hand-written SQL for the same figures."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import shapely
from sqlalchemy import Connection, Engine, text

from app.cluster import Cluster, ensure_database, use_cluster
from app.console import say
from app.database import Database, cluster_database
from app.settings import CHECKOUT
from layers.definition_reader import load_builtin as load_layers
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import put_layer
from migrations.run import migrate
from scenarios.definition import Scenario
from scenarios.evaluation.feature_judging import feature_layers, feature_rules
from scenarios.evaluation.judging import Judged, judged_rules
from scenarios.evaluation.running import evaluate
from scenarios.indicators.catalogue import get_indicator
from scenarios.loader import load_builtin
from scenarios.outcomes import PlaceKind
from scenarios.rules.series import SERIES_SQL
from scenarios.rules.shape import Load, shape_of
from scenarios.rules.statements import series_parameters
from scenarios.work.calendar import WorkCalendar
from tests.bench.evaluation_by_hand import by_hand
from tests.bench.service import CLUSTER
from tests.bench.setup import describe_setup

NAME = "bench_evaluation"
COMMUNES, SIDE = 166, 13
ITEMS = 50_000
NOW = datetime(2026, 11, 1, 1, tzinfo=UTC)
DAYS = 400
AIM = 1.5
_PLACES = text(
    "INSERT INTO observing.places (kind, layer, key, unit_code)"
    " SELECT :kind, '', CASE WHEN :kind = 'unit' THEN code ELSE 'P' || code END, code FROM features.communes"
    " UNION ALL SELECT :kind, '', code, code FROM features.provinces WHERE :kind = 'unit'"
)
_SERIES = text(
    "INSERT INTO observing.series (indicator, place_id) SELECT :indicator, id FROM observing.places WHERE kind = :kind"
)
# Values of a day stand at its first moment in Vietnam, those of its parts after it.
_VALUES = text(
    "INSERT INTO observing.observations (series_id, at, version, value, received_at, source)"
    " SELECT series.id, moment, 1, 50 + 3 * sin(series.id + extract(epoch FROM moment) / 86400), moment, 'bench'"
    " FROM observing.series AS series, generate_series(CAST(:first AS timestamptz), :last, :step) AS moment"
    " ORDER BY moment, series.id"
)
_TARGETS = text(
    "INSERT INTO observing.targets (series_id, period_start, version, value, received_at, source)"
    " SELECT series.id, moment, 1, 49, moment, 'bench' FROM observing.series AS series,"
    " generate_series(CAST(:first AS timestamptz), :last, interval '1 day') AS moment"
)


@dataclass(frozen=True, slots=True)
class Bed:
    """A database that is evaluated."""

    database: Database
    observations: int
    seconds: float


def main() -> None:
    """Fills a database, evaluates it and writes the report."""
    parser = argparse.ArgumentParser(prog="make bench-evaluation ARGS=…", description=__doc__)
    parser.add_argument("--per-day", type=int, default=1, help="values of a series a day; 8 make 10 million in all")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--report", type=Path, default=CHECKOUT / "docs" / "bench-evaluation.md")
    asked = parser.parse_args()
    with use_cluster(CHECKOUT, CLUSTER) as cluster:
        bed = _fill(cluster, asked.per_day)
        lines = _measured(bed, asked.rounds)
        asked.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    say(f"Đã ghi {asked.report}", f"written to {asked.report}")


def _measured(bed: Bed, rounds: int) -> list[str]:
    writer = bed.database.engine("diaban_writer", keeps=1)
    scenarios = [found for found in load_builtin().values() if judged_rules(found) or feature_rules(found)]
    first = _timed(lambda: _evaluate_all(writer, scenarios, NOW))
    figures = [judged for scenario in scenarios for judged in judged_rules(scenario)]
    told = _count(writer, "SELECT count(*) FROM alerts.alerts")
    kept = _count(writer, "SELECT count(*) FROM judging.standings")
    statements = [by_hand(judged) for scenario in scenarios for judged in judged_rules(scenario)]
    statements += [by_hand(judged) for scenario in scenarios for judged in feature_rules(scenario)]
    ours, judging, theirs = list[float](), list[float](), list[float]()
    for number in range(1, rounds + 1):
        at = NOW + timedelta(seconds=number)
        ours.append(_timed(lambda at=at: _evaluate_all(writer, scenarios, at)))  # type: ignore[misc]
        judging.append(_timed(lambda at=at: _figures_of_all(writer, figures, at)))  # type: ignore[misc]
        theirs.append(_timed(lambda at=at: _ask_all(writer, statements, at)))  # type: ignore[misc]
    writer.dispose()
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [
        "# Evaluation measured",
        "",
        "Written by `make bench-evaluation`. The machine is shared and small; only the ratio says much: both contenders"
        " were asked in turn in one run.",
        "",
        *describe_setup(bed.database).lines(),
        f"- {bed.observations:,} observations of {len(_indicators())} indicators, {COMMUNES} communes,"
        f" {ITEMS:,} documents and {ITEMS:,} dossiers; filled in {bed.seconds:.0f} s",
        f"- {len(statements)} rules of {len(scenarios)} scenarios; *evaluation* is what the worker runs, each scenario"
        " in a transaction of its own that is committed: figures, standings, alerts, tasks, evidence",
        "- *by hand*: one statement for each rule that gives the same figures, in plain double precision, without the"
        " versions of values known at a moment, and keeps nothing",
        "",
        "| | median s | fastest s | slowest s |",
        "| --- | --- | --- | --- |",
        _row("evaluation, nothing new to tell", ours),
        _row("of that, the figures of the rules over observations", judging),
        _row("by hand, all rules", theirs),
        "",
        f"Ratio of the whole to that by hand: **{ratio:.2f}**; the aim is at most {AIM}:"
        f" {'held' if ratio <= AIM else 'not held'}. Besides telling figures, an evaluation holds them against what",
        f"was said before, tells {told:,} alerts that hold again, and commits {len(scenarios)} transactions.",
        "",
        f"The first evaluation took {first:.2f} s: it opened {told:,} alerts with their tasks and kept {kept:,}"
        " standings.",
    ]


def _row(name: str, seconds: list[float]) -> str:
    return f"| {name} | {statistics.median(seconds):.3f} | {min(seconds):.3f} | {max(seconds):.3f} |"


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _evaluate_all(engine: Engine, scenarios: list[Scenario], at: datetime) -> None:
    for scenario in scenarios:
        with engine.begin() as connection:
            evaluate(connection, scenario, lambda: at, WorkCalendar())


def _figures_of_all(engine: Engine, rules: list[Judged], at: datetime) -> None:
    with engine.begin() as connection:
        for judged in rules:
            reading = judged.reading(at, at)
            values = series_parameters(judged.test, reading, kinds=judged.kinds, key_length=judged.key_length)
            connection.execute(
                text(f"{SERIES_SQL[shape_of(judged.test)]} SELECT key, figure FROM figures"), values
            ).all()


def _ask_all(engine: Engine, statements: list[tuple[str, dict[str, object]]], at: datetime) -> None:
    with engine.begin() as connection:
        for statement, values in statements:
            connection.execute(text(statement), {**values, "at": at}).all()


def _count(engine: Engine, statement: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(statement)).scalar_one())


def _indicators() -> dict[str, PlaceKind]:
    judged = [one for scenario in load_builtin().values() for one in judged_rules(scenario)]
    named = {code for one in judged for code in _named(one)}
    return {code: get_indicator(code).place for code in sorted(named)}


def _named(judged: Judged) -> tuple[str, ...]:
    test = judged.test
    return (test.indicator, test.capacity) if isinstance(test, Load) else (test.indicator,)


def _fill(cluster: Cluster, per_day: int) -> Bed:
    began = time.perf_counter()
    database = cluster_database(cluster, NAME)
    admin = cluster_database(cluster, "postgres").superuser_engine()
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"))
    admin.dispose()
    ensure_database(cluster, NAME)
    migrate(database.superuser_engine(), database.passwords)
    owner = database.engine("diaban_owner")
    with owner.begin() as connection:
        _fill_layers(connection)
    with owner.begin() as connection:
        count = _fill_observations(connection, per_day)
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    owner.dispose()
    return Bed(database, count, time.perf_counter() - began)


def _fill_layers(connection: Connection) -> None:
    definitions = load_layers()
    rules = [judged for scenario in load_builtin().values() for judged in feature_rules(scenario)]
    for slug in ("provinces", "communes", *sorted(feature_layers(rules))):
        put_layer(connection, definitions[slug], author="bench")
    units = {
        "provinces": [{"code": "99", "name": "Tỉnh", "unit_type": "tỉnh", "geometry": shapely.box(106, 10, 107, 11)}],
        "communes": [_commune(number) for number in range(COMMUNES)],
    }
    for slug, rows in units.items():
        frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=4326)
        publish_rows(connection, slug, [frame], mode=Mode.REPLACE, note=ChangeNote("bench"))
    connection.execute(text(_ITEMS.format("documents", "document_code", ", is_outgoing", ", false")), {"now": NOW})
    connection.execute(
        text(_ITEMS.format("administrative_dossiers", "dossier_code", ", state", ", 'received'")), {"now": NOW}
    )


# One in five is unfinished; of those few are near their time or over it.
_ITEMS = (
    "INSERT INTO features.{0} (fid, province_code, unit_code, from_revision, {1}, received_at, due_at, finished_at{2})"
    f" SELECT n, '99', '99' || to_char(n % {COMMUNES}, 'FM000'), 1, 'I' || n, :now,"
    " CAST(:now AS timestamptz) + (n % 400 - 1) * interval '20 hours',"
    " CASE WHEN n % 5 > 0 THEN CAST(:now AS timestamptz) END{3}"
    f" FROM generate_series(1, {ITEMS}) AS n"
)


def _commune(number: int) -> dict[str, object]:
    west, south = 106 + number % SIDE * 0.05, 10 + number // SIDE * 0.05
    return {
        "code": f"99{number:03d}", "name": f"Xã {number}", "unit_type": "xã", "parent_code": "99",
        "valid_from": date(2025, 7, 1), "geometry": shapely.box(west, south, west + 0.05, south + 0.05),
    }  # fmt: skip


def _fill_observations(connection: Connection, per_day: int) -> int:
    first, last = datetime(2025, 9, 27, 17, tzinfo=UTC), NOW
    months = [date(2025 + (8 + n) // 12, (8 + n) % 12 + 1, 1) for n in range(16)]
    connection.execute(text("SELECT observing.keep_months(CAST(:months AS date[]))"), {"months": months})
    indicators = _indicators()
    for kind in sorted(set(indicators.values())):
        connection.execute(_PLACES, {"kind": kind.value})
    for code, kind in indicators.items():
        connection.execute(_SERIES, {"indicator": code, "kind": kind.value})
    values = {"first": first, "last": last, "step": timedelta(days=1) / per_day}
    connection.execute(_TARGETS, {"first": first, "last": last})
    return int(connection.execute(_VALUES, values).rowcount)


if __name__ == "__main__":
    main()
