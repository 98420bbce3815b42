"""The service with its staff and a worker, over one database for the tests of a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app.database import Database
from tests.app.uploads.office import Counter, by_header, settings_of, staff_of, working
from tests.conftest import run_service


@pytest.fixture(scope="module")
def counter(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    database, folder = make_clone(), tmp_path_factory.mktemp("uploads")
    staff = staff_of(database)
    services = run_service(database, folder, adapt=by_header(staff))
    service = next(services)
    with working(database, settings_of(folder)):
        yield Counter(service, staff)
    next(services, None)
