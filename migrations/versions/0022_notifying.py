"""Notifications that leave the service: channels, what happened, and messages on their way."""

from pathlib import Path

from alembic import op

revision = "0022"
down_revision = "0021"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
