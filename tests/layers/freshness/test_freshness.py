"""Freshness, league and reminders on a real database, with a clock of the test's own."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.database import Database
from layers.access import Grant, Scope
from layers.definition import Definition, Frequency, Label
from layers.freshness.league import Standing, read_league
from layers.freshness.reading import Part, Promise, count_by_unit, list_parts
from layers.freshness.reminding import remind
from layers.freshness.state import Freshness
from layers.freshness.tables import league_csv, parts_csv
from layers.notices import Notice, list_notices
from layers.rights import Action, Right
from tests.layers.conftest import MakeLayer
from tests.layers.freshness.test_periods import moment
from tests.layers.store_world import FIELDS
from tests.layers.uploads.office import NEIGHBOUR, UNIT, Office, fields_rows

pytestmark = pytest.mark.db
AT = moment("2026-12-10T08:00")


@pytest.fixture
def superuser(store: Database) -> Iterator[Engine]:
    engine = store.superuser_engine()
    yield engine
    engine.dispose()


def renew(engine: Engine, layer: Definition, unit: str, at: str, revision: int = 1) -> None:
    """As if a revision had changed the unit's part at a moment."""
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO catalogue.unit_changes VALUES (:slug, :unit, :revision, 1, :at)"),
            {"slug": layer.slug, "unit": unit, "revision": revision, "at": moment(at)},
        )


def confirm(engine: Engine, layer: Definition, unit: str, at: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO uploads.confirmations (layer, unit_code, at, subject) VALUES (:slug, :unit, :at, 'x')"),
            {"slug": layer.slug, "unit": unit, "at": moment(at)},
        )


def sent(engine: Engine, layer: Definition, unit: str, at: str, **report: object) -> None:
    """An upload of a unit: rows read and refused, criteria by name, state."""
    criteria = [{"name": name, "value": value} for name, value in dict(report.get("criteria", {})).items()]  # type: ignore[call-overload]
    document = {
        "totals": {"read": report.get("rows", 0), "refused": report.get("wrong", 0)},
        "score": {"criteria": criteria},
    }
    with engine.begin() as connection:
        upload = uuid4()
        connection.execute(
            text(
                "INSERT INTO uploads.uploads (id, kind, layer, unit_code, mode, state, sender, scope, report,"
                " created_at) VALUES (:id, 'file', :layer, :unit, 'replace', :state, 'x', '{}',"
                " CAST(:report AS jsonb), :at)"
            ),
            {
                "id": upload, "layer": layer.slug, "unit": unit, "state": report.get("state", "checked"),
                "report": json.dumps(document), "at": moment(at),
            },
        )  # fmt: skip
        if report.get("sent_back"):
            connection.execute(
                text(
                    "INSERT INTO uploads.steps (upload_id, number, actor, to_state) VALUES (:id, 1, 'y', 'sent-back')"
                ),
                {"id": upload},
            )


def parts(engine: Engine, *layers: Definition, at: datetime = AT, unit: str | None = None) -> list[Part]:
    promises = [Promise(layer.slug, layer.frequency) for layer in layers]
    with engine.connect() as connection:
        return list_parts(connection, promises, at, unit_code=unit)


def league(engine: Engine, month: date, *layers: Definition, at: datetime = AT) -> dict[str, Standing]:
    promises = [Promise(layer.slug, layer.frequency) for layer in layers]
    names = {UNIT: "Xã một", NEIGHBOUR: "=Xã hai", "99903": "Xã ba"}
    with engine.connect() as connection:
        return {one.unit_code: one for one in read_league(connection, promises, month, at, names)}


