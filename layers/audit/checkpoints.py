"""Checkpoints: signed lines in a file outside the database, each naming the one before."""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from layers.audit.keys import is_signed

FORM: Final = "diaban-checkpoint/1"
NOTHING_BEFORE: Final = "0" * 64
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_LINE: Final = re.compile(
    r"diaban-checkpoint/1 (begin|mark|key|rekey|resume)"
    r" ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) (0|[1-9][0-9]{0,17}) ([0-9a-f]{64})"
    r" ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z) ([0-9a-f]{64})"
    r" (-|[A-Za-z0-9+/]{43}=) ([A-Za-z0-9+/]{86}==)"
)


class Kind(StrEnum):
    """What a line says.

    ``begin``: a log begins here; signed by the key that it names. ``mark``: the chain stands so. ``key``: from here
    on the named key signs; signed by the one before. ``rekey``: the same where the key before is lost; signed by
    the named one. ``resume``: the log goes on from an older state, and the marks after it hold no longer.
    """

    BEGIN = "begin"
    MARK = "mark"
    KEY = "key"
    REKEY = "rekey"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log is: its last number and hash; number 0 and the genesis hash where it is empty."""

    log_id: str
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A line of the file.

    Attributes:
        before: SHA-256 of the readable line before, in hexadecimal.
        public_key: The key that the line names, for kinds that name one.
        text: The line without its end.
    """

    kind: Kind
    head: Head
    at: datetime
    before: str
    public_key: bytes | None
    signature: bytes
    text: str

    @property
    def digest(self) -> str:
        """What the next line names as the one before."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def is_signed_by(self, public: bytes) -> bool:
        """Whether the key signed what stands before the signature."""
        return is_signed(public, self.signature, self.text.rpartition(" ")[0].encode())


def sign_checkpoint(
    key: Ed25519PrivateKey,
    kind: Kind,
    head: Head,
    *,
    after: Checkpoint | None,
    at: datetime,
    public_key: bytes | None = None,
) -> Checkpoint:
    """A new line after another one.

    Args:
        key: Signs it.
        kind: What it says.
        head: How far the log is.
        after: The last line of the file.
        at: Now; not later than whole seconds tell.
        public_key: The key to name.
    """
    before = after.digest if after else NOTHING_BEFORE
    named = base64.b64encode(public_key).decode() if public_key else "-"
    moment = at.astimezone(UTC).strftime(_TIME)
    signed = " ".join((FORM, kind.value, head.log_id, str(head.seq), head.hash.hex(), moment, before, named))
    signature = key.sign(signed.encode())
    made = read_line(f"{signed} {base64.b64encode(signature).decode()}")
    if made is None:
        raise ValueError(f"not a head: {head}")
    return made


def read_line(text: str) -> Checkpoint | None:
    """A line's content; None where it has another form, as a line torn by a power cut has."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    kind, log_id, seq, digest, at, before, named, signature = found.groups()
    try:
        moment = datetime.strptime(at, _TIME).replace(tzinfo=UTC)
        public = None if named == "-" else base64.b64decode(named, validate=True)
        signed = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return None
    return Checkpoint(Kind(kind), Head(log_id, int(seq), bytes.fromhex(digest)), moment, before, public, signed, text)


def read_checkpoints(path: Path) -> list[Checkpoint]:
    """The readable lines of a file, in order; none where it is missing.

    A line that was replaced by something unreadable is missed by the line after it, which names it.
    """
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line for line in map(read_line, text.split("\n")) if line]


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """The file that checkpoints are appended to, and its copy in a second place.

    Attributes:
        path: The file.
        copy: The same file in another place, such as a folder of another machine; brought up where it was away.
    """

    path: Path
    copy: Path | None = None

    @contextmanager
    def alone(self) -> Iterator[list[Checkpoint]]:
        """Holds the file against other writers for the length of the block, and gives its lines."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield read_checkpoints(self.path)
        finally:
            os.close(handle)

    def append(self, line: Checkpoint) -> None:
        """Writes a line to the disk; call it inside :meth:`alone`."""
        _append(self.path, [line.text])

    def bring_up_copy(self) -> bool:
        """Appends what the copy lacks; False where the copy cannot be written or holds other lines.

        Call it inside :meth:`alone`.
        """
        if self.copy is None:
            return True
        ours = [line.text for line in read_checkpoints(self.path)]
        theirs = [line.text for line in read_checkpoints(self.copy)]
        if theirs != ours[: len(theirs)]:
            return False
        try:
            _append(self.copy, ours[len(theirs) :])
        except OSError:
            return False
        return True


def _append(path: Path, lines: Sequence[str]) -> None:
    if not lines:
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(handle).st_size
        # A power cut may have torn the last line; it stays, and ends here.
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        data = "".join(f"{line}\n" for line in lines).encode()
        os.write(handle, b"\n" * torn + data)
        os.fsync(handle)
    finally:
        os.close(handle)
