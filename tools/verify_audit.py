#!/usr/bin/env python3
"""Verifies a bundle of Dia Ban's audit trail on any computer. Needs Python 3.8 or newer and nothing else.

    python3 verify_audit.py BUNDLE.zip --key FINGERPRINT [--checkpoints FILE] [--digest SEQ:HASH]

FINGERPRINT is the signing key's, 16 hexadecimal digits, as "diaban audit key" printed it when you wrote it down.
--checkpoints names a copy of the checkpoint file that you fetched yourself, --digest a printed digest from your drawer:
each must agree with the bundle. Exit code 0: whole; 1: not; 2: the bundle cannot be read.

This program shares no line with the service: it is written from docs/audit.md, with Ed25519 from RFC 8032.
"""

import argparse
import base64
import hashlib
import json
import sys
import zipfile

# Ed25519 verification (RFC 8032, 5.1): the field, the curve, the base point.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    """The x of a compressed point (5.1.3), or None."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * I % P
    if (x * x - square) % P:
        return None
    return P - x if (x & 1) != sign else x


def decode_point(raw):
    """A point in extended coordinates, or None."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def add(a, b):
    """The sum of two points (5.1.4)."""
    k = (a[1] - a[0]) * (b[1] - b[0]) % P
    m = (a[1] + a[0]) * (b[1] + b[0]) % P
    n = 2 * a[3] * b[3] * D % P
    o = 2 * a[2] * b[2] % P
    e, f, g, h = m - k, o - n, o + n, m + k
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar, point):
    """A multiple of a point."""
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = decode_point(BASE_Y.to_bytes(32, "little"))


def is_signed(public, message, signature):
    """Whether the signature is the key's over the message (5.1.7)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decode_point(public), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(k, a))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


def fingerprint(public):
    """What people compare."""
    return hashlib.sha256(public).hexdigest()[:16]


def netstring(value):
    """A field of the hashed bytes."""
    if value is None:
        return b"~,"
    raw = value.encode("utf-8") if isinstance(value, str) else str(value).encode("ascii")
    return b"%d:%s," % (len(raw), raw)


def event_hash(before, event):
    """SHA-256 over the hash before and the event's fields."""
    names = (
        "seq",
        "id",
        "at_us",
        "actor",
        "action",
        "object_kind",
        "object_id",
        "outcome",
        "unit_code",
        "source",
        "detail",
    )
    return hashlib.sha256(
        before + netstring("diaban-event/1") + b"".join(netstring(event[name]) for name in names)
    ).digest()


class Checkpoints:
    """The checkpoint file read from the beginning: who may sign, which log, which hash at which number."""

    def __init__(self, text, log_id, faults, notes):
        self.marks, self.keys, self.count, self.texts = {}, [], 0, set()
        key, before, current = None, "0" * 64, None
        for number, line in enumerate(text.split("\n"), 1):
            words = line.split(" ")
            if len(words) != 9 or words[0] != "diaban-checkpoint/1":
                if line:
                    notes.append(
                        "line %d of the checkpoints is torn; the next one must follow the one before it" % number
                    )
                continue
            _, kind, log, seq, digest, at, previous, named, signature = words
            try:
                seq, raw = int(seq), base64.b64decode(signature, validate=True)
                bytes.fromhex(digest)
                public = None if named == "-" else base64.b64decode(named, validate=True)
            except ValueError:
                faults.append("line %d of the checkpoints cannot be read" % number)
                continue
            if previous != before:
                faults.append("line %d of the checkpoints does not follow the one before it" % number)
            before = hashlib.sha256(line.encode("utf-8")).hexdigest()
            signer = public if key is None or kind == "rekey" else key
            if signer is None or not is_signed(signer, line.rpartition(" ")[0].encode("utf-8"), raw):
                faults.append("line %d of the checkpoints is not signed by the key in force" % number)
            if public is not None:
                if kind == "rekey":
                    notes.append(
                        "%s: the key before was lost; nothing vouches for %s but people" % (at, fingerprint(public))
                    )
                    self.keys = []
                key = public
                self.keys.append(fingerprint(public))
            if kind == "begin":
                if current is not None:
                    notes.append("%s: log %s ended at %d, a new one began" % (at, current, max(self.marks, default=0)))
                current, self.marks = log, {}
            elif log != current:
                faults.append("line %d of the checkpoints is another log's" % number)
            if kind == "resume":
                lost = max(0, max(self.marks, default=0) - seq)
                notes.append("%s: resumed from an older state at %d; at least %d events are lost" % (at, seq, lost))
                self.marks = {n: h for n, h in self.marks.items() if n <= seq}
            if self.marks.setdefault(seq, digest) != digest:
                faults.append("two checkpoints name different hashes at %d" % seq)
            self.count += 1
            self.texts.add(line)
        if current != log_id:
            faults.append("the checkpoints are of log %s, the events of %s" % (current, log_id))