class TestParts:
    def test_last_renewal_or_confirmation_counts(self, superuser: Engine, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.MONTHLY)
        renew(superuser, layer, UNIT, "2026-10-05T00:00")
        renew(superuser, layer, NEIGHBOUR, "2026-10-05T00:00")
        confirm(superuser, layer, NEIGHBOUR, "2026-12-02T09:00")
        found = {part.unit_code: part for part in parts(superuser, layer)}
        assert found[UNIT].freshness is Freshness.OVERDUE
        assert found[NEIGHBOUR].freshness is Freshness.FRESH
        assert found[NEIGHBOUR].renewed_at == moment("2026-12-02T09:00")

    def test_looked_at_earlier_it_was_as_it_was_then(self, superuser: Engine, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.MONTHLY)
        renew(superuser, layer, UNIT, "2026-10-05T00:00")
        renew(superuser, layer, UNIT, "2026-12-05T00:00", revision=2)
        days = ("2026-10-04", "2026-10-20", "2026-11-20", "2026-12-04", "2026-12-06")
        states = [parts(superuser, layer, at=moment(f"{day}T00:00")) for day in days]
        found = [[part.freshness.value for part in one] for one in states]
        assert found == [[], ["fresh"], ["due"], ["overdue"], ["fresh"]]

    def test_what_lies_in_no_commune_is_nobodys(self, superuser: Engine, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.MONTHLY)
        renew(superuser, layer, "00000", "2026-10-05T00:00")
        assert parts(superuser, layer) == []

    def test_units_of_others_are_not_told(self, superuser: Engine, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.MONTHLY)
        renew(superuser, layer, UNIT, "2026-10-05T00:00")
        renew(superuser, layer, NEIGHBOUR, "2026-10-05T00:00")
        with superuser.connect() as connection:
            found = list_parts(connection, [Promise(layer.slug, layer.frequency, frozenset({UNIT}))], AT)
        assert [part.unit_code for part in found] == [UNIT]

    def test_are_counted_by_commune(self, superuser: Engine, make_layer: MakeLayer) -> None:
        monthly, yearly, loose = (
            make_layer(FIELDS, frequency=one) for one in (Frequency.MONTHLY, Frequency.YEARLY, Frequency.REGULAR)
        )
        renew(superuser, monthly, UNIT, "2026-10-05T00:00")
        renew(superuser, yearly, UNIT, "2025-10-05T00:00")
        renew(superuser, loose, UNIT, "2020-10-05T00:00")
        (one,) = count_by_unit(parts(superuser, monthly, yearly, loose, unit=UNIT), {UNIT: "Xã một"})
        assert (one.fresh, one.due, one.overdue, one.unpromised, one.on_time_percent) == (0, 1, 1, 1, 50.0)

    def test_published_through_the_desk_is_fresh_now(
        self, office: Office, make_layer: MakeLayer, store_writer: Engine
    ) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.MONTHLY)
        published = office.published(layer, fields_rows(3))
        assert published.published_at is not None
        found = {part.unit_code: part for part in parts(store_writer, layer, at=published.published_at)}
        assert found[UNIT].freshness is Freshness.FRESH


class TestLeague:
    def test_late_and_wrong_data_lower_the_rank(self, superuser: Engine, make_layer: MakeLayer) -> None:
        weekly = make_layer(FIELDS, frequency=Frequency.WEEKLY)
        monthly = make_layer(FIELDS, frequency=Frequency.MONTHLY)
        # November 2026: five weeks ended (2, 9, 16, 23, 30 November), and the month itself.
        renew(superuser, weekly, UNIT, "2026-09-01T00:00")
        for revision, at in enumerate(("2026-10-27T00:00", "2026-11-03T00:00", "2026-11-10T00:00"), 2):
            renew(superuser, weekly, UNIT, at, revision)
        renew(superuser, monthly, UNIT, "2026-09-01T00:00")
        renew(superuser, monthly, UNIT, "2026-11-29T00:00", 2)
        # The neighbour's first renewal lies inside November: only the weeks after its own are owed, 16, 23, 30.
        renew(superuser, weekly, NEIGHBOUR, "2026-11-04T00:00")
        confirm(superuser, weekly, NEIGHBOUR, "2026-11-09T00:00")
        sent(superuser, weekly, UNIT, "2026-11-03T00:00", rows=100, wrong=10, criteria={"right": 90, "clean": 70})
        sent(
            superuser, weekly, UNIT, "2026-11-10T00:00", rows=50, criteria={"right": 100, "clean": None}, sent_back=True
        )
        sent(superuser, weekly, UNIT, "2026-12-01T00:00", rows=7)
        sent(superuser, weekly, NEIGHBOUR, "2026-11-30T23:00", state="refused")
        found = league(superuser, date(2026, 11, 1), weekly, monthly)
        one, two, three = found[UNIT], found[NEIGHBOUR], found["99903"]
        # Six owed, the weeks ending on 23 and 30 missed: 4 of 6; right 95, clean 70, so quality 82.5.
        assert (one.owed, one.late, one.timeliness) == (6, 2, 66.7)
        assert (one.criteria, one.quality) == ({"right": 95.0, "clean": 70.0}, 82.5)
        assert one.points == pytest.approx((66.7 + 82.5) / 2, abs=0.05)
        assert (one.uploads, one.refused, one.sent_back, one.rows, one.wrong_rows) == (2, 0, 1, 150, 10)
        # The week ending on the 16th was confirmed; 23 and 30 were missed: 1 of 3, and nothing known of quality.
        assert (two.owed, two.late, two.timeliness, two.quality, two.points) == (3, 2, 33.3, None, 33.3)
        assert (two.uploads, two.refused) == (1, 1)
        assert (one.rank, two.rank, three.rank, three.points) == (1, 2, None, None)
        assert list(found) == [UNIT, NEIGHBOUR, "99903"]

    def test_month_that_has_not_ended_owes_what_has(self, superuser: Engine, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.MONTHLY)
        renew(superuser, layer, UNIT, "2026-09-01T00:00")
        for at, owed in (("2026-11-30T23:59", 0), ("2026-12-01T00:00", 1)):
            assert league(superuser, date(2026, 11, 1), layer, at=moment(at))[UNIT].owed == owed

    def test_equal_points_share_a_rank(self, superuser: Engine, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.MONTHLY)
        for unit in (UNIT, NEIGHBOUR):
            renew(superuser, layer, unit, "2026-09-01T00:00")
        renew(superuser, layer, "99903", "2026-09-01T00:00")
        renew(superuser, layer, "99903", "2026-11-01T00:00", 2)
        found = league(superuser, date(2026, 11, 1), layer)
        assert {code: one.rank for code, one in found.items()} == {"99903": 1, UNIT: 2, NEIGHBOUR: 2}

    def test_as_csv_runs_no_formula(self, superuser: Engine, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.MONTHLY)
        renew(superuser, layer, NEIGHBOUR, "2026-09-01T00:00")
        found = league(superuser, date(2026, 11, 1), layer)
        rows = list(csv.DictReader(io.StringIO(league_csv(list(found.values())).decode("utf-8-sig"))))
        assert rows[0]["Xã"] == "'=Xã hai"
        assert (rows[0]["Hạng"], rows[0]["Số kỳ trễ"], rows[1]["Hạng"]) == ("1", "1", "")
        listed = parts(superuser, layer)
        table = parts_csv(listed, {layer.slug: Label("Lớp", "Layer")}, {NEIGHBOUR: "=Xã hai"}).decode("utf-8-sig")
        assert "Quá hạn" in table
        assert ",'=Xã hai," in table


