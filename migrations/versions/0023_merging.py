"""Alerts of one thing are merged into one of them."""

from pathlib import Path

from alembic import op

revision = "0023"
down_revision = "0022"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
