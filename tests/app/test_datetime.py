"""``datetime`` of the items resource against plain SQL on the date that stands in the table."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
SLUG, COLUMN = "schools", "data_on"


@pytest.fixture(scope="module")
def day(db: psycopg.Connection) -> str:
    """A date with features before it, on it and after it."""
    row = db.execute(
        f"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY {COLUMN})::text FROM features.{SLUG}"
    ).fetchone()
    assert row is not None
    assert row[0]
    return str(row[0])


CASES = (
    ("{d}", "= %(d)s"),
    ("{d}T00:00:00Z", "= %(d)s"),
    ("{d}/{d}", "= %(d)s"),
    ("../{d}", "<= %(d)s"),
    ("/{d}", "<= %(d)s"),
    ("{d}/..", ">= %(d)s"),
    ("{d}/", ">= %(d)s"),
    ("{d}T00:00:00Z/..", ">= %(d)s"),
    # Midnight in Vietnam is still the day before in UTC, and that whole day meets the interval.
    ("{d}T00:00:00+07:00/{d}", "BETWEEN %(d)s::date - 1 AND %(d)s"),
    ("{d}T00:00:00Z/9999-12-31", ">= %(d)s"),
    ("1900-01-01/{d}T23:59:59Z", "<= %(d)s"),
)


@pytest.mark.parametrize(("text", "condition"), CASES)
def test_finds_what_sql_finds(service: Service, db: psycopg.Connection, day: str, text: str, condition: str) -> None:
    statement = f"SELECT fid FROM features.{SLUG} WHERE {COLUMN} {condition} ORDER BY fid"
    expected = [row[0] for row in db.execute(statement, {"d": day}).fetchall()]
    assert expected
    asked = {"datetime": text.format(d=day), "limit": 10000}
    found = service.client.get(f"/ogc/collections/{SLUG}/items", params=asked).json()
    assert [feature["id"] for feature in found["features"]] == expected
    assert found["numberMatched"] == len(expected)


@pytest.mark.parametrize(
    "text", ["..", "../..", "/", "2026", "2026-02-30", "2026-01-01T00:00:00", "2026-01-01/2025-01-01", "a/b/c", "now"]
)
def test_what_is_no_time_is_400(service: Service, text: str) -> None:
    response = service.client.get(f"/ogc/collections/{SLUG}/items", params={"datetime": text})
    assert response.status_code == 400
    assert response.json()["parameter"] == "datetime"
