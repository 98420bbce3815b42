"""From features of a layer to alerts and back: deadlines and categories of the sources over published items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Engine, text

from app.database import Database
from layers.access import Scope
from layers.definition_reader import load_builtin as load_layers
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import put_layer
from scenarios import loader
from scenarios.alerts.reading import AlertFilter, ListedAlert, list_alerts, read_alert
from scenarios.definition import Scenario
from scenarios.evaluation.backtest import Trial, back_test
from scenarios.evaluation.errors import NoHistoryOfFeatures
from scenarios.evaluation.feature_judging import feature_rules
from scenarios.evaluation.replay import replay_alert
from scenarios.evaluation.running import evaluate, evaluate_due
from scenarios.loader import get_scenario, load_builtin, load_scenario
from scenarios.outcomes import PlaceKind, Standing
from scenarios.work.calendar import WorkCalendar
from tests.layers.ask_world import commune_code
from tests.layers.conftest import store

__all__ = ["store"]
pytestmark = pytest.mark.db
HERE, THERE = commune_code(0, 0), commune_code(1, 0)
ADMIN = Scope.local_admin()
START = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAYERS = ("administrative-dossiers", "documents", "assigned-tasks", "cadres")
PLACED = ("outbreaks", "schools", "flood-areas")
NOTE = ChangeNote("test")


@dataclass
class Office:
    """An office whose records are published as layers, with a clock that a test turns."""

    owner: Engine
    engine: Engine
    now: datetime = START
    held: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)

    def publish(self, slug: str, key: str, **values: object) -> None:
        """Publishes a record beside those that are there."""
        name = load_layers()[slug].key[0]
        rows = self.held.setdefault(slug, {})
        rows[key] = {**rows.get(key, {"commune_code": HERE}), **values, name: key}
        frame = pd.DataFrame(list(rows.values())).astype(object)
        with self.owner.begin() as connection:
            publish_rows(connection, slug, [frame.where(frame.notna(), None)], mode=Mode.REPLACE, note=NOTE)

    def document(self, key: str, due_in: timedelta, **values: object) -> None:
        made = {"is_outgoing": False, "received_at": START, "due_at": self.now + due_in, "state": "in_progress"}
        self.publish("documents", key, **{**made, **values})

    def place(self, slug: str, key: str, geometry: BaseGeometry, **values: object) -> None:
        """Publishes a feature beside those that are there."""
        name = load_layers()[slug].key[0]
        rows = self.held.setdefault(slug, {})
        rows[key] = {**rows.get(key, {}), **values, name: key, "geometry": geometry}
        frame = gpd.GeoDataFrame(list(rows.values()), geometry="geometry", crs=4326)
        for column in frame.columns.drop("geometry"):
            frame[column] = frame[column].astype(object).where(frame[column].notna(), None)
        with self.owner.begin() as connection:
            publish_rows(connection, slug, [frame], mode=Mode.REPLACE, note=NOTE)

    def outbreak(self, key: str, lon: float, **values: object) -> None:
        at = {"disease": "Sởi", "detected_on": START.date()}
        self.place("outbreaks", key, shapely.Point(lon, 9.95), **{**at, **values})

    def school(self, key: str, lon: float, **values: object) -> None:
        self.place("schools", key, shapely.Point(lon, 9.95), name="Trường", level="TH", **values)

    def flood(self, key: str, west: float, east: float) -> None:
        self.place("flood-areas", key, shapely.box(west, 9.94, east, 9.96), depth_m=1.0)

    def judge(self, scenario: Scenario, after: timedelta = timedelta(minutes=1)) -> None:
        """Evaluates a scenario of the test's own."""
        self.now += after
        with self.engine.begin() as connection:
            assert evaluate(connection, scenario, lambda: self.now, WorkCalendar()) is not None

    def clear(self) -> None:
        """Forgets what was told."""
        with self.owner.begin() as connection:
            connection.execute(text("TRUNCATE judging.standings, alerts.alerts CASCADE"))

    def evaluate(self, after: timedelta = timedelta(minutes=1)) -> list[str]:
        self.now += after
        return [done.scenario for done in evaluate_due(self.engine, lambda: self.now, WorkCalendar())]

    def alerts(self, scenario: str, rule: str) -> list[ListedAlert]:
        with self.engine.connect() as connection:
            found = list_alerts(connection, ADMIN, AlertFilter(scenario=scenario), limit=1000)
        return sorted((one for one in found if one.rule == rule), key=lambda one: (one.place_key, one.id))

    def standings(self, scenario: str, rule: str) -> list[tuple[str, Standing]]:
        return [(one.place_key, one.standing) for one in self.alerts(scenario, rule)]


