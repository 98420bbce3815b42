"""Jobs: what was asked for, the outbox, and Procrastinate's queue, all in the schema ``jobs``."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

_FOLDER = Path(__file__).parent


def upgrade() -> None:
    connection = op.get_bind()
    # Procrastinate names its tables without a schema and finds them by the path, here and at run time.
    connection.exec_driver_sql("SET LOCAL ROLE diaban_owner")
    connection.exec_driver_sql("SET LOCAL search_path = jobs, public")
    for name in ("0002_procrastinate.sql", "0002_jobs.sql"):
        connection.exec_driver_sql((_FOLDER / name).read_text(encoding="utf-8").replace("%", "%%"))
    connection.exec_driver_sql("RESET ROLE")
    connection.exec_driver_sql("SET LOCAL search_path = DEFAULT")
