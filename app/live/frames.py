"""Server-sent events as bytes (HTML Standard, 9.2.6)."""

from __future__ import annotations

import orjson

from layers.live import LiveEvent


def event_frame(event: LiveEvent, place: str | None) -> bytes:
    """One event; ``place`` is how far the reader has been told with it, None where more of the same moment follows."""
    document = {
        "kind": event.kind,
        "id": event.object_id,
        "unit_code": event.unit_code,
        "at": event.at,
        "detail": event.detail,
    }
    told = b"" if place is None else b"id: " + place.encode() + b"\n"
    return b"event: " + event.kind.encode() + b"\n" + told + b"data: " + orjson.dumps(document) + b"\n\n"


def ready_frame(place: str) -> bytes:
    """The first of a connection: from here on the reader is told."""
    return b"event: ready\nid: " + place.encode() + b'\ndata: {"kind":"ready"}\n\n'


def reload_frame(place: str) -> bytes:
    """What was missed cannot be told one by one: the reader reads everything anew."""
    return b"event: reload\nid: " + place.encode() + b'\ndata: {"kind":"reload"}\n\n'


def beat_frame(place: str) -> bytes:
    """Keeps the connection alive and the reader's place fresh, without being an event."""
    return b": nhip\nid: " + place.encode() + b"\n\n"
