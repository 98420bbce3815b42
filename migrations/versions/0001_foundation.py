"""PostGIS, logins, schemas, the catalogue of layers, revisions and admin-unit successions."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

from spatial.crs import private_srid_rows

revision = "0001"
down_revision = None

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
    insert = text(
        "INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)"
        " VALUES (:srid, :auth_name, :auth_srid, :srtext, :proj4text)"
        " ON CONFLICT (srid) DO UPDATE SET auth_name = excluded.auth_name, auth_srid = excluded.auth_srid,"
        " srtext = excluded.srtext, proj4text = excluded.proj4text"
    )
    names = ("srid", "auth_name", "auth_srid", "srtext", "proj4text")
    for row in private_srid_rows():
        connection.execute(insert, dict(zip(names, row, strict=True)))
