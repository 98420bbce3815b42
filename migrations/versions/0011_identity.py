"""Accounts, passwords, sessions and tokens, read by a login of their own."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
