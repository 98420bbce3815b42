"""An alert as a message of the Common Alerting Protocol (OASIS CAP 1.2), in Vietnamese and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET

from scenarios.definition import Scenario
from scenarios.notifying.channel import Language
from scenarios.notifying.history import MessageType, Said
from scenarios.notifying.units import Ring
from scenarios.notifying.wording import LEVEL_WORDS, number_text, said_in
from scenarios.outcomes import Level
from scenarios.work.calendar import VIETNAM_TIME

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE: Final = "application/cap+xml"
# A point has no size of its own; receivers refuse a circle of radius zero.
POINT_RADIUS_KM: Final = 0.1
# CAP 1.2, 3.2.2. What is not here is the offices' own business: it goes out as restricted, for them alone.
CATEGORIES: Final[Mapping[str, tuple[str, ...]]] = {
    "S01": ("Safety", "Rescue"),
    "S02": ("Met", "Safety", "Rescue"),
    "S03": ("Transport", "Safety"),
    "S04": ("Transport", "Security"),
    "S05": ("Fire", "Safety"),
    "S06": ("Health",),
    "S26": ("Health",),
    "S32": ("Security",),
    "S35": ("Transport",),
    "S36": ("Met", "Env"),
    "S37": ("Env", "Health", "Safety"),
    "S41": ("Env",),
}
_URGENCY: Final = {Level.NOTICE: "Future", Level.WARNING: "Expected", Level.ALARM: "Immediate"}
_SEVERITY: Final = {Level.NOTICE: "Minor", Level.WARNING: "Moderate", Level.ALARM: "Severe"}
_LANGUAGES: Final = {Language.VI: "vi-VN", Language.EN: "en-US"}
_ENDED: Final = {
    Language.VI: "Cảnh báo đã kết thúc.",
    Language.EN: "The alert has ended.",
}
_RESTRICTION: Final = "Nội bộ các cơ quan có trách nhiệm · for the agencies in charge"


@dataclass(frozen=True, slots=True)
class Area:
    """Where an alert holds.

    Attributes:
        name: The unit's name; its code where it has none.
        code: Its code of the General Statistics Office, 2 or 5 digits.
        rings: Outer boundaries; empty where the place is a point or the boundary is not known.
        point: Longitude and latitude of a place that is no unit.
    """

    name: str
    code: str
    rings: tuple[Ring, ...] = ()
    point: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class PublicWarning:
    """Everything that a message says.

    Attributes:
        scenario: As it was in force when the alert opened; None where no definition of it is left.
        said: The messages so far, oldest first; the last one is written, the others are referred to.
        onset: Since when the condition holds.
        host: Name of the machine that the service is reached by, which makes identifiers unique.
        link: Whole address of the alert on the board.
        unit: Unit of measure of value and threshold; empty where there is none.
    """

    alert_id: int
    code: str
    scenario: Scenario | None
    said: tuple[Said, ...]
    onset: datetime
    area: Area
    host: str
    link: str
    unit: str


def write_cap(warning: PublicWarning) -> bytes:
    """The XML document of the newest message about an alert, UTF-8."""
    ET.register_namespace("", NAMESPACE)
    last, earlier = warning.said[-1], warning.said[:-1]
    alert = ET.Element(_name("alert"))
    is_public = warning.code in CATEGORIES
    _add(alert, "identifier", identifier(warning, last))
    _add(alert, "sender", _sender(warning))
    _add(alert, "sent", _moment(last.at))
    _add(alert, "status", "Actual")
    _add(alert, "msgType", last.type.value)
    _add(alert, "scope", "Public" if is_public else "Restricted")
    if not is_public:
        _add(alert, "restriction", _RESTRICTION)
    if earlier:
        told = (f"{_sender(warning)},{identifier(warning, one)},{_moment(one.at)}" for one in earlier)
        _add(alert, "references", " ".join(told))
    for language in Language:
        _add_info(alert, warning, last, language)
    written: bytes = ET.tostring(alert, encoding="utf-8", xml_declaration=True)
    return written


def identifier(warning: PublicWarning, said: Said) -> str:
    """The name of a message: without blanks, commas, ``<`` and ``&`` (CAP 1.2, 3.2.1)."""
    return f"diaban.{warning.host}.{warning.alert_id}.{said.number}"


def _sender(warning: PublicWarning) -> str:
    return f"diaban@{warning.host}"


def _add_info(alert: ET.Element, warning: PublicWarning, last: Said, language: Language) -> None:
    has_ended = last.type is MessageType.CANCEL
    info = ET.SubElement(alert, _name("info"))
    _add(info, "language", _LANGUAGES[language])
    for category in CATEGORIES.get(warning.code, ("Other",)):
        _add(info, "category", category)
    event = said_in(warning.scenario.title, language) if warning.scenario else warning.code
    _add(info, "event", event)
    _add(info, "responseType", "AllClear" if has_ended else "Monitor")
    _add(info, "urgency", "Past" if has_ended else _URGENCY[last.level])
    _add(info, "severity", _SEVERITY[last.level])
    _add(info, "certainty", "Observed")
    _add(info, "effective", _moment(last.at))
    _add(info, "onset", _moment(warning.onset))
    if warning.scenario is not None and warning.scenario.leads:
        _add(info, "senderName", warning.scenario.leads[0].agency)
    headline = _headline(warning, last, event, language)
    # Some 160 characters is what receivers show of a headline (CAP 1.2, 3.2.2).
    _add(info, "headline", headline if len(headline) <= 160 else f"{headline[:159]}…")
    _add(info, "description", f"{headline}. {_figures(warning, last, language)}".strip())
    _add(info, "web", warning.link)
    _add_parameters(info, warning, last)
    _add_area(info, warning.area)


def _headline(warning: PublicWarning, last: Said, event: str, language: Language) -> str:
    if last.type is MessageType.CANCEL:
        return f"{_ENDED[language]} {event}, {warning.area.name}"
    return f"{said_in(LEVEL_WORDS[last.level], language)}: {event}, {warning.area.name}"


def _figures(warning: PublicWarning, last: Said, language: Language) -> str:
    if last.value is None:
        return ""
    is_vietnamese, unit = language is Language.VI, f" {warning.unit}" if warning.unit else ""
    words = f"{'Giá trị' if is_vietnamese else 'Value'} {number_text(last.value, language)}{unit}"
    if last.threshold is not None:
        threshold = number_text(last.threshold, language)
        words += f", {'ngưỡng' if is_vietnamese else 'threshold'} {threshold}{unit}"
    return f"{words}."


def _add_parameters(info: ET.Element, warning: PublicWarning, last: Said) -> None:
    figures = {"value": last.value, "threshold": last.threshold}
    pairs = [("scenario", warning.code), ("level", last.level.value)]
    pairs += [(name, repr(figure)) for name, figure in figures.items() if figure is not None]
    for name, value in pairs:
        _add_pair(info, "parameter", f"diaban:{name}", value)


def _add_area(info: ET.Element, place: Area) -> None:
    area = ET.SubElement(info, _name("area"))
    _add(area, "areaDesc", f"{place.name} ({place.code})" if place.name != place.code else place.code)
    for ring in place.rings:
        # CAP 1.2, 3.2.4: latitude first.
        _add(area, "polygon", " ".join(f"{lat:.5f},{lon:.5f}" for lon, lat in ring))
    if place.point is not None:
        lon, lat = place.point
        _add(area, "circle", f"{lat:.5f},{lon:.5f} {POINT_RADIUS_KM}")
    _add_pair(area, "geocode", "VN-GSO", place.code)


def _add_pair(parent: ET.Element, name: str, value_name: str, value: str) -> None:
    pair = ET.SubElement(parent, _name(name))
    _add(pair, "valueName", value_name)
    _add(pair, "value", value)


def _add(parent: ET.Element, name: str, words: str) -> None:
    ET.SubElement(parent, _name(name)).text = "".join(mark if _is_xml(mark) else " " for mark in words)


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _is_xml(mark: str) -> bool:
    """Whether XML 1.0 can hold a character at all, escaped or not (2.2)."""
    code = ord(mark)
    return code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def _moment(at: datetime) -> str:
    """Seconds and the offset from UTC, which CAP 1.2 wants in digits."""
    return at.astimezone(VIETNAM_TIME).replace(microsecond=0).isoformat()
