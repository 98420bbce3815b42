"""Where a file lies: what it says of itself, held against what is known; asked where nothing proves it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.intake.evidence import Evidence, Known, weigh
from layers.intake.model import CRSCandidate, CRSDecision, FileKind, Finding, Option, Question
from layers.intake.place_words import contradiction, declared_note, offset_reason, recovered, unplaced
from layers.intake.samples import Sample, take_sample
from spatial.crs import CRS84
from spatial.declared_crs import Declared, Doubt, recognise
from spatial.readings import Reading, parse_reading, readings_of_degrees, readings_of_metres

_NEAR_M: Final = 25.0
_CLEARLY_NEARER: Final = 0.25
_SHARED_VERTICES: Final = 0.5
_SHOWN: Final = 8
_MOST_DEGREES: Final = 360.0
_TABLES: Final = (FileKind.CSV, FileKind.XLSX)
_SURE_DEGREES: Final = (FileKind.KML,)
_MOST_PLACES: Final = 12


@dataclass(frozen=True, slots=True)
class Placement:
    """The decision, the step to take where there is one, and what to tell and to ask."""

    decision: CRSDecision
    reading: Reading | None
    findings: tuple[Finding, ...]
    question: Question | None


def decide_place(
    geometry: NDArray[np.object_],
    declared_text: str | None,
    kind: FileKind,
    known: Known,
    *,
    chosen: str | None = None,
    remembered: str | None = None,
) -> Placement:
    """Decides how the coordinates of a file are to be read.

    Args:
        geometry: Features in the numbers of the file.
        declared_text: WKT or code that the file declares.
        kind: What the file is: KML is in degrees of WGS 84, tables say nothing.
        known: What the file is held against.
        chosen: The person's choice; it decides.
        remembered: How the unit's last accepted file was read.

    Raises:
        InvalidCRS: The choice is none.
    """
    sample = take_sample(geometry)
    declared = recognise(declared_text)
    if not len(sample.points):
        return Placement(CRSDecision(None, declared.text or None, True, ()), None, (unplaced(),), None)
    wanted = parse_reading(chosen) if chosen else None
    ways = _ways(sample, declared, wanted, kind)
    weighed = sorted((weigh(way, sample, geometry, known) for way in ways), key=lambda found: -found.score)
    return _Judge(declared, kind, known, tuple(weighed), wanted, remembered).decide()


def _ways(sample: Sample, declared: Declared, wanted: Reading | None, kind: FileKind) -> list[Reading]:
    x, y = (abs(value) for value in sample.middle)
    ways = [*declared.readings, *([wanted] if wanted else [])]
    ways += [Reading(way.crs, way.older, is_swapped=True, is_on_wgs84=way.is_on_wgs84) for way in declared.readings]
    if kind in _SURE_DEGREES and max(x, y) <= _MOST_DEGREES:
        ways += [Reading(CRS84), Reading(CRS84, is_swapped=True)]
    elif max(x, y) <= _MOST_DEGREES:
        ways += readings_of_degrees()
    else:
        ways += [*readings_of_metres(), *_without_point(x, y)]
    return list(dict.fromkeys(ways))


def _without_point(x: float, y: float) -> Iterator[Reading]:
    """Degrees whose decimal point is lost, with the same number of places in both coordinates."""
    for places in range(2, _MOST_PLACES + 1):
        a, b = x / 10**places, y / 10**places
        if 102 <= a <= 118 and 6 <= b <= 24:
            yield Reading(CRS84, places=places)
        if 102 <= b <= 118 and 6 <= a <= 24:
            yield Reading(CRS84, places=places, is_swapped=True)


@dataclass(frozen=True, slots=True)
class _Judge:
    declared: Declared
    kind: FileKind
    known: Known
    weighed: tuple[Evidence, ...]
    wanted: Reading | None
    remembered: str | None

    def decide(self) -> Placement:
        """The first rule that applies decides."""
        if self.wanted is not None:
            return self._take(self._of(self.wanted), ())
        notes = tuple(declared_note(self.declared))
        for rule in (self._declared, self._swapped, self._proved, self._habit, self._plain_degrees):
            found = rule()
            if found is not None:
                return self._take(found[0], (*notes, *found[1]))
        return self._ask(notes)

    def _of(self, reading: Reading) -> Evidence:
        return next(found for found in self.weighed if found.reading == reading)

    def _plausible(self) -> list[Evidence]:
        return [found for found in self.weighed if found.is_plausible]

    def _declared(self) -> tuple[Evidence, tuple[Finding, ...]] | None:
        """A clear declaration stands unless the layer's earlier state speaks against it."""
        if not self.declared.is_clear:
            return None
        own = self._of(self.declared.readings[0])
        return (own, ()) if own.is_plausible and self._better_than(own) is None else None

    def _better_than(self, own: Evidence) -> Evidence | None:
        """Another reading that lies on the earlier state where this one lies beside it."""
        if own.offset_m is not None and own.offset_m > _NEAR_M:
            rivals = [found for found in self._plausible() if found.offset_m is not None]
            best = min(rivals, key=lambda found: found.offset_m or 0.0, default=None)
            if best and (best.offset_m or 0.0) < _NEAR_M and (best.offset_m or 0.0) < _CLEARLY_NEARER * own.offset_m:
                return best
        return None

    def _swapped(self) -> tuple[Evidence, tuple[Finding, ...]] | None:
        """Exchanged coordinates of a clear declaration: the ranges of both never meet, so nothing is guessed."""
        if not self.declared.is_clear:
            return None
        own = self.declared.readings[0]
        turned = Reading(own.crs, own.older, is_swapped=True, is_on_wgs84=own.is_on_wgs84)
        found = self._of(turned)
        if self._of(own).vietnam_share < 0.5 and found.is_plausible and self._better_than(found) is None:
            return found, (recovered(found),)
        return None

    def _proved(self) -> tuple[Evidence, tuple[Finding, ...]] | None:
        """No or no clear declaration, but one reading lies on what is known and no other does."""
        if self.declared.is_clear:
            return None
        best = self._nearest()
        allowed = self.declared.readings
        if best is None or (allowed and best.reading not in allowed):
            return None
        return best, (recovered(best),)

    def _nearest(self) -> Evidence | None:
        plausible = self._plausible()
        near = [found for found in plausible if found.offset_m is not None and found.offset_m < _NEAR_M]
        near.sort(key=lambda found: found.offset_m or 0.0)
        if near:
            others = [f.offset_m or 0.0 for f in near[1:] if not _same_place(f, near[0])]
            return near[0] if not others or (near[0].offset_m or 0.0) < _CLEARLY_NEARER * min(others) else None
        shared = sorted((f for f in plausible if f.vertex_share), key=lambda f: -(f.vertex_share or 0.0))
        if shared and (shared[0].vertex_share or 0.0) >= _SHARED_VERTICES:
            rivals = [f for f in shared[1:] if not _same_place(f, shared[0])]
            if not rivals or (rivals[0].vertex_share or 0.0) < _CLEARLY_NEARER * (shared[0].vertex_share or 0.0):
                return shared[0]
        return None

    def _habit(self) -> tuple[Evidence, tuple[Finding, ...]] | None:
        """The unit's last accepted file was read so, the file says nothing, and nothing speaks against it."""
        if self.declared.readings or not self.remembered:
            return None
        habit = parse_reading(self.remembered)
        found = next((item for item in self._plausible() if item.reading == habit), None)
        return (found, (recovered(found),)) if found and self._better_than(found) is None else None

    def _plain_degrees(self) -> tuple[Evidence, tuple[Finding, ...]] | None:
        """Degrees in a table come from GPS and web maps, which are in WGS 84; told, not asked."""
        if self.kind not in _TABLES or self.declared.readings:
            return None
        wgs84 = [found for found in self._plausible() if found.reading.crs == CRS84 and not found.reading.places]
        found = max(wgs84, key=lambda item: item.score, default=None)
        if found is None or self._better_than(found) is not None:
            return None
        return found, (recovered(found),)

    def _take(self, found: Evidence, findings: tuple[Finding, ...]) -> Placement:
        rivals = [other for other in self.weighed if other.is_plausible and other is not found]
        candidates = tuple(_candidate(item) for item in [found, *rivals][:_SHOWN])
        decision = CRSDecision(found.reading.value, self.declared.text or None, True, candidates)
        if not found.is_plausible:
            findings = (*findings, contradiction(found, self.declared.text))
        return Placement(decision, found.reading, findings, None)

    def _ask(self, notes: tuple[Finding, ...]) -> Placement:
        offered = self._offered()
        findings = notes
        if self.declared.is_clear:
            findings = (*notes, contradiction(self._of(self.declared.readings[0]), self.declared.text))
        candidates = tuple(_candidate(found) for found in offered)
        question = Question(
            "crs",
            "Tọa độ của tệp thuộc hệ nào? Hãy xem từng phương án trên bản đồ và chọn phương án trùng với thực địa.",
            "Which coordinate system is the file in? Look at each on the map and choose the one that fits the ground.",
            tuple(Option(item.value, item.title_vi, item.title_en) for item in candidates),
        )
        return Placement(CRSDecision(None, self.declared.text or None, False, candidates), None, findings, question)

    def _offered(self) -> list[Evidence]:
        """Plausible readings, those declared first; where none is plausible, the best of all."""
        declared = [found for found in self._plausible() if found.reading in self.declared.readings]
        if self.declared.doubt in (Doubt.DATUM_MISLABELLED, Doubt.DATUM_UNKNOWN) and declared:
            return declared
        return (self._plausible() or list(self.weighed))[:_SHOWN]


