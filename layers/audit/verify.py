"""Verifies the log: every event hashed anew, every checkpoint held against it; read in one pass, in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, text

from layers.audit.chain import ChainedEvent, genesis
from layers.audit.checkpoints import NOTHING_BEFORE, Checkpoint, CheckpointFile, Head, Kind, read_checkpoints
from layers.audit.keys import key_id
from layers.audit.log import read_head, stream_events

_OUTSIDE: Final = text(
    "SELECT e.id FROM audit.events e WHERE NOT EXISTS (SELECT 1 FROM audit.chain c WHERE c.event_id = e.id)"
    " AND NOT EXISTS (SELECT 1 FROM audit.waiting w WHERE w.event_id = e.id) ORDER BY e.id LIMIT 100"
)
_TWICE: Final = text(
    "SELECT w.event_id FROM audit.waiting w JOIN audit.chain c ON c.event_id = w.event_id ORDER BY w.event_id LIMIT 100"
)
_WAITING: Final = text("SELECT count(*) FROM audit.waiting")
_NOTED: Final = text("SELECT line FROM audit.checkpoints ORDER BY id")


class FaultKind(StrEnum):
    """What can be wrong with a log."""

    EVENT_CHANGED = "event-changed"
    EVENT_MISSING = "event-missing"
    EVENT_OUTSIDE = "event-outside"
    NUMBER_MISSING = "number-missing"
    SEALED_TWICE = "sealed-twice"
    CHECKPOINT_UNSIGNED = "checkpoint-unsigned"
    CHECKPOINTS_CUT = "checkpoints-cut"
    CHECKPOINTS_REORDERED = "checkpoints-reordered"
    CHECKPOINT_UNMET = "checkpoint-unmet"
    LOG_CUT = "log-cut"
    OTHER_LOG = "other-log"
    OTHER_KEY = "other-key"


_WORDS: Final = {
    FaultKind.EVENT_CHANGED: ("sự kiện hoặc mã băm đã bị sửa", "an event or its hash was changed"),
    FaultKind.EVENT_MISSING: ("sự kiện đã bị xóa", "an event was deleted"),
    FaultKind.EVENT_OUTSIDE: ("sự kiện được chèn ngoài chuỗi", "an event was put in past the chain"),
    FaultKind.NUMBER_MISSING: ("thiếu số thứ tự trong chuỗi", "a number of the chain is missing"),
    FaultKind.SEALED_TWICE: ("sự kiện đã có số vẫn nằm trong hàng chờ", "a sealed event waits again"),
    FaultKind.CHECKPOINT_UNSIGNED: ("chữ ký điểm kiểm không đúng", "a checkpoint's signature is wrong"),
    FaultKind.CHECKPOINTS_CUT: ("tệp điểm kiểm thiếu dòng đã ghi", "the checkpoint file lacks a line"),
    FaultKind.CHECKPOINTS_REORDERED: ("các dòng điểm kiểm không nối nhau", "checkpoints do not follow each other"),
    FaultKind.CHECKPOINT_UNMET: ("chuỗi khác với điểm kiểm đã ký", "the chain differs from a signed checkpoint"),
    FaultKind.LOG_CUT: ("nhật ký kết thúc trước điểm kiểm đã ký", "the log ends before a signed checkpoint"),
    FaultKind.OTHER_LOG: ("tệp điểm kiểm thuộc nhật ký khác", "the checkpoint file is another log's"),
    FaultKind.OTHER_KEY: ("khóa ký không phải khóa đã biết", "the signing key is not the known one"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written; ``place`` is a number of the chain, an event or a line."""

    kind: FaultKind
    place: str

    @property
    def vi(self) -> str:
        """What is wrong, in Vietnamese."""
        return f"{_WORDS[self.kind][0]} ({self.place})"

    @property
    def en(self) -> str:
        """The same in English."""
        return f"{_WORDS[self.kind][1]} ({self.place})"


@dataclass(slots=True)
class Verdict:
    """What a verification found.

    Attributes:
        head: Where the chain that was read ends.
        waiting: Committed events that have no number yet, which a moment later they have.
        checkpoints: Checkpoints held against the chain.
        covered: Last number that a checkpoint covers.
        faults: Empty where all is well.
        notices: Sentences on what people must know and may have done themselves, in Vietnamese and English.
    """

    head: Head
    waiting: int = 0
    checkpoints: int = 0
    covered: int = 0
    faults: list[Fault] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)


def verify_log(connection: Connection, file: CheckpointFile, *, known_key: bytes | None = None) -> Verdict:
    """Verifies the whole log.

    Args:
        connection: Owner or writer, at the beginning of a REPEATABLE READ transaction.
        file: The checkpoints.
        known_key: Public key that the last lines must be signed with, where the verifier knows it.
    """
    # The file is read before the database, which a line of it never precedes, and once more after it.
    lines = read_checkpoints(file.path)
    verdict = Verdict(read_head(connection))
    marks = check_lines(verdict, lines, known_key=known_key)
    check_chain(verdict, verdict.head.log_id, stream_events(connection), marks)
    verdict.waiting = int(connection.execute(_WAITING).scalar_one())
    verdict.faults += [Fault(FaultKind.EVENT_OUTSIDE, f"id {found}") for found in connection.scalars(_OUTSIDE)]
    verdict.faults += [Fault(FaultKind.SEALED_TWICE, f"id {found}") for found in connection.scalars(_TWICE)]
    _check_complete(verdict, connection, file)
    return verdict


