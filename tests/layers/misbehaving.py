"""Functions that a confined child is made to call."""

from __future__ import annotations

import os
import socket
import tempfile
import time


def echo(value: object) -> object:
    return value


def chatter() -> str:
    os.write(1, b"a library prints {not json}\n")
    return "answer"


def hoard() -> int:
    return len(bytearray(2**30))


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    time.sleep(60)


def crash() -> None:
    os.abort()


def fill_disk() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 100_000)


def surroundings() -> tuple[list[str], bool]:
    """The environment's names, and whether any network interface but the loopback is there."""
    return sorted(os.environ), [name for _, name in socket.if_nameindex()] != ["lo"]