@pytest.fixture
def office(store: Database) -> Iterator[Office]:
    """An office without a past: what other tests have left is gone."""
    owner, engine = store.engine("diaban_owner"), store.engine("diaban_writer")
    with owner.begin() as connection:
        for tables in (
            "observing.places, observing.series, observing.observations, observing.targets",
            "judging.standings, judging.evaluations, judging.changes",
            "tasks.tasks, tasks.steps, alerts.alerts, alerts.evidence, alerts.steps",
        ):
            connection.execute(text(f"TRUNCATE {tables}"))
        for slug in LAYERS:
            put_layer(connection, load_layers()[slug], author="test")
            name = load_layers()[slug].key[0]
            publish_rows(connection, slug, [pd.DataFrame({name: []})], mode=Mode.REPLACE, note=NOTE)
        for slug in PLACED:
            put_layer(connection, load_layers()[slug], author="test")
            empty = gpd.GeoDataFrame({load_layers()[slug].key[0]: []}, geometry=[], crs=4326)
            publish_rows(connection, slug, [empty], mode=Mode.REPLACE, note=NOTE)
    opened = Office(owner, engine)
    opened.evaluate()
    yield opened
    engine.dispose()
    owner.dispose()


class TestDeadlines:
    def test_a_document_near_its_time_is_told_of_once_until_it_is_finished(self, office: Office) -> None:
        office.document("VB-1", 30 * HOUR)
        office.document("VB-2", 23 * HOUR)
        assert office.evaluate() == ["S11"]
        (alert,) = office.alerts("S11", "T18")
        place = (alert.place_kind, alert.place_layer, alert.place_key, alert.unit_code)
        assert place == (PlaceKind.FEATURE, "documents", "VB-2", HERE)
        assert (alert.value, alert.threshold) == (pytest.approx(23 - 1 / 60), 24.0)
        office.evaluate(7 * HOUR)
        assert office.standings("S11", "T18") == [("VB-1", Standing.HOLDS), ("VB-2", Standing.HOLDS)]
        office.document("VB-2", HOUR, finished_at=office.now, state="done_on_time")
        office.evaluate()
        assert office.standings("S11", "T18") == [("VB-1", Standing.HOLDS), ("VB-2", Standing.CLEAR)]

    def test_time_alone_does_not_fill_the_history_of_an_alert(self, office: Office) -> None:
        office.document("VB-1", 23 * HOUR)
        for _ in range(5):
            office.evaluate(2 * HOUR)
        (alert,) = office.alerts("S11", "T18")
        with office.engine.connect() as connection:
            assert len(read_alert(connection, ADMIN, alert.id).evidence) == 1

    def test_a_dossier_over_its_time_and_a_task_the_day_after_its_day(self, office: Office) -> None:
        office.publish("administrative-dossiers", "HS-1", received_at=START, due_at=office.now + HOUR, state="received")
        office.publish("assigned-tasks", "NV-1", title="Việc", due_on=START.date(), state="in_progress")
        office.evaluate()
        assert office.alerts("S10", "T19") == office.alerts("S21", "T29") == []
        office.evaluate(2 * HOUR)
        assert [a.value for a in office.alerts("S10", "T19")] == [pytest.approx(-1 - 1 / 60)]
        # The day ends at midnight in Vietnam, 17h00 UTC.
        office.evaluate(12 * HOUR + 30 * timedelta(minutes=1))
        assert office.alerts("S21", "T29") == []
        office.evaluate(HOUR)
        assert office.standings("S21", "T29") == [("NV-1", Standing.HOLDS)]

    def test_an_item_that_is_withdrawn_clears_and_is_forgotten(self, office: Office) -> None:
        office.document("VB-1", HOUR)
        office.evaluate()
        office.held["documents"].clear()
        office.document("VB-2", 99 * HOUR)
        office.evaluate()
        assert office.standings("S11", "T18") == [("VB-1", Standing.CLEAR)]
        office.evaluate(2 * HOUR)
        with office.engine.connect() as connection:
            rows = connection.execute(text("SELECT count(*) FROM judging.standings WHERE rule = 'T18'")).scalar_one()
        assert rows == 0


