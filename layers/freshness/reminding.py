"""Reminds those who renew a unit's part of a layer: before its period ends, and once more when it was missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from layers.audit import Event, record_event
from layers.definition import Frequency, Label
from layers.freshness.periods import PROMISED, local_day, period_at
from layers.freshness.reading import Part, Promise, list_parts
from layers.freshness.state import Freshness
from layers.notices import Audience, Message, add_notice
from layers.rights import Action

ACTOR: Final = "reminders"
EVERY_S: Final = 600.0
# What is due is told in the last quarter of its period: earlier nobody listens.
_LAST_SHARE: Final = 4
_LAYERS: Final = text("""
SELECT slug, definition ->> 'frequency' AS frequency, definition -> 'title' ->> 'vi' AS vi,
    definition -> 'title' ->> 'en' AS en
FROM catalogue.layers WHERE definition ->> 'frequency' = ANY (CAST(:promised AS text[])) ORDER BY slug
""")
_REMEMBER: Final = text("""
INSERT INTO uploads.reminders (layer, subject_id, period_start, state, reminded_at)
SELECT r.layer, r.unit_code, r.period_start, r.state, :at
FROM unnest(CAST(:layers AS text[]), CAST(:units AS text[]), CAST(:starts AS timestamptz[]), CAST(:states AS text[]))
    AS r (layer, unit_code, period_start, state)
ON CONFLICT DO NOTHING RETURNING layer, subject_id, state
""")


@dataclass(frozen=True, slots=True)
class _Layer:
    frequency: Frequency
    title: Label


def remind(connection: Connection, at: datetime) -> int:
    """Gives every reminder that is called for and was not given in its period yet; returns how many.

    A reminder is a notice to everybody who may edit the unit's part of the layer. Notices, what is remembered, and
    the audit event are one transaction, the caller's.

    Args:
        connection: Writer or owner.
        at: The moment, aware.
    """
    layers = {
        row.slug: _Layer(Frequency(row.frequency), Label(row.vi, row.en))
        for row in connection.execute(_LAYERS, {"promised": sorted(PROMISED)})
    }
    promises = [Promise(slug, layer.frequency) for slug, layer in layers.items()]
    called = [part for part in list_parts(connection, promises, at) if _is_called(part, layers[part.layer], at)]
    given = _remember(connection, called, layers, at)
    for part in given:
        audience = Audience(Action.EDIT, part.layer, part.unit_code)
        add_notice(connection, audience, _message(part, layers[part.layer].title))
    if given:
        touched = sorted({part.layer for part in given})
        event = Event(ACTOR, "reminders_given", "layer", ",".join(touched)[:200], detail={"count": len(given)})
        record_event(connection, event)
    return len(given)


def _is_called(part: Part, layer: _Layer, at: datetime) -> bool:
    if part.freshness is Freshness.OVERDUE:
        return True
    span = period_at(layer.frequency, at)
    return (
        part.freshness is Freshness.DUE and span is not None and span.end - at <= (span.end - span.start) / _LAST_SHARE
    )


def _remember(connection: Connection, called: Sequence[Part], layers: dict[str, _Layer], at: datetime) -> list[Part]:
    starts = [_start(layers[part.layer], at) for part in called]
    values = {
        "layers": [part.layer for part in called],
        "units": [part.unit_code for part in called],
        "starts": starts,
        "states": [part.freshness.value for part in called],
        "at": at,
    }
    new = {tuple(row) for row in connection.execute(_REMEMBER, values)}
    return [part for part in called if (part.layer, part.unit_code, part.freshness.value) in new]


def _start(layer: _Layer, at: datetime) -> datetime:
    span = period_at(layer.frequency, at)
    assert span is not None  # noqa: S101 - only promised layers are read
    return span.start


def _message(part: Part, title: Label) -> Message:
    assert part.due_at is not None  # noqa: S101 - due and overdue parts have an end
    # The end is the midnight after the last day.
    day = f"{local_day(part.due_at) - timedelta(days=1):%d/%m/%Y}"
    link = f"/desk/freshness?unit={part.unit_code}"
    if part.freshness is Freshness.OVERDUE:
        return Message(
            "data_overdue",
            f"Quá hạn: lớp “{title.vi}” của đơn vị {part.unit_code} phải cập nhật trước hết ngày {day}."
            " Hãy nộp dữ liệu, hoặc nộp lại tệp cũ để xác nhận không thay đổi.",
            f'Overdue: the layer "{title.en}" of unit {part.unit_code} was to be renewed by {day}.'
            " Send data, or the old file again to confirm that nothing has changed.",
            link,
        )
    return Message(
        "data_due",
        f"Đến kỳ: lớp “{title.vi}” của đơn vị {part.unit_code} cần cập nhật trước hết ngày {day}.",
        f'Due: the layer "{title.en}" of unit {part.unit_code} is to be renewed by {day}.',
        link,
    )
