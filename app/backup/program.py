"""Calls of pgBackRest, always as the cluster's user and with the configuration of its place."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

from app.backup.errors import PgBackRestFailed
from app.backup.place import STANZA, Place
from app.postgres import run_program, surroundings

# A first full back-up of a nation's parcels over a slow line.
LONGEST_S: Final = 7 * 24 * 3600.0
_QUIET: Final = ("--log-level-console=off", "--log-level-stderr=error", "--log-level-file=off")


def _command(place: Place, command: str, *words: str) -> list[str]:
    return ["pgbackrest", f"--config={place.conf}", f"--stanza={STANZA}", command, *words]


def run(place: Place, command: str, *words: str) -> str:
    """Runs a command to its end and returns what it said.

    Raises:
        PgBackRestFailed: It ended with an error.
    """
    done = run_program(
        _command(place, command, *words),
        os_user=place.os_user,
        timeout_s=LONGEST_S,
        more={"PGPASSFILE": str(place.passwords)},
    )
    if done.code != 0:
        raise PgBackRestFailed(command, done.output)
    return done.output


def ask(place: Place, command: str, *words: str) -> Any:
    """Runs a command whose answer is JSON.

    Raises:
        PgBackRestFailed: It ended with an error, or answered something else.
    """
    said = run(place, command, "--output=json", *words, *_QUIET)
    try:
        return json.loads(said)
    except ValueError:
        raise PgBackRestFailed(command, said) from None


def list_names(place: Place, folder: str) -> set[str]:
    """The names of the files below a folder of the repository, relative to it.

    Raises:
        PgBackRestFailed: The repository cannot be read.
    """
    found = ask(place, "repo-ls", "--recurse", folder)
    return {name for name, what in found.items() if what["type"] == "file"}


def put(place: Place, name: str, blocks: Iterable[bytes]) -> None:
    """Stores a file in the repository as it comes; it appears whole or not at all.

    Raises:
        PgBackRestFailed: It cannot be stored.
    """
    with _started(place, "repo-put", "--raw", *_QUIET, name, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None  # noqa: S101 - asked for
        try:
            for block in blocks:
                process.stdin.write(block)
            process.stdin.close()
        except BrokenPipeError:
            # It has ended early and says why.
            process.wait()
        except BaseException:
            # An end of its input would be taken for the end of the file.
            process.kill()
            raise


@contextmanager
def reading(place: Place, name: str) -> Iterator[IO[bytes]]:
    """A file of the repository, as a stream.

    Raises:
        PgBackRestFailed: It is not there or cannot be read.
    """
    with _started(place, "repo-get", "--raw", *_QUIET, name, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - asked for
        yield process.stdout
        process.stdout.read()


def remove(place: Place, name: str) -> None:
    """Removes a file of the repository; one that is gone does not matter.

    Raises:
        PgBackRestFailed: It cannot be removed.
    """
    run(place, "repo-rm", *_QUIET, name)


@contextmanager
def _started(
    place: Place, command: str, *words: str, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603 - a list of our own making, no shell
        _command(place, command, *words),
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        **surroundings(place.os_user),
    )
    with process:
        yield process
        assert process.stderr is not None  # noqa: S101 - asked for
        said = process.stderr.read().decode("utf-8", "replace")
        if process.wait() != 0:
            raise PgBackRestFailed(command, said)
