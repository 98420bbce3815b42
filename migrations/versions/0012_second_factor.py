"""The second factor: time-based codes, and codes to recover by."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
