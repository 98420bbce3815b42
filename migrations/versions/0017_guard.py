"""The guard of writes works for layers of points and tables, too, for a writer of some communes."""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