class TestCategories:
    def test_a_task_assessed_as_failed(self, office: Office) -> None:
        office.publish("assigned-tasks", "NV-1", title="Việc", state="done_late", is_passed=False)
        office.publish("assigned-tasks", "NV-2", title="Việc", state="done_late", is_passed=True)
        assert office.evaluate() == ["S21"]
        assert [(a.place_key, a.value) for a in office.alerts("S21", "T30")] == [("NV-1", 1.0)]
        office.publish("assigned-tasks", "NV-1", is_passed=True)
        office.evaluate()
        assert office.standings("S21", "T30") == [("NV-1", Standing.CLEAR)]

    def test_files_not_standardised_are_counted_by_commune_and_named_to_nobody(self, office: Office) -> None:
        for key, commune, standard in (("A", HERE, False), ("B", HERE, False), ("C", THERE, True), ("D", THERE, None)):
            office.publish("cadres", key, commune_code=commune, is_file_standard=standard)
        office.evaluate()
        (alert,) = office.alerts("S22", "T25")
        assert (alert.place_kind, alert.place_key, alert.unit_code, alert.value) == (PlaceKind.UNIT, HERE, HERE, 2.0)
        with office.engine.connect() as connection:
            (frozen,) = read_alert(connection, ADMIN, alert.id).evidence
        assert frozen.evidence["detail"] == {}


class TestEvidence:
    def test_gives_the_same_again_after_later_revisions(self, office: Office) -> None:
        office.document("VB-1", 5 * HOUR)
        office.publish("cadres", "A", is_file_standard=False)
        office.evaluate()
        (near,), (files,) = office.alerts("S11", "T18"), office.alerts("S22", "T25")
        office.document("VB-1", 50 * HOUR, state="done_on_time")
        office.publish("cadres", "A", is_file_standard=True)
        office.evaluate()
        for alert, figures in ((near, 2), (files, 2)):
            with office.engine.connect() as connection:
                whole = read_alert(connection, ADMIN, alert.id)
                replayed = replay_alert(connection, ADMIN, alert.id)
            assert whole.evidence[0].evidence["layers"]
            assert len(replayed) == figures
            assert all(one.is_same for one in replayed)
            assert (replayed[0].is_passed, replayed[1].again) == (True, None)

    def test_an_item_changed_behind_its_back_is_found_out(self, office: Office) -> None:
        office.document("VB-1", 5 * HOUR)
        office.evaluate()
        (alert,) = office.alerts("S11", "T18")
        with office.owner.begin() as connection:
            connection.execute(text("UPDATE features.documents SET due_at = due_at + interval '1 minute'"))
        with office.engine.connect() as connection:
            assert [one.is_same for one in replay_alert(connection, ADMIN, alert.id)] == [False]


