"""What is wrong with a row of observations, told by row and field; a bad row keeps no other out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from layers.access import Scope
from layers.rights import Action, Area
from scenarios.indicators.catalogue import get_indicator
from scenarios.indicators.indicator import Indicator
from scenarios.observations.errors import IndicatorNotFound
from scenarios.observations.observation import Kept, Observation, Refused
from scenarios.outcomes import PlaceKind

_UNIT: Final = re.compile(r"[0-9]{2}|[0-9]{5}")
_AHEAD: Final = timedelta(minutes=5)
"""A sender's clock may be so far ahead of ours."""
_OLDEST: Final = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """Who answers for a place that has been observed before, or for an admin unit."""

    unit_code: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A row that may be taken in, with its period's first moment and the unit that answers."""

    row: int
    observation: Observation
    indicator: Indicator
    at: datetime
    unit_code: str


@dataclass(frozen=True, slots=True)
class Terms:
    """By what rows are judged: who sends them, when they come, whether they are plans, and the places known so far."""

    scope: Scope
    received_at: datetime
    kept: Kept
    places: Mapping[tuple[PlaceKind, str, str], KnownPlace]


def check_row(number: int, observation: Observation, terms: Terms) -> Checked | Refused:
    """The row with what is needed to keep it, or why it is left out."""
    try:
        indicator = get_indicator(observation.indicator)
    except IndicatorNotFound as error:
        return Refused(number, "indicator", error.vi, error.en)
    wrong = _wrong_value(observation, indicator) or _wrong_moment(observation, terms)
    if wrong is None:
        unit_code = _answering(observation, indicator, terms)
        if isinstance(unit_code, str):
            return Checked(number, observation, indicator, indicator.start_of_period(observation.at), unit_code)
        wrong = unit_code
    return Refused(number, *wrong)


def _wrong_value(observation: Observation, indicator: Indicator) -> tuple[str, str, str] | None:
    value = observation.value
    if not math.isfinite(value):
        return ("value", "Giá trị phải là một số hữu hạn.", "The value must be a finite number.")
    if observation.unit is not None and observation.unit.strip() != indicator.unit:
        return (
            "unit",
            f"Đơn vị tính “{observation.unit[:40]}” khác với “{indicator.unit}” của chỉ tiêu. Hãy đổi sang đơn vị đó.",
            f'The unit "{observation.unit[:40]}" is not the indicator\'s "{indicator.unit}". Convert the value to it.',
        )
    lowest, highest = indicator.lowest, indicator.highest
    if (lowest is not None and value < lowest) or (highest is not None and value > highest):
        return (
            "value",
            f"Giá trị {value:g} nằm ngoài khoảng {_bounds(indicator)}. Hãy kiểm tra số và đơn vị tính.",
            f"The value {value:g} lies outside {_bounds(indicator)}. Check the number and its unit.",
        )
    return None


def _bounds(indicator: Indicator) -> str:
    lowest = "…" if indicator.lowest is None else f"{indicator.lowest:g}"
    highest = "…" if indicator.highest is None else f"{indicator.highest:g}"
    return f"[{lowest}; {highest}] {indicator.unit}"


def _wrong_moment(observation: Observation, terms: Terms) -> tuple[str, str, str] | None:
    at = observation.at
    if at.tzinfo is None:
        return (
            "at",
            "Thời điểm cần múi giờ, ví dụ 2026-03-01T00:00:00+07:00.",
            "The moment needs a zone, such as 2026-03-01T00:00:00+07:00.",
        )
    ahead = timedelta(days=366 * 6) if terms.kept is Kept.TARGET else _AHEAD
    if at > terms.received_at + ahead:
        return (
            "at",
            "Thời điểm nằm trong tương lai. Hãy kiểm tra đồng hồ của nơi gửi.",
            "The moment lies in the future. Check the sender's clock.",
        )
    if at < _OLDEST:
        return ("at", f"Thời điểm trước năm {_OLDEST.year}.", f"The moment lies before {_OLDEST.year}.")
    return None


def _answering(observation: Observation, indicator: Indicator, terms: Terms) -> str | tuple[str, str, str]:
    known = terms.places.get((indicator.place, indicator.layer or "", observation.place))
    if known is None and indicator.place is PlaceKind.UNIT:
        return (
            "place",
            f"Không có xã, phường hay tỉnh mã “{observation.place[:20]}”.",
            f'No commune or province has the code "{observation.place[:20]}".',
        )
    unit_code = known.unit_code if known is not None else observation.unit_code
    if known is None:
        wrong = _wrong_new_place(observation)
        if wrong is not None:
            return wrong
    assert unit_code is not None  # noqa: S101 - a new place without one was refused
    if not terms.scope.may(Action.EDIT, Area.INDICATORS, unit_code):
        return (
            "place",
            f"Tài khoản này không được gửi số liệu của đơn vị {unit_code}.",
            f"This account may not send values of the unit {unit_code}.",
        )
    return unit_code


def _wrong_new_place(observation: Observation) -> tuple[str, str, str] | None:
    key = observation.place
    if not key or len(key) > 100 or not key.isprintable():
        return ("place", "Mã nơi đo phải có 1 đến 100 ký tự in được.", "The key of a place has 1 to 100 letters.")
    if observation.unit_code is None or not _UNIT.fullmatch(observation.unit_code):
        return (
            "unit_code",
            f"Nơi “{key[:40]}” mới xuất hiện lần đầu: cần unit_code của xã hoặc tỉnh phụ trách.",
            f'"{key[:40]}" is named for the first time: give the unit_code of the commune or province that answers.',
        )
    lon, lat = observation.lon, observation.lat
    if (lon is None) != (lat is None):
        return ("lon", "Cần cả kinh độ và vĩ độ, hoặc không cả hai.", "Give both longitude and latitude, or neither.")
    if lon is not None and lat is not None and not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return ("lon", "Tọa độ nằm ngoài khoảng độ.", "The coordinates are out of range.")
    return None
