"""Values of indicators at places, by time, with their corrections; targets."""

from pathlib import Path

from alembic import op

revision = "0018"
down_revision = "0017"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