class TestDue:
    def test_a_published_layer_wakes_its_scenarios_and_no_others(self, office: Office) -> None:
        assert office.evaluate() == []
        office.publish("administrative-dossiers", "HS-1", received_at=START, state="received")
        assert office.evaluate() == ["S10", "S11"]
        assert office.evaluate() == []

    def test_a_field_that_was_removed_is_told_and_the_rest_goes_on(self, office: Office) -> None:
        office.document("VB-1", HOUR)
        office.publish("administrative-dossiers", "HS-1", received_at=START, due_at=START, state="received")
        office.evaluate()
        whole = load_layers()["documents"]
        with office.owner.begin() as connection:
            put_layer(connection, whole.without({"due_at"}), author="test")
        office.publish("administrative-dossiers", "HS-2", received_at=START, due_at=START, state="received")
        assert office.evaluate() == ["S10", "S11"]
        assert office.standings("S11", "T18") == [("VB-1", Standing.NO_SIGNAL)]
        assert [key for key, _ in office.standings("S11", "T19")] == ["HS-1", "HS-2"]
        with office.engine.connect() as connection:
            (refused,) = connection.execute(
                text("SELECT refused FROM judging.evaluations WHERE scenario = 'S11'")
            ).scalar_one()
        assert refused["rule"] == "T18"
        assert 'layer documents has no field "due_at"' in refused["en"]
        with office.owner.begin() as connection:
            put_layer(connection, whole, author="test")
        assert office.evaluate() == ["S11"]
        assert office.standings("S11", "T18") == [("VB-1", Standing.HOLDS)]


def test_a_rule_over_features_has_no_back_test_and_says_so(office: Office) -> None:
    trial = Trial(START - timedelta(days=9), START, START)
    with office.engine.connect() as connection, pytest.raises(NoHistoryOfFeatures, match="looks at features of layers"):
        back_test(connection, ADMIN, get_scenario("S11"), "T18", trial)


def test_the_rules_of_the_sources_over_features_are_evaluated() -> None:
    rules = {(r.scenario, r.rule.register) for found in load_builtin().values() for r in feature_rules(found)}
    assert rules == {
        ("S10", "T19"), ("S11", "T18"), ("S11", "T19"), ("S12", "T28"), ("S21", "T29"), ("S21", "T30"), ("S22", "T25"),
        ("S25", "T21"), ("S26", "T22"),
    }  # fmt: skip


class TestNewEvents:
    def test_an_outbreak_is_told_of_without_its_place_until_it_is_under_control(self, office: Office) -> None:
        office.outbreak("O-1", 105.95, state="active")
        assert office.evaluate() == ["S26"]
        (alert,) = office.alerts("S26", "T22")
        assert (alert.place_kind, alert.place_key, alert.unit_code) == (PlaceKind.FEATURE, "O-1", HERE)
        # The layer is restricted: where it is, is told to those who may read the layer.
        assert (alert.lon, alert.lat) == (None, None)
        office.outbreak("O-1", 105.95, state="controlled")
        office.evaluate()
        assert office.standings("S26", "T22") == [("O-1", Standing.CLEAR)]

    def test_a_cluster_and_its_evidence(self, office: Office, tmp_path: Path) -> None:
        test = "{layer: schools, at: data_on, metres: 500, window_h: 72}"
        scenario = made(tmp_path, "new_event", "item", test, operator=">=", number=3)
        for number in range(3):
            office.school(f"T-{number}", 105.95 + number * 0.001, data_on=START.date() - timedelta(days=2 - number))
        office.school("T-9", 106.1, data_on=START.date())
        office.judge(scenario)
        (alert,) = office.alerts("S45", "T99")
        assert (alert.place_kind, alert.place_layer, alert.place_key) == (PlaceKind.CLUSTER, "schools", "T-0")
        assert (alert.value, alert.lon, alert.lat) == (3.0, 105.95, 9.95)
        with office.engine.connect() as connection:
            (frozen,) = read_alert(connection, ADMIN, alert.id).evidence
        assert frozen.evidence["detail"]["features"] == ["T-0", "T-1", "T-2"]
        office.school("T-1", 106.2, data_on=START.date())
        office.judge(scenario)
        assert office.standings("S45", "T99") == [("T-0", Standing.CLEAR)]
        with office.engine.connect() as connection:
            replayed = replay_alert(connection, ADMIN, alert.id)
        assert [(one.again, one.is_same) for one in replayed] == [("3", True), (None, True)]


