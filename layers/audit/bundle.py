"""What an inspector takes away: events, checkpoints, public key, and a page that says how to verify them."""

from __future__ import annotations

import base64
import json
import os
import zipfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from layers.audit.chain import ChainedEvent
from layers.audit.checkpoints import CheckpointFile
from layers.audit.keeper import key_in_force
from layers.audit.keys import key_id
from layers.audit.log import read_hash, read_head, stream_events
from layers.errors import LayerError

BUNDLE_FORM: Final = "diaban-audit-bundle/1"
_README: Final = """\
Nhật ký Địa Bàn · audit trail of Dia Ban

events.jsonl      mỗi dòng một sự kiện, theo số thứ tự · one event a line, by number
checkpoints.log   các điểm kiểm đã ký · the signed checkpoints
manifest.json     nhật ký, phạm vi, khóa công khai · log, range, public key

Kiểm chứng trên máy của mình · verify on your own machine (Python 3.8+, nothing to install):

    python3 verify_audit.py BUNDLE.zip --key KEY

KEY là dấu khóa mà bạn đã ghi lại từ trước, không phải lấy từ gói này; verify_audit.py lấy từ mã nguồn phát hành.
KEY is the fingerprint that you wrote down earlier, not one taken from this bundle; take verify_audit.py from the
published source. docs/audit.md describes every byte, for whoever would rather write a verifier.
"""


class EventMissing(LayerError):
    """The log has a gap: nothing is exported that looks whole and is not."""

    def __init__(self, seq: int) -> None:
        super().__init__(
            f"Nhật ký thiếu sự kiện ở số {seq}; chạy diaban audit verify để biết toàn bộ.",
            f"The log lacks the event of number {seq}; run diaban audit verify for the whole picture.",
        )


def write_bundle(connection: Connection, file: CheckpointFile, path: Path, *, first: int = 1) -> int:
    """Writes a bundle with the events from number ``first`` on; returns how many.

    Args:
        connection: Owner or writer, in a REPEATABLE READ transaction.
        file: The checkpoints.
        path: The .zip to write; it appears whole or not at all.
        first: First number; a bundle of a part begins with the hash before it.

    Raises:
        EventMissing: An event of the range is gone.
    """
    draft = path.with_name(path.name + ".part")
    head = read_head(connection)
    count = 0
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("events.jsonl", "w", force_zip64=True) as events:
            for seq, event in stream_events(connection, first=first):
                if event is None:
                    raise EventMissing(seq)
                events.write(event_line(event).encode() + b"\n")
                count += 1
        with file.alone() as lines:
            archive.writestr("checkpoints.log", "".join(f"{line.text}\n" for line in lines))
        before = read_hash(connection, head.log_id, first - 1)
        public = key_in_force(lines)
        manifest = {
            "form": BUNDLE_FORM,
            "log_id": head.log_id,
            "first": first,
            "last": head.seq,
            "hash_before": before.hex() if before else None,
            "public_key": base64.b64encode(public).decode() if public else None,
            "key_id": key_id(public) if public else None,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        archive.writestr("manifest.json", json.dumps(manifest, indent=2) + "\n")
        archive.writestr("README.txt", _README)
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(path)
    return count


def event_line(event: ChainedEvent) -> str:
    """An event as a line of JSON; ``detail`` stays the text that is hashed."""
    return json.dumps({**asdict(event), "hash": event.hash.hex()}, ensure_ascii=False)