def check_chain(
    verdict: Verdict, log_id: str, events: Iterable[tuple[int, ChainedEvent | None]], marks: dict[int, bytes]
) -> None:
    """Hashes events one after another; ``marks`` are the hashes that checkpoints name at numbers."""
    previous, expected = genesis(log_id), 1
    if marks.get(0, previous) != previous:
        verdict.faults.append(Fault(FaultKind.CHECKPOINT_UNMET, "0"))
    seen = 1 if 0 in marks else 0
    for seq, event in events:
        if seq != expected:
            missing = f"{expected}" if seq - expected == 1 else f"{expected}-{seq - 1}"
            verdict.faults.append(Fault(FaultKind.NUMBER_MISSING, missing))
        if event is None:
            verdict.faults.append(Fault(FaultKind.EVENT_MISSING, f"{seq}"))
        elif event.hash_after(previous) != event.hash:
            verdict.faults.append(Fault(FaultKind.EVENT_CHANGED, f"{seq}"))
        # After a fault the chain's own hash is gone on with, so that each fault is told once.
        if event is not None:
            previous = event.hash
            if seq in marks:
                seen += 1
                if marks[seq] != event.hash:
                    verdict.faults.append(Fault(FaultKind.CHECKPOINT_UNMET, f"{seq}"))
        expected = seq + 1
    if seen < len(marks):
        beyond = sorted(seq for seq in marks if seq >= expected)
        verdict.faults += [Fault(FaultKind.LOG_CUT, f"{seq}") for seq in beyond[-1:]]


def check_lines(verdict: Verdict, lines: Sequence[Checkpoint], *, known_key: bytes | None) -> dict[int, bytes]:
    """Checks the file in itself and returns the hashes that it names for this log.

    A log that was resumed from an older state is held against the marks up to there and those made since.
    """
    key: bytes | None = None
    before = NOTHING_BEFORE
    marks: dict[int, bytes] = {}
    log_id = ""
    for number, line in enumerate(lines, start=1):
        place = f"dòng · line {number}"
        if line.before != before:
            verdict.faults.append(Fault(FaultKind.CHECKPOINTS_REORDERED, place))
        before = line.digest
        signer = line.public_key if line.kind is Kind.REKEY or key is None else key
        if signer is None or not line.is_signed_by(signer):
            verdict.faults.append(Fault(FaultKind.CHECKPOINT_UNSIGNED, place))
        key = line.public_key or key
        if line.kind is Kind.BEGIN:
            _tell_of_begin(verdict, line, log_id, marks)
            log_id, marks = line.head.log_id, {}
        elif line.head.log_id != log_id:
            verdict.faults.append(Fault(FaultKind.OTHER_LOG, place))
        _tell_of_kind(verdict, line, marks)
        if line.kind is Kind.RESUME:
            marks = {seq: digest for seq, digest in marks.items() if seq <= line.head.seq}
        if marks.setdefault(line.head.seq, line.head.hash) != line.head.hash:
            verdict.faults.append(Fault(FaultKind.CHECKPOINT_UNMET, f"{line.head.seq}, {place}"))
        verdict.checkpoints += 1
    if lines and log_id != verdict.head.log_id:
        verdict.faults.append(Fault(FaultKind.OTHER_LOG, log_id))
        marks = {}
    if lines and known_key is not None and key != known_key:
        verdict.faults.append(Fault(FaultKind.OTHER_KEY, key_id(key or b"")))
    verdict.covered = max(marks, default=0)
    return marks


def _tell_of_begin(verdict: Verdict, line: Checkpoint, log_id: str, marks: dict[int, bytes]) -> None:
    if log_id:
        last = max(marks, default=0)
        verdict.notices.append(
            (
                f"nhật ký {log_id} kết thúc ở {last}; nhật ký mới bắt đầu lúc {line.at:%d/%m/%Y %H:%M} UTC",
                f"log {log_id} ends at {last}; a new log begins at {line.at:%Y-%m-%d %H:%M} UTC",
            )
        )


def _tell_of_kind(verdict: Verdict, line: Checkpoint, marks: dict[int, bytes]) -> None:
    moment = f"{line.at:%Y-%m-%d %H:%M} UTC"
    if line.kind is Kind.RESUME:
        lost = max(0, max(marks, default=0) - line.head.seq)
        verdict.notices.append(
            (
                f"{moment}: tiếp tục từ trạng thái cũ ở {line.head.seq}; mất ít nhất {lost} sự kiện",
                f"{moment}: resumed from an older state at {line.head.seq}; at least {lost} events are lost",
            )
        )
    elif line.kind is Kind.REKEY and line.public_key:
        named = key_id(line.public_key)
        verdict.notices.append(
            (
                f"{moment}: khóa cũ bị mất, khóa mới {named} không được khóa cũ xác nhận; hãy so dấu khóa",
                f"{moment}: the key was lost, the old key does not vouch for the new one {named}; compare it",
            )
        )


def _check_complete(verdict: Verdict, connection: Connection, file: CheckpointFile) -> None:
    """Every line that the database remembers is in the file, and every line of the copy too."""
    there = {line.text for line in read_checkpoints(file.path)}
    noted = list(connection.scalars(_NOTED))
    missing = sum(line not in there for line in noted)
    if missing:
        verdict.faults.append(Fault(FaultKind.CHECKPOINTS_CUT, f"{missing}/{len(noted)}"))
    if file.copy is not None:
        more = [line for line in read_checkpoints(file.copy) if line.text not in there]
        if more:
            verdict.faults.append(Fault(FaultKind.CHECKPOINTS_CUT, f"{len(more)}, {file.copy}"))
