"""Scenarios that a province changes or adds: revisions with who proposed and who approved."""

from pathlib import Path

from alembic import op

revision = "0024"
down_revision = "0023"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
