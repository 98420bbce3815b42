"""Whether personal data are sealed and can be opened, for ``diaban doctor``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.finding import Finding
from app.settings import Settings
from layers.personal.counts import Limits, PeopleCounts, count_people
from layers.personal.errors import PersonalKeyError
from layers.personal.keys import keyring_of
from layers.personal.plain import tables_unsealed
from layers.personal.requests import count_requests
from scenarios.work.calendar import local_day

_NAME = "Dữ liệu cá nhân · personal data"


def personal_limits(settings: Settings) -> Limits:
    """From how many persons on the system needs the next level."""
    return Limits(settings.personal_limit, settings.personal_sensitive_limit)


def examine_personal(database: Database, settings: Settings) -> Iterator[Finding]:
    """Looks at the key, for values that lie unsealed, at numbers of persons and at requests that are late."""
    engine = database.engine("diaban_owner")
    try:
        with engine.connect() as connection:
            left = tables_unsealed(connection)
            yield Finding(_NAME, True, f"khóa · key {keyring_of(connection).id}")
            if left:
                yield Finding(_NAME, False, f"chưa mã hóa · unsealed: {', '.join(left)}", "diaban personal seal")
            yield _people(count_people(connection), personal_limits(settings))
            yield _requests(*count_requests(connection, local_day(datetime.now(UTC))))
    except PersonalKeyError as error:
        yield Finding(_NAME, False, type(error).__name__, f"{error.vi} · {error.en}")
    except SQLAlchemyError as error:
        yield Finding(_NAME, False, type(getattr(error, "orig", error)).__name__, "Chạy diaban migrate · run it")
    finally:
        engine.dispose()


def _people(counts: PeopleCounts, limits: Limits) -> Finding:
    found = f"{counts.people:,} người · persons, {counts.sensitive:,} ở lớp hạn chế · in restricted layers"
    remedy = (
        "Sắp đến ngưỡng của cấp độ an toàn cao hơn (NĐ 331/2026): làm hồ sơ cấp độ, rồi đặt DIABAN_PERSONAL_LIMIT,"
        " DIABAN_PERSONAL_SENSITIVE_LIMIT · near the next level's limit: have the level approved, then set the limits"
    )
    return Finding("Chủ thể dữ liệu · data subjects", not counts.warnings(limits), found, remedy)


def _requests(waiting: int, late: int) -> Finding:
    found = f"{waiting} đang chờ · waiting, {late} quá hạn · late"
    return Finding("Yêu cầu của chủ thể · requests", late == 0, found, "diaban personal requests --late")
