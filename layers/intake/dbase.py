"""The headers of .dbf and .shx read by ourselves: what they promise, and whether the file keeps it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SHP_HEADER: Final = 100
_CODE_PAGES: Final = {
    0x01: "437", 0x02: "850", 0x03: "1252", 0x57: "ANSI", 0x58: "1252", 0x59: "1252", 0x7B: "932", 0xC8: "1250",
    0xC9: "1251", 0x4D: "936", 0x4E: "949", 0x4F: "950", 0x50: "874",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DbaseFacts:
    """What a .dbf says of itself.

    Attributes:
        records: Rows that the header promises.
        kept: Rows for which the file has the bytes.
        code_page: Declared code page, if any.
    """

    records: int
    kept: int
    fields: int
    code_page: str | None


def read_dbase(path: Path) -> DbaseFacts | None:
    """Reads the header of a .dbf; None where it is none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(32)
    if len(head) < 32:
        return None
    records, header, width = struct.unpack_from("<IHH", head, 4)
    if header < 33 or width < 1:
        return None
    kept = max(0, size - header) // width
    return DbaseFacts(records, min(kept, records), (header - 33) // 32, _CODE_PAGES.get(head[29]))


def index_is_sound(shp: Path, shx: Path) -> bool:
    """Tells whether every record that the .shx names lies inside the .shp, one behind the other."""
    size = shp.stat().st_size
    with shx.open("rb") as file:
        head = file.read(_SHP_HEADER)
        body = file.read()
    if len(head) < _SHP_HEADER or not body or len(body) % 8:
        return False
    offsets = struct.unpack(f">{len(body) // 4}i", body)
    end = _SHP_HEADER
    for offset, length in zip(offsets[::2], offsets[1::2], strict=True):
        start = offset * 2
        if length < 2 or start < end:
            return False
        end = start + 8 + length * 2
    return end <= size
