"""Explains what is missing or misconfigured, each with its remedy."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyproj
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.audit_health import examine_audit
from app.backup.health import examine_backups
from app.cluster import cluster_status
from app.database import external_database
from app.finding import Finding
from app.locate import locate_database
from app.personal_health import examine_personal
from app.postgres import ClusterError, find_programs
from app.sending.health import examine_channels
from app.serve import is_free
from app.settings import CHECKOUT, Settings

MIN_FREE_GB = 2
OLDEST_POSTGRESQL, NEWEST_POSTGRESQL = 15, 17
VN2000_ROWS = 21
_MIGRATE = "Chạy diaban migrate · run diaban migrate"


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at the machine, then at the database if there is one."""
    yield _python()
    yield _programs(settings)
    yield _disk(settings.state_dir)
    yield _proj()
    yield _port(settings)
    yield from _database(settings)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    well = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("Python", well, version, "Cần Python 3.11–3.13 của hệ thống · install the system's Python 3.11-3.13")


def _programs(settings: Settings) -> Finding:
    if settings.database_url is not None:
        return Finding("PostgreSQL", True, "DATABASE_URL")
    try:
        return Finding("PostgreSQL", True, str(find_programs()))
    except ClusterError as error:
        return Finding("PostgreSQL", False, "thiếu · missing", f"{error.vi} · {error.en}")


def _disk(folder: Path) -> Finding:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(nearest).free / 1e9
    remedy = f"Cần ít nhất {MIN_FREE_GB} GB trống · free at least {MIN_FREE_GB} GB"
    return Finding("Đĩa · disk", free >= MIN_FREE_GB, f"{free:.1f} GB", remedy)


def _proj() -> Finding:
    folder = Path(pyproj.datadir.get_data_dir())
    well = (folder / "proj.db").exists()
    return Finding("PROJ", well, f"{pyproj.proj_version_str} ({folder})", "Cài lại pyproj: make clean demo")


def _port(settings: Settings) -> Finding:
    free = is_free(settings.host, settings.port)
    found = "trống · free" if free else "đang được dùng · in use"
    remedy = "Dịch vụ có thể đang chạy; nếu không, đặt PORT khác · it may be our own service, else set another PORT"
    return Finding(f"Cổng · port {settings.host}:{settings.port}", free, found, remedy)


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is not None:
        database = external_database(settings)
    else:
        status = cluster_status(CHECKOUT, state_dir=settings.state_dir)
        if status.pid is None:
            state = "đã tạo, đang dừng · made, stopped" if status.is_created else "chưa có · none yet"
            yield Finding("Cụm riêng · private cluster", True, state)
            return
        database = locate_database(settings)
    yield from examine_database(database.superuser_engine())
    yield from examine_audit(database, settings)
    yield from examine_backups(database, settings)
    yield from examine_channels(database.superuser_engine(), settings)
    yield from examine_personal(database, settings)


def examine_database(engine: Engine) -> Iterator[Finding]:
    """Looks at PostGIS, private CRS rows, leakproof operators, the schema and the layers."""
    checks: tuple[Callable[[Connection], Finding], ...] = (_server, _postgis, _crs_rows, _leakproof, _schema)
    try:
        with engine.connect() as connection:
            for check in checks:
                yield check(connection)
    except SQLAlchemyError as error:
        reason = type(getattr(error, "orig", error)).__name__
        yield Finding("Cơ sở dữ liệu · database", False, reason, _MIGRATE)


def _server(connection: Connection) -> Finding:
    number = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    remedy = f"Cần PostgreSQL {OLDEST_POSTGRESQL}–{NEWEST_POSTGRESQL} · use {OLDEST_POSTGRESQL}-{NEWEST_POSTGRESQL}"
    return Finding("Máy chủ · server", OLDEST_POSTGRESQL <= number <= NEWEST_POSTGRESQL, str(number), remedy)


def _postgis(connection: Connection) -> Finding:
    version = connection.execute(text("SELECT postgis_lib_version()")).scalar_one()
    major, minor = (int(part) for part in version.split(".")[:2])
    return Finding("PostGIS", (major, minor) >= (3, 3), version, "Cần PostGIS 3.3 trở lên · needs PostGIS 3.3 or newer")


def _crs_rows(connection: Connection) -> Finding:
    count = connection.execute(
        text("SELECT count(*) FROM spatial_ref_sys WHERE srid BETWEEN 903405 AND 909218")
    ).scalar_one()
    return Finding(
        "VN-2000", count == VN2000_ROWS, f"{count}/{VN2000_ROWS}", "Chạy diaban migrate · run diaban migrate"
    )


def _leakproof(connection: Connection) -> Finding:
    count = connection.execute(
        text(
            "SELECT count(*) FROM pg_proc WHERE proleakproof"
            " AND proname IN ('geometry_overlaps', 'geography_overlaps', 'geography')"
        )
    ).scalar_one()
    return Finding("LEAKPROOF", count >= 3, str(count), "Chạy diaban migrate bằng superuser · run it as superuser")


def _schema(connection: Connection) -> Finding:
    version = connection.execute(text("SELECT version_num FROM catalogue.alembic_version")).scalar_one()
    layers = connection.execute(text("SELECT count(*) FROM catalogue.layers")).scalar_one()
    return Finding("Lược đồ · schema", True, f"{version}, {layers} lớp · layers")
