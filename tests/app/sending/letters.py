"""A message to send."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from scenarios.notifying.letter import Item, Letter

TEXT = "Báo động: S37 Chất lượng không khí. Phường Hạc Thành (14758). Giá trị 163,5, ngưỡng 150."


def letter() -> Letter:
    """A message of one alert."""
    item = Item("alert_opened", TEXT, "https://bando.example.vn/board?s=S37&a=1", {"alert": 1, "level": "alarm"})
    return Letter(uuid4(), uuid4(), f"[Địa Bàn] {TEXT}", (item,), f"{TEXT}\n{item.link}", datetime.now(UTC))
