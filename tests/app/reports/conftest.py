"""A service over the small world in which everybody may report."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app.database import Database
from tests.app.reports.desk import PEOPLE, Desk
from tests.conftest import run_service
from tests.people import with_people


@pytest.fixture(scope="module")
def desk(
    copy_database: Callable[[str], Database], world_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    for service in run_service(
        copy_database(world_template),
        tmp_path_factory.mktemp("state"),
        adapt=with_people(PEOPLE),
        public_reports=True,
        reports_per_hour=5,
        trusted_proxies=("127.0.0.1",),
    ):
        yield Desk(service)


@pytest.fixture(scope="module")
def shut(
    copy_database: Callable[[str], Database], world_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """The same where only people with the right report."""
    for service in run_service(
        copy_database(world_template), tmp_path_factory.mktemp("shut"), adapt=with_people(PEOPLE)
    ):
        yield Desk(service)
