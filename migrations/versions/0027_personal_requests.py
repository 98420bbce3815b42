"""Requests of persons with their clocks, and how long personal values are kept."""

from pathlib import Path

from alembic import op

revision = "0027"
down_revision = "0026"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
