"""Peers for maps and features that are no Python: Martin, MapServer, QGIS Server, and those that cannot be had.

Nothing is fetched unless ``make bench-peers`` asks for it: Martin is built by cargo, MapServer and QGIS Server come
from the system's packages. All read the view that the Python peers read, under the same login.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from sys import executable

from app.database import Database
from layers.definition import Definition, FieldType
from tests.bench.peers import LOGIN, MAX_ITEMS, MAX_TILE_FEATURES, NotInstalled, Peer
from tests.bench.servers import FOLDER
from tiles.content import tile_fields

MARTIN_VERSION = "1.14.0"
BUILD_S = 3600
WALK_ZOOM = 16
_TYPES = {FieldType.INTEGER: "int8", FieldType.NUMBER: "float8", FieldType.BOOLEAN: "bool"}


def martin(database: Database, port: int, definition: Definition, *, cache_mb: int) -> Peer:
    """Martin with its tile cache of so many megabytes, none for 0.

    Raises:
        NotInstalled: It is not built, and cargo cannot build it.
    """
    program = FOLDER / "martin" / "bin" / "martin"
    if not program.exists():
        build = ["cargo", "install", "martin", "--version", MARTIN_VERSION, "--locked", "--no-default-features"]
        _run([*build, "--features", "postgres", "--root", str(FOLDER / "martin")])
    properties = "\n".join(
        f"        {name}: {_TYPES.get(definition.field(name).type, 'text')}"
        for name in tile_fields(definition, WALK_ZOOM)
    )
    config = FOLDER / f"martin-{port}.yaml"
    config.touch(mode=0o600)
    config.write_text(f"""
