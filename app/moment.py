"""A moment as people send it: with its zone, and in years that calendars and the database agree about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def _within_the_centuries(moment: datetime) -> datetime:
    # Near the years 1 and 9999 a change of zone, or a year more or less, leaves what Python can hold.
    if not _EARLIEST <= moment < _LATEST:
        raise PydanticCustomError(
            "moment_out_of_range",
            "the moment must lie from 1900 to before 2200 · thời điểm phải từ năm 1900 đến trước năm 2200",
        )
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_within_the_centuries)]
