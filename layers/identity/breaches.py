"""A list of leaked passwords in a local file: words, or sorted SHA-1 digests as Have I Been Pwned hands them out."""

from __future__ import annotations

import hashlib
import mmap
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from layers.errors import LayerError

_DIGEST: Final = re.compile(rb"[0-9A-Fa-f]{40}(:\d+)?\s*")
# A list of words is held in memory; longer ones come as digests, which are looked up in the file.
MOST_WORD_BYTES: Final = 64 * 2**20


class UnreadableBreachList(LayerError):
    """The file of leaked passwords cannot be used."""

    def __init__(self, path: Path, vi: str, en: str) -> None:
        super().__init__(f"Danh sách mật khẩu lộ “{path.name}”: {vi}", f'Breach list "{path.name}": {en}')


@dataclass(frozen=True, slots=True)
class WordList:
    """Leaked passwords as words, without regard to case."""

    words: frozenset[str] = field(repr=False)

    def holds(self, password: str) -> bool:
        """Whether the password is among them."""
        return password.casefold() in self.words


@dataclass(frozen=True, slots=True)
class DigestList:
    """Leaked passwords as SHA-1 digests, one a line, in order; found by halving, so that 40 GB cost 40 look-ups."""

    data: mmap.mmap = field(repr=False)

    def holds(self, password: str) -> bool:
        """Whether the password is among them."""
        wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        low, high = 0, len(self.data)
        while low < high:
            middle = (low + high) // 2
            start = self.data.rfind(b"\n", 0, middle) + 1
            end = self.data.find(b"\n", start)
            end = len(self.data) if end < 0 else end
            found = self.data[start : start + 40].upper()
            if found == wanted:
                return True
            if found < wanted:
                low = end + 1
            else:
                high = start
        return False


def open_breach_list(path: Path) -> WordList | DigestList:
    """Opens the list of a file.

    Raises:
        UnreadableBreachList: There is no such file, it is empty, too long for words, out of order, or no UTF-8.
    """
    try:
        with path.open("rb") as file:
            first = file.readline(200)
            if _DIGEST.fullmatch(first):
                return _digests(path, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        if not first:
            raise UnreadableBreachList(path, "tệp rỗng.", "the file is empty.")
        if path.stat().st_size > MOST_WORD_BYTES:
            raise UnreadableBreachList(
                path,
                "quá lớn cho danh sách chữ; hãy dùng danh sách SHA-1 đã sắp xếp.",
                "too long for words; use a list of sorted SHA-1 digests.",
            )
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UnreadableBreachList(
            path, "không đọc được. Kiểm tra DIABAN_BREACH_LIST.", "cannot be read. Look at DIABAN_BREACH_LIST."
        ) from None
    return WordList(frozenset(line.strip().casefold() for line in lines if line.strip()))


def _digests(path: Path, data: mmap.mmap) -> DigestList:
    """The list, after a look at its first, middle and last line: one that is out of order would find nothing."""
    middle = data.rfind(b"\n", 0, len(data) // 2) + 1
    last = data.rfind(b"\n", 0, len(data) - 1) + 1
    looked = [data[start : start + 40].upper() for start in (0, middle, last)]
    if looked != sorted(looked) or any(not _DIGEST.fullmatch(digest) for digest in looked):
        raise UnreadableBreachList(
            path,
            "các dòng SHA-1 chưa theo thứ tự; hãy sắp xếp bằng sort.",
            "its SHA-1 lines are out of order; put them in order with sort.",
        )
    return DigestList(data)