listen_addresses: '127.0.0.1:{port}'
cache: {{size_mb: {cache_mb}}}
postgres:
  connection_string: '{database.dsn(LOGIN)}'
  pool_size: 4
  auto_publish: false
  max_feature_count: {MAX_TILE_FEATURES}
  tables:
    parcels:
      schema: peers
      table: parcels
      srid: 4326
      geometry_column: geom
      id_column: fid
      geometry_type: MULTIPOLYGON
      extent: 4096
      buffer: 64
      clip_geom: true
      bounds: [106.0, 10.0, 110.0, 14.0]
      properties:
{properties}
""")
    command = (program, "--config", config)
    return Peer("martin", MARTIN_VERSION, command, {"RUST_LOG": "error"}, "/health")


def mapserver(database: Database, port: int) -> Peer:
    """MapServer's OGC API through FastCGI and nginx.

    Raises:
        NotInstalled: The system's packages are not there and cannot be installed.
    """
    _packages("mapserv", "/usr/lib/cgi-bin/mapserv", ("cgi-mapserver", "mapserver-bin"))
    folder = FOLDER / f"mapserver-{port}"
    folder.mkdir(parents=True, exist_ok=True)
    url = database.url(LOGIN)
    login = f"host={url.host} port={url.port} dbname={url.database} user={url.username} password={url.password}"
    mapfile, config = folder / "parcels.map", folder / "mapserver.conf"
    mapfile.touch(mode=0o600)
    mapfile.write_text(_MAPFILE.format(login=login, limit=MAX_ITEMS, url=f"http://127.0.0.1:{port}/parcels/ogcapi"))
    config.write_text(
        f'CONFIG\nENV\nMS_MAP_PATTERN "."\nOGCAPI_HTML_TEMPLATE_DIRECTORY'
        f' "/usr/share/mapserver/ogcapi/templates/html-plain/"\nEND\nMAPS\nparcels "{mapfile}"\nEND\nEND\n'
    )
    command = _fcgi(port, folder, "/usr/lib/cgi-bin/mapserv", MAPSERVER_CONFIG_FILE=config)
    version = _run(["mapserv", "-v"]).split()[2]
    return Peer("mapserver", version, command, {}, "/parcels/ogcapi/collections/parcels/items?f=json&limit=1")


def qgis_server(database: Database, port: int) -> Peer:
    """QGIS Server's OGC API (wfs3) through FastCGI and nginx.

    Raises:
        NotInstalled: The system's packages are not there and cannot be installed.
    """
    program = "/usr/lib/cgi-bin/qgis_mapserv.fcgi"
    _packages("qgis_mapserv.fcgi", program, ("qgis-server",))
    folder = FOLDER / f"qgis-{port}"
    folder.mkdir(parents=True, exist_ok=True)
    url = database.url(LOGIN)
    source = (
        f"dbname='{url.database}' host={url.host} port={url.port} user='{url.username}' password='{url.password}'"
        " sslmode=disable key='fid' estimatedmetadata=true srid=4326 type=MultiPolygon"
        ' table="peers"."parcels" (geom)'
    )
    project = folder / "parcels.qgs"
    project.touch(mode=0o600)
    project.write_text(_PROJECT.format(source=source.replace('"', "&quot;"), limit=MAX_ITEMS))
    env = {"QGIS_PROJECT_FILE": project, "QT_QPA_PLATFORM": "offscreen", "QGIS_SERVER_LOG_LEVEL": 2}
    env |= {"QGIS_SERVER_API_WFS3_MAX_LIMIT": MAX_ITEMS, "XDG_RUNTIME_DIR": folder, "HOME": folder}
    shown = _run(["dpkg-query", "-W", "-f", "${Version}", "qgis-server"])
    command = _fcgi(port, folder, program, **env)
    return Peer("qgis", shown.partition("+")[0], command, {}, "/wfs3/collections/parcels/items.json?limit=1")


def pg_tileserv(database: Database, port: int) -> Peer:
    """pg_tileserv, built by the Go client.

    Raises:
        NotInstalled: Its module cannot be had.
    """
    env = {"TS_HTTPHOST": "127.0.0.1", "TS_HTTPPORT": str(port), "TS_MAXFEATURESPERTILE": str(MAX_TILE_FEATURES)}
    return _go_peer("pg_tileserv", database, env, "/index.json")


def pg_featureserv(database: Database, port: int) -> Peer:
    """pg_featureserv, built by the Go client.

    Raises:
        NotInstalled: Its module cannot be had.
    """
    env = {"PGFS_SERVER_HTTPHOST": "127.0.0.1", "PGFS_SERVER_HTTPPORT": str(port)}
    env["PGFS_PAGING_LIMITMAX"] = str(MAX_ITEMS)
    return _go_peer("pg_featureserv", database, env, "/collections.json")


def _go_peer(name: str, database: Database, env: dict[str, str], probe: str) -> Peer:
    program = FOLDER / "bin" / name
    if not program.exists():
        try:
            _run(["go", "install", f"github.com/CrunchyData/{name}@latest"], GOBIN=str(program.parent))
        except NotInstalled as error:
            # The client's whole message names the address of the proxy that this machine uses.
            raise NotInstalled(f"the Go client cannot have it: {str(error).rpartition(': ')[2]}") from error
    return Peer(name, "latest", (program,), {**env, "DATABASE_URL": database.dsn(LOGIN)}, probe)


def _fcgi(port: int, folder: Path, program: str, **env: object) -> tuple[str | Path, ...]:
    _packages("nginx", "/usr/sbin/nginx", ("nginx-light", "spawn-fcgi"))
    words = [f"{name}={value}" for name, value in env.items()]
    return (executable, "-m", "tests.bench.fcgi", str(port), folder, program, *words)


def _packages(name: str, program: str, packages: Sequence[str]) -> None:
    if Path(program).exists():
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NotInstalled(f"{name} is not installed: apt-get install {' '.join(packages)}")
    _run(["apt-get", "install", "-y", "--no-install-recommends", *packages], DEBIAN_FRONTEND="noninteractive")


def _run(command: Sequence[str], **env: str) -> str:
    try:
        ended = subprocess.run(
            command, env={**os.environ, **env}, capture_output=True, text=True, timeout=BUILD_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from error
    if ended.returncode != 0:
        raise NotInstalled(" / ".join(ended.stderr.strip().splitlines()[-2:]))
    return ended.stdout


_MAPFILE = """MAP
  NAME "parcels"
  EXTENT 106 10 110 14
  UNITS DD
  PROJECTION "init=epsg:4326" END
  WEB METADATA
    "ows_enable_request" "*"
    "oga_title" "parcels"
    "oga_onlineresource" "{url}"
    "oga_max_limit" "{limit}"
  END END
  LAYER
    NAME "parcels"
    TYPE POLYGON
    STATUS ON
    CONNECTIONTYPE POSTGIS
    CONNECTION "{login}"
    PROCESSING "CLOSE_CONNECTION=DEFER"
    DATA "geom from peers.parcels using unique fid using srid=4326"
    PROJECTION "init=epsg:4326" END
    METADATA
      "ows_title" "parcels"
      "gml_include_items" "all"
      "gml_featureid" "fid"
    END
    TEMPLATE "unused"
    CLASS STYLE COLOR 200 200 200 END END
  END
END
"""
_PROJECT = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis projectname="parcels" version="3.22.16">
  <projectCrs><spatialrefsys><srid>4326</srid><authid>EPSG:4326</authid></spatialrefsys></projectCrs>
  <projectlayers>
    <maplayer type="vector" geometry="Polygon" wkbType="MultiPolygon">
      <id>parcels</id>
      <datasource>{source}</datasource>
      <layername>parcels</layername>
      <shortname>parcels</shortname>
      <srs><spatialrefsys><srid>4326</srid><authid>EPSG:4326</authid></spatialrefsys></srs>
      <provider encoding="UTF-8">postgres</provider>
    </maplayer>
  </projectlayers>
  <properties>
    <WFSLayers type="QStringList"><value>parcels</value></WFSLayers>
    <WFSMaxFeatures type="int">{limit}</WFSMaxFeatures>
  </properties>
</qgis>
"""
