"""Bringing a database to the newest schema again."""

from __future__ import annotations

from sqlalchemy import text

from app.database import Database
from app.doctor import examine_database
from migrations.run import migrate


class TestSecondTime:
    def test_mends_what_a_restore_loses(self, database: Database) -> None:
        engine = database.superuser_engine()
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER FUNCTION geometry_overlaps(geometry, geometry) NOT LEAKPROOF")
            connection.execute(text("DELETE FROM spatial_ref_sys WHERE srid IN (903405, 909218)"))
        ill = {finding.name for finding in examine_database(engine) if not finding.is_well}
        assert ill == {"LEAKPROOF", "VN-2000"}
        migrate(engine, database.passwords)
        assert [finding.name for finding in examine_database(engine) if not finding.is_well] == []