class TestReminders:
    def _notices(self, engine: Engine, layer: Definition, unit: str) -> list[Notice]:
        right = Right(frozenset({Action.EDIT}), layers=frozenset({layer.slug}))
        scope = Scope(f"clerk-{unit}", (Grant(right, frozenset({unit})),))
        with engine.connect() as connection:
            return list_notices(connection, scope, limit=500)

    def _remind(self, engine: Engine, at: str) -> int:
        with engine.begin() as connection:
            return remind(connection, moment(at))

    def test_come_once_per_period_to_those_who_may_edit(
        self, superuser: Engine, store_writer: Engine, make_layer: MakeLayer
    ) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.MONTHLY)
        renew(superuser, layer, UNIT, "2031-10-05T00:00")
        story = [
            ("2031-10-20T00:00", 0),  # fresh
            ("2031-11-10T00:00", 0),  # due, but not in the last quarter of November
            ("2031-11-23T11:59", 0),  # a quarter of 30 days is seven and a half: from noon of the 23rd
            ("2031-11-23T12:00", 1),
            ("2031-11-29T00:00", 1),
            ("2031-12-01T00:00", 2),  # overdue
            ("2031-12-15T00:00", 2),
            ("2032-01-01T00:00", 3),  # still overdue, in another period
        ]
        for at, count in story:
            self._remind(store_writer, at)
            assert len(self._notices(superuser, layer, UNIT)) == count, at
        kinds = [notice.message.kind for notice in self._notices(superuser, layer, UNIT)]
        assert kinds == ["data_overdue", "data_overdue", "data_due"]
        assert self._notices(superuser, layer, NEIGHBOUR) == []

    def test_name_the_layer_the_unit_and_the_last_day(
        self, superuser: Engine, store_writer: Engine, make_layer: MakeLayer
    ) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.QUARTERLY)
        renew(superuser, layer, UNIT, "2033-02-05T00:00")
        self._remind(store_writer, "2033-06-29T00:00")
        (notice,) = self._notices(superuser, layer, UNIT)
        assert "“Lớp thử” của đơn vị 99901 cần cập nhật trước hết ngày 30/06/2033" in notice.message.vi
        assert notice.message.link == "/desk/freshness?unit=99901"

    def test_leave_one_event_in_the_trail(self, superuser: Engine, store_writer: Engine, make_layer: MakeLayer) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.YEARLY)
        renew(superuser, layer, UNIT, "2034-02-05T00:00")
        count = self._remind(store_writer, "2036-01-02T00:00")
        assert self._remind(store_writer, "2036-01-02T00:00") == 0
        with superuser.connect() as connection:
            detail = connection.execute(
                text("SELECT detail FROM audit.events WHERE action = 'reminders_given' ORDER BY id DESC LIMIT 1")
            ).scalar_one()
        assert detail == {"count": count}

    def test_stop_once_the_part_is_renewed(
        self, superuser: Engine, store_writer: Engine, make_layer: MakeLayer
    ) -> None:
        layer = make_layer(FIELDS, frequency=Frequency.DAILY)
        renew(superuser, layer, UNIT, "2037-02-05T00:00")
        self._remind(store_writer, "2037-02-06T20:00")
        renew(superuser, layer, UNIT, "2037-02-06T21:00", 2)
        self._remind(store_writer, "2037-02-06T22:00")
        assert [notice.message.kind for notice in self._notices(superuser, layer, UNIT)] == ["data_due"]
