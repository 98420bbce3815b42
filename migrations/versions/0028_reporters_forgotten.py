"""Who sent a report is forgotten some time after it was closed."""

from pathlib import Path

from alembic import op

revision = "0028"
down_revision = "0027"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
