"""Bringing a database to the newest schema again."""

from __future__ import annotations

from dataclasses import replace

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

    def test_needs_no_key_of_personal_data(self, database: Database) -> None:
        # So is a restored copy looked at, on a machine that may not have the key.
        engine = replace(database, personal_key=None).superuser_engine()
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM personal.master"))
        assert migrate(engine, database.passwords)
        engine.dispose()
        engine = database.superuser_engine()
        migrate(engine, database.passwords)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM personal.master")).scalar_one() == 1
        engine.dispose()
