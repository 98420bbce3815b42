"""The peers: pygeoapi with its own PostgreSQL provider, and tipg, each from PyPI in an environment of its own.

They are installed when they are first measured and never become dependencies of the project. Both read, under the
same login as our own public pool, a view with exactly the columns that our items show.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app.database import Database
from tests.bench.servers import FOLDER

LOGIN = "diaban_public"
VIEW = "peers.parcels"
MAX_TILE_FEATURES = 60_000
MAX_ITEMS = 10_000
UV = Path(sys.executable).with_name("uv")
PACKAGES = {
    "pygeoapi": ("pygeoapi==0.21.0", "psycopg2-binary", "sqlalchemy", "geoalchemy2", "starlette", "gunicorn"),
    "tipg": ("tipg",),
}
SERVER = ("uvicorn", "uvloop", "httptools")
_ENV = {"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1"}


class NotInstalled(Exception):
    """A peer cannot be installed on this machine."""


@dataclass(frozen=True, slots=True)
class Peer:
    """An installed peer: the command that serves on a port, and what it needs in its environment."""

    name: str
    version: str
    command: tuple[str | Path, ...]
    env: dict[str, str]
    probe: str


def make_peer(name: str, database: Database, port: int) -> Peer:
    """Installs a peer where it is missing and configures it for a database.

    Raises:
        NotInstalled: uv's last words.
    """
    python = _install(name)
    version = _output([python, "-c", f"import importlib.metadata as m; print(m.version('{name}'))"]).strip()
    make = {"pygeoapi": _pygeoapi, "tipg": _tipg}[name]
    return make(python, version, database, port)


def _install(name: str) -> Path:
    place = FOLDER / f"venv-{name}"
    python = place / "bin" / "python"
    done = place / "installed"
    wanted = " ".join((*PACKAGES[name], *SERVER))
    if not done.exists() or done.read_text() != wanted:
        FOLDER.mkdir(parents=True, exist_ok=True)
        _output([UV, "venv", "--quiet", "--clear", "--python", sys.executable, place])
        _output([UV, "pip", "install", "--quiet", "--python", python, *PACKAGES[name], *SERVER])
        done.write_text(wanted)
    return python


def _output(command: list[str | Path], env: dict[str, str] | None = None) -> str:
    words = [str(word) for word in command]
    given = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    try:
        ended = subprocess.run(words, env={**given, **_ENV, **(env or {})}, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from error
    if ended.returncode != 0:
        raise NotInstalled(" / ".join(ended.stderr.strip().splitlines()[-3:]))
    return ended.stdout


def uvicorn_command(app: str, port: int, python: str | Path = sys.executable) -> tuple[str | Path, ...]:
    """The command that serves an ASGI application as quietly as ours is served, one worker."""
    quiet = ("--no-access-log", "--log-level", "warning")
    return (python, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port), *quiet)


def _pygeoapi(python: Path, version: str, database: Database, port: int) -> Peer:
    config, openapi = FOLDER / f"pygeoapi-{port}.json", FOLDER / f"pygeoapi-{port}-openapi.json"
    config.write_text(json.dumps(_pygeoapi_config(database, port), indent=1))
    config.chmod(0o600)
    env = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi), "PYTHONPATH": ""}
    tool = python.with_name("pygeoapi")
    openapi.write_text(_output([tool, "openapi", "generate", config, "--format", "json"], env))
    probe = "/collections/parcels/items?f=json&limit=1"
    return Peer("pygeoapi", version, uvicorn_command("pygeoapi.starlette_app:APP", port, python), env, probe)


def _pygeoapi_config(database: Database, port: int) -> dict[str, object]:
    url = database.url(LOGIN)
    data = {
        "host": url.host,
        "port": url.port,
        "dbname": url.database,
        "user": url.username,
        "password": url.password,
        "search_path": ["peers", "public"],
    }
    crs = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    table = {"data": data, "id_field": "fid", "table": "parcels", "geom_field": "geom"}
    tiles = {
        **table,
        "type": "tile",
        "name": "MVT-postgresql",
        "options": {"zoom": {"min": 0, "max": 22}},
        "format": {"name": "pbf", "mimetype": "application/vnd.mapbox-vector-tile"},
        "storage_crs": "http://www.opengis.net/def/crs/EPSG/0/4326",
    }
    extent = {"spatial": {"bbox": [-180, -90, 180, 90], "crs": crs}}
    parcels = {
        "type": "collection",
        "title": "Parcels",
        "description": "Parcels",
        "keywords": ["parcels"],
        "links": [{"type": "text/html", "rel": "canonical", "title": "none", "href": "http://example.org"}],
        "extents": extent,
        "providers": [{**table, "type": "feature", "name": "PostgreSQL"}, tiles],
    }
    address = f"http://127.0.0.1:{port}"
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": address,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "gzip": False,
            "languages": ["en-US"],
            "pretty_print": False,
            "limits": {"default_items": 10, "max_items": MAX_ITEMS},
            "map": {"url": "https://example.org/{z}/{x}/{y}.png", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": _metadata(address),
        "resources": {"parcels": parcels},
    }


def _metadata(address: str) -> dict[str, object]:
    return {
        "identification": {
            "title": "bench",
            "description": "bench",
            "keywords": ["bench"],
            "keywords_type": "theme",
            "terms_of_service": "none",
            "url": address,
        },
        "license": {"name": "none", "url": address},
        "provider": {"name": "bench", "url": address},
        "contact": {"name": "bench"},
    }


def _tipg(python: Path, version: str, database: Database, port: int) -> Peer:
    env = {
        "DATABASE_URL": database.dsn(LOGIN),
        "TIPG_DB_SCHEMAS": '["peers"]',
        "TIPG_DB_DATETIME_EXTENT": "false",
        "TIPG_TABLE_CONFIG__peers_parcels__pk": "fid",
        # The catalogue is not read again in the middle of a run.
        "TIPG_CATALOG_TTL": "86400",
        "TIPG_MAX_FEATURES_PER_TILE": str(MAX_TILE_FEATURES),
        "TIPG_MAX_FEATURES_PER_QUERY": str(MAX_ITEMS),
        "PYTHONPATH": "",
    }
    probe = f"/collections/{VIEW}/items?f=geojson&limit=1"
    return Peer("tipg", version, uvicorn_command("tipg.main:app", port, python), env, probe)
