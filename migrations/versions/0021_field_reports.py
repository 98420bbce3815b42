"""Reports from the field: what people send, its way to an answer, who sent it (sealed), photos."""

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0020"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
