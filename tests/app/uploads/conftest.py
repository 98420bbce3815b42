"""The service with its staff and a worker, over one database for the tests of a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import app.uploads.opening
from app.database import Database
from tests.app.uploads.office import Counter, by_header, settings_of, staff_of, working
from tests.conftest import run_service
from tests.layers.uploads.plain import read_plain


@pytest.fixture(scope="module")
def counter(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    database, folder = make_clone(), tmp_path_factory.mktemp("uploads")
    staff = staff_of(database)
    services = run_service(database, folder, adapt=by_header(staff))
    service = next(services)
    with working(database, settings_of(folder)):
        yield Counter(service, staff)
    next(services, None)


@pytest.fixture(scope="session", autouse=True)
def _plain_reading() -> None:
    """What surrounds the pipeline is tested with one that guesses nothing."""
    app.uploads.opening.read_file = read_plain
