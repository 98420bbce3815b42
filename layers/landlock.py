"""Takes from this process, for good, every file but those it needs: Landlock, without a library, where there is one.

See landlock(7). A system without it keeps the other limits; ``is_available`` tells.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from typing import Final

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_FLAG: Final = 1
_PATH_BENEATH: Final = 1
_NO_NEW_PRIVILEGES: Final = 38
_EXECUTE, _WRITE, _READ, _READ_DIR = 1, 2, 4, 8
# All rights over files that version 1 of the interface knows: bits 0 to 12.
_ALL: Final = (1 << 13) - 1
_LOOK: Final = _EXECUTE | _READ | _READ_DIR
_FILE_RIGHTS: Final = _EXECUTE | _WRITE | _READ


def is_available() -> bool:
    """Tells whether the kernel can do it."""
    return bool(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION_FLAG) >= 1)


def confine_to(*, readable: Iterable[str], writable: str) -> None:
    """Leaves this process and its children only some files: some to read and run, one folder to change.

    Where the kernel has no Landlock nothing is changed.

    Raises:
        OSError: The kernel has it and refuses.
    """
    if not is_available():
        return
    libc = _libc()
    handled = struct.pack("=Q", _ALL)
    rules = libc.syscall(_CREATE, handled, ctypes.c_size_t(len(handled)), 0)
    _require(rules)
    for path in readable:
        _allow(libc, rules, path, _LOOK | (_WRITE if path == "/dev" else 0))
    _allow(libc, rules, writable, _ALL)
    _require(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _require(libc.syscall(_RESTRICT, rules, 0))
    os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    allowed = rights if os.path.isdir(path) else rights & _FILE_RIGHTS
    _require(libc.syscall(_ADD, rules, _PATH_BENEATH, struct.pack("=Qi", allowed, place), 0))
    os.close(place)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _require(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
