"""Judging: what rules say of each place and have to remember, when scenarios were evaluated, what has changed since."""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
