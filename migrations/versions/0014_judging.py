"""Rules: what each says of each place, when scenarios were evaluated, and what waits for it."""

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"

_SQL = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL.read_text(encoding="utf-8").replace("%", "%%"))