def verify(archive, asked, faults, notes):
    """Reads the bundle; returns what to say of a whole one."""
    manifest = json.loads(archive.read("manifest.json").decode("utf-8"))
    points = Checkpoints(archive.read("checkpoints.log").decode("utf-8"), manifest["log_id"], faults, notes)
    if asked.key not in points.keys:
        faults.append(
            "no key that signs is %s: the checkpoints are signed by %s"
            % (asked.key, ", ".join(points.keys) or "nobody")
        )
    if asked.checkpoints:
        with open(asked.checkpoints, encoding="utf-8") as file:
            mine = {line for line in file.read().split("\n") if line.startswith("diaban-checkpoint/1 ")}
        lacking = len(mine - points.texts)
        if lacking:
            faults.append("the bundle lacks %d checkpoints that your copy holds" % lacking)
    first = manifest["first"]
    start = hashlib.sha256(netstring("diaban-log/1") + netstring(manifest["log_id"])).digest()
    if first != 1:
        start = bytes.fromhex(manifest["hash_before"])
    marks = {seq: digest for seq, digest in points.marks.items() if seq >= first - 1}
    if asked.digest:
        seq, _, digest = asked.digest.partition(":")
        if marks.setdefault(int(seq), digest.replace(" ", "").lower()) != digest.replace(" ", "").lower():
            faults.append("the printed digest at %s differs from the checkpoint" % seq)
    seq, before, met = first - 1, start, 0
    if marks.get(seq) is not None:
        met += 1
        if marks[seq] != before.hex():
            faults.append("the chain differs from the signed checkpoint at %d" % seq)
    with archive.open("events.jsonl") as lines:
        for line in lines:
            event = json.loads(line.decode("utf-8"))
            if event["seq"] != seq + 1:
                faults.append("after %d comes %s: events are missing or out of order" % (seq, event["seq"]))
            seq = event["seq"]
            found = event_hash(before, event)
            if found.hex() != event["hash"]:
                faults.append("event %d does not have the hash that it carries" % seq)
            # The hash as it was worked out goes on, so that a change cannot be hidden behind a carried one.
            before = found
            if seq in marks:
                met += 1
                if marks[seq] != before.hex():
                    faults.append("the chain differs from the signed checkpoint at %d" % seq)
    beyond = [mark for mark in marks if mark > seq]
    if beyond:
        faults.append("the events end at %d, a signed checkpoint is at %d" % (seq, max(beyond)))
    covered = max((mark for mark in marks if mark <= seq), default=0)
    if seq > covered:
        notes.append(
            "%d events after the last checkpoint (%d) are not covered by a signature" % (seq - covered, covered)
        )
    return "log %s, events %d to %d, %d checkpoints, %d of them met" % (
        manifest["log_id"],
        first,
        seq,
        points.count,
        met,
    )


def main():
    """Verifies and tells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--key", required=True)
    parser.add_argument("--checkpoints")
    parser.add_argument("--digest")
    asked = parser.parse_args()
    faults, notes = [], []
    try:
        with zipfile.ZipFile(asked.bundle) as archive:
            summary = verify(archive, asked, faults, notes)
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        print("cannot read the bundle: %s: %s" % (type(error).__name__, error))
        return 2
    print(summary)
    for note in notes:
        print("note: " + note)
    for fault in faults[:50]:
        print("FAULT: " + fault)
    print("NOT WHOLE · KHÔNG toàn vẹn: %d faults" % len(faults) if faults else "WHOLE · toàn vẹn")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
