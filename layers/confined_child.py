"""The child's side of :mod:`layers.confined`: limits itself, then calls one function and prints its JSON value."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import sys

from layers.landlock import confine_to

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def main() -> None:
    """Reads a request from standard input and answers on standard output."""
    request = json.loads(sys.stdin.read())
    # Libraries print; what they print must not mix with the answer.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _leave_network()
    _limit(**request["limits"])
    if request["place"] is not None:
        confine_to(**request["place"])
    module, _, function = request["call"].partition(":")
    value = getattr(importlib.import_module(module), function)(**request["arguments"])
    json.dump(value, answer, ensure_ascii=False)
    answer.flush()


def _leave_network() -> None:
    """Enters an empty network namespace; where the system forbids it the drivers' own settings remain."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _limit(*, memory_bytes: int, cpu_s: int, wall_s: int, file_bytes: int) -> None:
    del wall_s  # the parent's clock
    _lower(resource.RLIMIT_AS, memory_bytes, memory_bytes)
    # The softer limit sends the signal that tells why; the harder one ends a child that ignores it.
    _lower(resource.RLIMIT_CPU, cpu_s, cpu_s + 5)
    _lower(resource.RLIMIT_FSIZE, file_bytes, file_bytes)
    _lower(resource.RLIMIT_CORE, 0, 0)


def _lower(what: int, soft: int, hard: int) -> None:
    """Sets a limit, or keeps the stricter one under which the service itself runs: it cannot be raised again."""
    _, outer = resource.getrlimit(what)
    if outer != resource.RLIM_INFINITY:
        soft, hard = min(soft, outer), min(hard, outer)
    resource.setrlimit(what, (soft, hard))


if __name__ == "__main__":
    main()
