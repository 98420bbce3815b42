"""Keeps checkpoints coming: a line a minute where the log grew, an alarm where the log is not what it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from layers.audit.checkpoints import Checkpoint, CheckpointFile, Head, Kind, sign_checkpoint
from layers.audit.keys import key_id, public_bytes
from layers.audit.log import note_checkpoint, read_hash, read_head
from layers.errors import LayerError

# A line now and then also where nothing happens tells that the keeper was alive.
HEARTBEAT: Final = timedelta(hours=1)


class LogRolledBack(LayerError):
    """The database's log ends before a checkpoint, or had another course: an older back-up, or another hand."""

    def __init__(self, checkpoint: Head, found: Head) -> None:
        super().__init__(
            f"Nhật ký trong cơ sở dữ liệu không khớp điểm kiểm {checkpoint.seq} đã ký (cơ sở dữ liệu đến {found.seq})."
            " Nếu vừa phục hồi bản sao lưu cũ, chạy diaban audit resume; nếu không, hãy điều tra trước đã.",
            f"The log in the database does not match the signed checkpoint {checkpoint.seq} (it ends at {found.seq})."
            " If an older back-up has just been restored, run diaban audit resume; if not, investigate first.",
        )


class UnknownSigningKey(LayerError):
    """The key at hand is not the one that the checkpoint file says signs."""

    def __init__(self, at_hand: bytes, in_force: bytes) -> None:
        super().__init__(
            f"Khóa ký {key_id(at_hand)} không phải khóa đang dùng {key_id(in_force)} của tệp điểm kiểm."
            " Hãy đặt lại khóa cũ, hoặc nếu đã mất, chạy diaban audit rotate-key --lost.",
            f"The signing key {key_id(at_hand)} is not the checkpoint file's {key_id(in_force)}."
            " Put the old key back, or run diaban audit rotate-key --lost if it is gone.",
        )


@dataclass(frozen=True, slots=True)
class Keeper:
    """Writes checkpoints of one log with one key."""

    file: CheckpointFile
    key: Ed25519PrivateKey

    def keep(self, connection: Connection, now: datetime, *, at_once: bool = False) -> Checkpoint | None:
        """Writes a line where the log has grown or an hour has passed, and returns it.

        Args:
            connection: Owner or writer; the caller commits.
            now: The instant to write down.
            at_once: Write one also where nothing has changed.

        Raises:
            LogRolledBack: The log does not contain what the last line says of it.
            UnknownSigningKey: Another key signs this file.
        """
        with self.file.alone() as lines:
            head = read_head(connection)
            last = lines[-1] if lines else None
            if last is None or last.head.log_id != head.log_id:
                return self._write(connection, Kind.BEGIN, head, last, now, names=public_bytes(self.key))
            self._require_key(lines)
            require_continued(connection, last, head)
            if not at_once and head.seq == last.head.seq and now - last.at < HEARTBEAT:
                self.file.bring_up_copy()
                return None
            return self._write(connection, Kind.MARK, head, last, now)

    def resume(self, connection: Connection, now: datetime) -> Checkpoint:
        """Writes that the log goes on from its present state, whatever lines say that came after it."""
        with self.file.alone() as lines:
            self._require_key(lines)
            return self._write(connection, Kind.RESUME, read_head(connection), lines[-1] if lines else None, now)

    def rotate(self, connection: Connection, successor: Ed25519PrivateKey, now: datetime) -> Checkpoint:
        """Writes that ``successor`` signs from here on, signed by the key in force."""
        with self.file.alone() as lines:
            self._require_key(lines)
            head, last = read_head(connection), lines[-1] if lines else None
            return self._write(connection, Kind.KEY, head, last, now, names=public_bytes(successor))

    def replace_lost(self, connection: Connection, now: datetime) -> Checkpoint:
        """Writes that this key signs from here on because the one before is lost; only people can vouch for it."""
        with self.file.alone() as lines:
            head, last = read_head(connection), lines[-1] if lines else None
            return self._write(connection, Kind.REKEY, head, last, now, names=public_bytes(self.key))

    def _require_key(self, lines: list[Checkpoint]) -> None:
        in_force = key_in_force(lines)
        if in_force is not None and in_force != public_bytes(self.key):
            raise UnknownSigningKey(public_bytes(self.key), in_force)

    def _write(
        self,
        connection: Connection,
        kind: Kind,
        head: Head,
        after: Checkpoint | None,
        now: datetime,
        *,
        names: bytes | None = None,
    ) -> Checkpoint:
        line = sign_checkpoint(self.key, kind, head, after=after, at=now, public_key=names)
        # The file first: a line that only the database knew would look like a file cut short.
        self.file.append(line)
        note_checkpoint(connection, line.text)
        self.file.bring_up_copy()
        return line


def key_in_force(lines: list[Checkpoint]) -> bytes | None:
    """The key that the next line must be signed by; None where no line names one."""
    return next((line.public_key for line in reversed(lines) if line.public_key), None)


def require_continued(connection: Connection, last: Checkpoint, head: Head) -> None:
    """Refuses a log that does not contain what a line says of it.

    Raises:
        LogRolledBack: It does not.
    """
    if head.log_id != last.head.log_id or read_hash(connection, head.log_id, last.head.seq) != last.head.hash:
        raise LogRolledBack(last.head, head)
