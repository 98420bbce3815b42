"""Runs work on files of unknown origin in a child process with limits on memory, time and files written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# What GDAL may not do in a child: read over the network, or open what a file of any name points to.
_GDAL = {
    "GDAL_SKIP": "VRT,DERIVED,WMS,WCS,WMTS,HTTP,PLMosaic,STACTA,STACIT,OGCAPI,DAAS,EEDAI,PostGISRaster",
    "OGR_SKIP": "OGR_VRT,HTTP,WFS,OAPIF,CARTO,PGeo,PostgreSQL,MSSQLSpatial,AmigoCloud,Elastic,CSW",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_PAM_ENABLED": "NO",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use.

    Attributes:
        memory_bytes: Address space.
        cpu_s: Processor seconds.
        wall_s: Seconds until the parent ends it.
        file_bytes: Size of any file that it writes.
    """

    memory_bytes: int = 3 * 2**30
    cpu_s: int = 600
    wall_s: int = 900
    file_bytes: int = 16 * 2**30


class ChildEnded(Exception):
    """The child did not answer: it crashed, ran out of a limit, or was ended.

    Attributes:
        reason: ``crash``, ``memory`` or ``time``.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}")


def run_confined(
    call: str,
    arguments: Mapping[str, object],
    *,
    limits: Limits = Limits(),
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Any:
    """Calls a function by keyword in a child process and returns its JSON value.

    The child has no secrets in its environment, no network where the system allows taking it away, and
    GDAL without its drivers that follow references.

    Args:
        call: ``package.module:function``; a constant of the calling code, never a user's text.
        arguments: JSON values.
        limits: What the child may use.
        environment: Further settings of libraries, in place before they are imported.
        folder: The only place that the child may write to and, beside the program and the system's libraries,
            read from; where the kernel has Landlock.

    Raises:
        ChildEnded: It crashed or ran into a limit.
    """
    checkout = Path(__file__).resolve().parent.parent
    variables = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    variables |= {"PYTHONPATH": str(checkout), "PYTHONUTF8": "1", **_GDAL, **(environment or {})}
    place = None if folder is None else {"readable": _program_places(checkout), "writable": str(folder.resolve())}
    request = json.dumps({"call": call, "arguments": dict(arguments), "limits": asdict(limits), "place": place})
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "layers.confined_child"],
            input=request,
            capture_output=True,
            text=True,
            timeout=limits.wall_s,
            env=variables,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChildEnded("time", f"more than {limits.wall_s} s") from None
    if done.returncode != 0:
        raise ChildEnded(*_why(done.returncode, done.stderr))
    return json.loads(done.stdout)


def _program_places(checkout: Path) -> list[str]:
    """Where the interpreter, the libraries, the program and what they need of the system lie."""
    places = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent, checkout}
    system = (
        "/usr",
        "/lib",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/dev",
        "/proc/self",
        "/sys/devices/system",
    )
    return sorted({str(place.resolve()) for place in places} | {place for place in system if os.path.exists(place)})


def _why(code: int, stderr: str) -> tuple[str, str]:
    last = stderr.strip().splitlines()[-1] if stderr.strip() else f"exit {code}"
    if code == -24:  # SIGXCPU
        return "time", "processor time"
    if "MemoryError" in stderr or "out of memory" in stderr.lower() or "bad_alloc" in stderr:
        return "memory", last
    return "crash", last
