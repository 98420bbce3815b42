"""The passphrase that encrypts a repository: a file of mode 0600, outside the repository."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Final

from app.backup.errors import KeyMissing, KeyUnfit

_FIT: Final = re.compile(r"[!-~]{20,1000}")


def read_passphrase(path: Path) -> str:
    """The passphrase in a file.

    Raises:
        KeyMissing: There is no file.
        KeyUnfit: It holds something else.
    """
    try:
        found = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise KeyMissing(path) from None
    except (OSError, UnicodeError):
        raise KeyUnfit(path) from None
    if not _FIT.fullmatch(found):
        raise KeyUnfit(path)
    return found


def make_passphrase(path: Path) -> str:
    """Makes a new passphrase in a new file; of two makers at once one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_passphrase(path)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(handle)
    return read_passphrase(path)
