"""Whether notifications go out: what ``doctor`` says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Engine, text

from app.finding import Finding
from app.sending.senders import kinds_set_up
from app.settings import Settings

_STANDING: Final = text(
    "SELECT coalesce(array_agg(DISTINCT kind), '{}') AS kinds, count(*) AS channel_count,"
    " (SELECT count(*) FROM notifying.deliveries WHERE state = 'due' AND attempts > 2) AS late_count,"
    " (SELECT count(*) FROM notifying.deliveries WHERE state = 'failed' AND ended_at > now() - interval '1 day')"
    " AS failed_count FROM notifying.channels WHERE removed_at IS NULL"
)
_IS_THERE: Final = text("SELECT to_regclass('notifying.channels') IS NOT NULL")
_REMEDY: Final = "Xem diaban channels log · see diaban channels log"


def examine_channels(engine: Engine, settings: Settings) -> Iterator[Finding]:
    """Looks at kinds of channels that are used and not set up, and at messages that do not arrive.

    Nothing is said of a database whose schema is older than notifications.
    """
    with engine.connect() as connection:
        if not connection.execute(_IS_THERE).scalar_one():
            return
        row = connection.execute(_STANDING).one()
    missing = sorted(set(row.kinds) - kinds_set_up(settings))
    found = f"{row.channel_count} kênh · channels"
    if missing:
        remedy = f"Chưa cấu hình {', '.join(missing)}: docs/notifications.md · not set up"
        yield Finding("Thông báo · notifications", False, found, remedy)
        return
    ill = row.late_count + row.failed_count
    said = f"{found}, {ill} tin chưa tới · messages not arrived" if ill else found
    yield Finding("Thông báo · notifications", ill == 0, said, _REMEDY)
