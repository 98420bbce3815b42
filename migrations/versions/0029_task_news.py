"""Tasks that are given can be told outside of the service."""

from pathlib import Path

from alembic import op

revision = "0029"
down_revision = "0028"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
