"""Multipart forms with files, streamed to disk as they come: never in memory, whatever their size."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Final

import anyio.to_thread
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from app.problems import BadParameter
from layers.uploads.errors import FileTooLarge, NoRoom
from layers.uploads.files import Shelf

INCOMING: Final = ".incoming"
BUFFER: Final = 2**20
MAX_FIELD: Final = 64 * 1024
MAX_PARTS: Final = 64


@dataclass(slots=True)
class ReceivedForm:
    """A form as it came: texts by name, and files as they lie on disk, in their order."""

    texts: dict[str, str] = field(default_factory=dict)
    files: list[tuple[Path, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Part:
    """The part that is coming in."""

    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    name: str = ""
    path: Path | None = None
    data: bytearray = field(default_factory=bytearray)


class _Receiver:
    """Callbacks of the parser; bytes of files are kept until :meth:`flush` writes them."""

    def __init__(self, folder: Path, shelf: Shelf) -> None:
        self.form = ReceivedForm()
        self.part = _Part()
        self.pending: list[tuple[Path, bytes]] = []
        self.pending_bytes = 0
        self.received_bytes = 0
        self._folder, self._shelf = folder, shelf
        self._header = (bytearray(), bytearray())

    def on_part_begin(self) -> None:
        """A part begins."""
        self.part = _Part()
        if len(self.form.files) + len(self.form.texts) >= MAX_PARTS:
            raise _bad_form(f"quá {MAX_PARTS} phần", f"more than {MAX_PARTS} parts")

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        """Some bytes of a header's name."""
        self._header[0].extend(data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        """Some bytes of a header's value."""
        self._header[1].extend(data[start:end])

    def on_header_end(self) -> None:
        """A header is whole."""
        self.part.headers.append((bytes(self._header[0]).lower(), bytes(self._header[1])))
        self._header = (bytearray(), bytearray())

    def on_headers_finished(self) -> None:
        """What the part is, is known now."""
        disposition = next((value for name, value in self.part.headers if name == b"content-disposition"), b"")
        _, options = parse_options_header(disposition)
        self.part.name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = _file_name(disposition, options)
        if filename:
            self.part.path = self._folder / str(len(self.form.files))
            self.part.path.touch(mode=0o600)
            self.form.files.append((self.part.path, filename))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Some bytes of a part."""
        if self.part.path is None:
            self.part.data.extend(data[start:end])
            if len(self.part.data) > MAX_FIELD:
                raise _bad_form("trường văn bản quá dài", "a text field is too long")
            return
        self.received_bytes += end - start
        if self.received_bytes > self._shelf.max_bytes:
            raise FileTooLarge(self._shelf.max_bytes)
        self.pending.append((self.part.path, bytes(data[start:end])))
        self.pending_bytes += end - start

    def on_part_end(self) -> None:
        """A part is whole."""
        if self.part.path is None and self.part.name:
            self.form.texts[self.part.name] = bytes(self.part.data).decode("utf-8", "replace")

    def flush(self) -> None:
        """Writes what is pending; the disk keeps its reserve."""
        self._shelf.require_room(0)
        try:
            for path, data in self.pending:
                with path.open("ab") as file:
                    file.write(data)
        except OSError as error:
            raise NoRoom from error
        self.pending, self.pending_bytes = [], 0


def _file_name(disposition: bytes, options: dict[bytes, bytes]) -> str:
    """The name of a file in UTF-8; ``filename*`` (RFC 5987) is read where a client sends it."""
    if b"filename*" in disposition.lower():
        message = Message()
        message["Content-Disposition"] = disposition.decode("latin-1")
        return message.get_filename() or ""
    return options.get(b"filename", b"").decode("utf-8", "replace")


def _bad_form(vi: str, en: str) -> BadParameter:
    return BadParameter(
        "body",
        f"Biểu mẫu không đọc được: {vi}. Hãy gửi multipart/form-data có phần “file”.",
        f'The form cannot be read: {en}. Send multipart/form-data with a part "file".',
    )


@contextmanager
def incoming_folder(shelf: Shelf) -> Iterator[Path]:
    """A folder for bytes that are coming in, on the disk of uploads; gone with the block."""
    folder = shelf.root / INCOMING / uuid.uuid4().hex
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def receive_form(request: Request, shelf: Shelf, folder: Path) -> ReceivedForm:
    """Reads a form, writing its files into a folder.

    Raises:
        BadParameter: It is no multipart form, or is broken off.
        FileTooLarge: Its files are larger than the limit together.
        NoRoom: The disk must keep its reserve.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise _bad_form("không phải multipart/form-data", "it is no multipart/form-data")
    declared = request.headers.get("content-length", "0")
    shelf.require_room(int(declared) if declared.isdigit() else 0)
    receiver = _Receiver(folder, shelf)
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": receiver.on_part_begin,
            "on_header_field": receiver.on_header_field,
            "on_header_value": receiver.on_header_value,
            "on_header_end": receiver.on_header_end,
            "on_headers_finished": receiver.on_headers_finished,
            "on_part_data": receiver.on_part_data,
            "on_part_end": receiver.on_part_end,
        },
    )
    try:
        async for chunk in request.stream():
            parser.write(chunk)
            if receiver.pending_bytes >= BUFFER:
                await anyio.to_thread.run_sync(receiver.flush)
        parser.finalize()
    except MultipartParseError:
        raise _bad_form("bị đứt hoặc sai dạng", "it is broken off or malformed") from None
    await anyio.to_thread.run_sync(receiver.flush)
    return receiver.form