def _same_place(a: Evidence, b: Evidence) -> bool:
    """Whether two readings put the file into the same place, within a few centimetres."""
    with np.errstate(invalid="ignore"):
        return bool(np.nanmax(np.abs(a.lonlat - b.lonlat)) < 1e-6)


def _candidate(found: Evidence) -> CRSCandidate:
    usable = found.lonlat[np.isfinite(found.lonlat).all(axis=1)]
    usable = usable[(np.abs(usable[:, 0]) <= 180) & (np.abs(usable[:, 1]) <= 90)]
    box = (*usable.min(axis=0), *usable.max(axis=0)) if len(usable) else None
    return CRSCandidate(
        value=found.reading.value,
        title_vi=found.reading.title_vi,
        title_en=found.reading.title_en,
        score=round(found.score, 4),
        inside_share=found.inside_share,
        vietnam_share=found.vietnam_share,
        iou=found.iou,
        offset_m=found.offset_m,
        bearing_deg=found.bearing_deg,
        bbox=None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        footprint=shapely.MultiPoint(usable).convex_hull if len(usable) else None,
        reasons=tuple(_reasons(found)),
    )


def _reasons(found: Evidence) -> Iterable[tuple[str, str]]:
    if found.inside_share is not None:
        share = f"{found.inside_share:.0%}"
        yield f"{share} đối tượng nằm trong địa bàn đã chọn", f"{share} of the features lie in the unit"
    if found.offset_m is not None and found.bearing_deg is not None:
        yield offset_reason(found.offset_m, found.bearing_deg)
    if found.iou is not None:
        yield f"chồng khít {found.iou:.0%} với phiên bản hiện tại", f"overlaps the current revision by {found.iou:.0%}"
    if found.vertex_share is not None:
        share = f"{found.vertex_share:.0%}"
        yield f"{share} đỉnh trùng dữ liệu đã có", f"{share} of the vertices are vertices already known"
