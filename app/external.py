"""Whether a database that an administrator named can carry the service, told before anything is changed in it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Row, text
from sqlalchemy.exc import OperationalError

OLDEST_POSTGRESQL, NEWEST_POSTGRESQL = 15, 17
OLDEST_POSTGIS = (3, 3)
_FACTS = """
SELECT current_setting('server_version_num')::int / 10000 AS major,
       current_setting('server_encoding') AS encoding,
       current_user AS login,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
       pg_is_in_recovery() AS is_replica,
       (SELECT coalesce(installed_version, default_version) FROM pg_available_extensions
        WHERE name = 'postgis') AS postgis
"""


class UnfitDatabase(Exception):
    """The database of ``DATABASE_URL`` lacks something.

    Attributes:
        vi: What is missing and who can mend it, in Vietnamese.
        en: The same in English.
    """

    def __init__(self, vi: str, en: str) -> None:
        self.vi = f"DATABASE_URL: {vi}"
        self.en = f"DATABASE_URL: {en}"
        super().__init__(self.en)


def require_fit(engine: Engine) -> None:
    """Looks at version, encoding, rights and PostGIS; changes nothing.

    The first migration needs a superuser: it creates PostGIS and four logins and marks three PostGIS functions
    LEAKPROOF, which no other role may do and without which row policies switch the spatial indexes off.

    Raises:
        UnfitDatabase: With the remedy.
    """
    facts = _read_facts(engine)
    if facts.is_replica:
        raise UnfitDatabase(
            "đây là bản sao chỉ đọc; hãy trỏ DATABASE_URL vào máy chính.",
            "this is a read-only replica; point DATABASE_URL at the primary.",
        )
    if not OLDEST_POSTGRESQL <= facts.major <= NEWEST_POSTGRESQL:
        raise UnfitDatabase(
            f"cần PostgreSQL {OLDEST_POSTGRESQL}–{NEWEST_POSTGRESQL}, máy chủ này là {facts.major}.",
            f"PostgreSQL {OLDEST_POSTGRESQL}-{NEWEST_POSTGRESQL} is needed, this server is {facts.major}.",
        )
    if facts.encoding != "UTF8":
        raise UnfitDatabase(
            f"cơ sở dữ liệu phải dùng bảng mã UTF8, không phải {facts.encoding}.",
            f"the database must be encoded in UTF8, not {facts.encoding}.",
        )
    if facts.postgis is None or _release(facts.postgis) < OLDEST_POSTGIS:
        raise UnfitDatabase(
            f"cần PostGIS 3.3 trở lên, máy chủ {'có ' + facts.postgis if facts.postgis else 'chưa có'}; "
            f"cài gói postgresql-{facts.major}-postgis-3 trên máy chủ đó.",
            f"PostGIS 3.3 or newer is needed, the server has {facts.postgis or 'none'}; "
            f"install postgresql-{facts.major}-postgis-3 on that server.",
        )
    if not facts.is_superuser:
        raise UnfitDatabase(
            f"tài khoản “{facts.login}” phải là superuser: lần đầu cần tạo PostGIS, bốn tài khoản diaban_* và "
            f'đánh dấu LEAKPROOF. Nhờ quản trị viên chạy: ALTER ROLE "{facts.login}" SUPERUSER;',
            f'the login "{facts.login}" must be a superuser, to create PostGIS, the four diaban_* logins and the '
            f'LEAKPROOF marks. Ask an administrator to run: ALTER ROLE "{facts.login}" SUPERUSER;',
        )


def _read_facts(engine: Engine) -> Row[Any]:
    try:
        with engine.connect() as connection:
            return connection.execute(text(_FACTS)).one()
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise UnfitDatabase(
            f"không nối được ({reason}). Kiểm tra máy, cổng, tên cơ sở dữ liệu và mật khẩu.",
            f"cannot connect ({reason}). Check host, port, database name and password.",
        ) from error


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