class TestRelations:
    def test_a_school_in_a_flood_area_by_revisions_of_both_layers(self, office: Office, tmp_path: Path) -> None:
        scenario = made(tmp_path, "spatial", "item", "{layer: schools, other: flood-areas, relation: within}")
        office.school("T-1", 105.95)
        office.school("T-2", 106.15)
        office.flood("F-1", 105.94, 105.96)
        office.judge(scenario)
        (alert,) = office.alerts("S45", "T99")
        assert (alert.place_kind, alert.place_key, alert.value) == (PlaceKind.FEATURE, "T-1", 1.0)
        assert (alert.unit_code, alert.lon, alert.lat) == (HERE, 105.95, 9.95)
        office.flood("F-1", 106.14, 106.16)
        office.judge(scenario)
        assert office.standings("S45", "T99") == [("T-1", Standing.CLEAR), ("T-2", Standing.HOLDS)]
        with office.engine.connect() as connection:
            assert all(one.is_same for one in replay_alert(connection, ADMIN, alert.id))

    def test_schools_counted_around_nodes_and_in_zones(self, office: Office, tmp_path: Path) -> None:
        for number in range(3):
            office.school(f"T-{number}", 105.95 + number * 0.001, facilities_met=False)
        office.flood("F-1", 105.9495, 105.9515)
        around = "{layer: schools, field: facilities_met, values: [false], places: schools, metres: 150}"
        office.judge(made(tmp_path, "category", "node", around, operator=">", number=2))
        assert [(a.place_kind, a.place_key, a.value) for a in office.alerts("S45", "T99")] == [
            (PlaceKind.NODE, "T-1", 3.0)
        ]
        office.clear()
        inside = "{layer: schools, field: facilities_met, values: [false], places: flood-areas}"
        office.judge(made(tmp_path, "category", "zone", inside))
        (alert,) = office.alerts("S45", "T99")
        assert (alert.place_kind, alert.place_layer, alert.place_key) == (PlaceKind.FEATURE, "flood-areas", "F-1")
        assert alert.value == 2.0


class TestSpeech:
    def test_quiet_hours_duration_and_rate_hold_for_features_too(self, office: Office, tmp_path: Path) -> None:
        test = "{layer: schools, field: facilities_met, values: [false]}"
        speech = '{min_duration_h: 1, rate_limit_h: 24, quiet: {start: "10:00", end: "12:00"}}'
        scenario = made(tmp_path, "category", "item", test, speech=speech)
        office.school("T-1", 105.95, facilities_met=False)
        # 9h01 in Vietnam; an hour later it is quiet until noon.
        told = []
        for hours in (0, 1, 1, 1):
            office.judge(scenario, hours * HOUR)
            told.append(len(office.alerts("S45", "T99")))
        assert told == [0, 0, 0, 1]
        for met, hours in ((True, 1), (False, 1), (False, 3), (False, 24)):
            office.school("T-1", 105.95, facilities_met=met)
            office.judge(scenario, hours * HOUR)
            told.append(len(office.alerts("S45", "T99")))
        # Within a day of the first telling nothing is told anew.
        assert told[4:] == [1, 1, 1, 2]


def made(folder: Path, shape: str, scope: str, test: str, *, speech: str = "", **threshold: object) -> Scenario:
    """A scenario of one rule, read from YAML as an operator's would be."""
    words = "".join(f"\n      {name}: {value!r}" for name, value in threshold.items())
    rule = f"""
rules:
  - register: T99
    shape: {shape}
    scope: {scope}
    threshold:
      stated: "Thử"
      status: stated{words}
    test: {test}
    {"speech: " + speech if speech else ""}
"""
    head = (Path(loader.__file__).parent / "builtin" / "s11.yaml").read_text(encoding="utf-8").split("rules:")[0]
    path = folder / "s45.yaml"
    path.write_text(head.replace("code: S11", "code: S45") + rule, encoding="utf-8")
    return load_scenario(path)
