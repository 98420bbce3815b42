"""The rules of CAP 1.2 (OASIS, 1 July 2010), written down from the standard: order, counts, words, forms of values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

SPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"
MANY = 10**6


@dataclass(frozen=True)
class Part:
    """One element that may stand in another: how often, and what it may hold."""

    least: int = 0
    most: int = 1
    words: tuple[str, ...] = ()
    form: str = r"(?s).+"


_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d"
_NAME = r"[^\s,<&]+"
_NUMBER = r"-?\d+(\.\d+)?"
_PAIR = rf"{_NUMBER},{_NUMBER}"
_VALUE = {"valueName": Part(1), "value": Part(1)}
_CATEGORIES = (
    *("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"),
)
_RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
# In the order of the standard's schema.
PARTS: Mapping[str, Mapping[str, Part]] = {
    "alert": {
        "identifier": Part(1, form=_NAME),
        "sender": Part(1, form=_NAME),
        "sent": Part(1, form=_MOMENT),
        "status": Part(1, words=("Actual", "Exercise", "System", "Test", "Draft")),
        "msgType": Part(1, words=("Alert", "Update", "Cancel", "Ack", "Error")),
        "source": Part(),
        "scope": Part(1, words=("Public", "Restricted", "Private")),
        "restriction": Part(),
        "addresses": Part(),
        "code": Part(most=MANY),
        "note": Part(),
        "references": Part(form=rf"{_NAME},{_NAME},{_MOMENT}( {_NAME},{_NAME},{_MOMENT})*"),
        "incidents": Part(),
        "info": Part(most=MANY),
    },
    "info": {
        "language": Part(form=r"[a-z]{2}(-[A-Z]{2})?"),
        "category": Part(1, MANY, words=_CATEGORIES),
        "event": Part(1),
        "responseType": Part(most=MANY, words=_RESPONSES),
        "urgency": Part(1, words=("Immediate", "Expected", "Future", "Past", "Unknown")),
        "severity": Part(1, words=("Extreme", "Severe", "Moderate", "Minor", "Unknown")),
        "certainty": Part(1, words=("Observed", "Likely", "Possible", "Unlikely", "Unknown")),
        "audience": Part(),
        "eventCode": Part(most=MANY),
        "effective": Part(form=_MOMENT),
        "onset": Part(form=_MOMENT),
        "expires": Part(form=_MOMENT),
        "senderName": Part(),
        "headline": Part(),
        "description": Part(),
        "instruction": Part(),
        "web": Part(form=r"https?://\S+"),
        "contact": Part(),
        "parameter": Part(most=MANY),
        "resource": Part(most=MANY),
        "area": Part(most=MANY),
    },
    "area": {
        "areaDesc": Part(1),
        "polygon": Part(most=MANY, form=rf"{_PAIR}( {_PAIR}){{3,}}"),
        "circle": Part(most=MANY, form=rf"{_PAIR} {_NUMBER}"),
        "geocode": Part(most=MANY),
        "altitude": Part(form=_NUMBER),
        "ceiling": Part(form=_NUMBER),
    },
    "parameter": _VALUE,
    "geocode": _VALUE,
    "eventCode": _VALUE,
}


def read_valid(document: bytes) -> ET.Element:
    """The message, once it has been found to follow the standard; else AssertionError says where it does not."""
    alert = ET.fromstring(document)  # noqa: S314 - our own answer
    assert alert.tag == f"{SPACE}alert"
    _check(alert, "alert")
    _check_across(alert)
    return alert


def _check(element: ET.Element, name: str) -> None:
    known = PARTS[name]
    order = [child.tag.removeprefix(SPACE) for child in element]
    assert set(order) <= set(known), (name, order)
    places = [list(known).index(child) for child in order]
    assert places == sorted(places), (name, order)
    assert not element.attrib
    for child, part in known.items():
        assert part.least <= order.count(child) <= part.most, (name, child, order.count(child))
    for child in element:
        local = child.tag.removeprefix(SPACE)
        if local in PARTS:
            _check(child, local)
        else:
            _check_value(local, child.text or "", known[local])


def _check_value(name: str, value: str, part: Part) -> None:
    assert re.fullmatch(part.form, value), (name, value)
    assert not part.words or value in part.words, (name, value)


def _check_across(alert: ET.Element) -> None:
    """What the standard says in words and its schema cannot."""
    values = {child.tag.removeprefix(SPACE): child.text or "" for child in alert}
    assert (values["scope"] == "Restricted") == ("restriction" in values)
    assert (values["msgType"] in ("Update", "Cancel")) == ("references" in values)
    sent = datetime.fromisoformat(values["sent"])
    for reference in values.get("references", "").split():
        sender, name, moment = reference.split(",")
        assert (sender, name != values["identifier"]) == (values["sender"], True)
        assert datetime.fromisoformat(moment) <= sent
    for polygon in alert.iter(f"{SPACE}polygon"):
        pairs = (polygon.text or "").split()
        assert pairs[0] == pairs[-1], "a polygon is closed"
    for pair in [*alert.iter(f"{SPACE}polygon"), *alert.iter(f"{SPACE}circle")]:
        for lat, lon in (one.split(",") for one in (pair.text or "").split() if "," in one):
            assert abs(float(lat)) <= 90, "latitude comes first"
            assert abs(float(lon)) <= 180
