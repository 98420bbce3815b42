"""Intake from end to end: one function from a file to everything there is to say of it; nothing is changed anywhere."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.intake.archive import ArchiveLimits
from layers.intake.assemble import (
    areas_against_fields,
    check_fields,
    check_topology,
    count_totals,
    in_order,
    other_unit,
    repeated_keys,
    with_keys,
)
from layers.intake.columns import distinct_texts, match_columns
from layers.intake.coordinates import find_coordinates
from layers.intake.evidence import know
from layers.intake.fields import FilledFields, fill_fields, key_texts
from layers.intake.model import (
    EncodingDecision,
    FieldMapping,
    Finding,
    Intake,
    Option,
    Part,
    Question,
    Severity,
    SourceFile,
    Totals,
    Wish,
    World,
)
from layers.intake.opening import DEFAULT_OPENING, FoundPart, OpeningLimits, list_parts, read_part
from layers.intake.place import Placement, decide_place
from layers.intake.rejection import FileRejected
from layers.intake.shapes import GEOMETRY, Shaped, shape, unreadable_geometry
from layers.intake.suspicious_text import find_suspicious_names
from layers.intake.tables import DecodedTable, decode_table
from layers.intake.told import no_coordinates, no_rows, placed_by_text, ragged_row, unread_coordinates
from layers.intake.topology import Territory
from layers.intake.unpack import Package, unpack
from spatial.readings import Reading

_MASK: Final = "(dữ liệu cá nhân)"
_SOURCE_CRS: Final = "source_crs"


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """What intake takes: of archives, and of files opened."""

    archive: ArchiveLimits = field(default_factory=ArchiveLimits)
    opening: OpeningLimits = DEFAULT_OPENING


def run_intake(
    path: Path, wish: Wish, world: World, *, limits: IntakeLimits | None = None, work: Path | None = None
) -> Intake:
    """Takes a file in as far as it can be taken, and returns checked rows with everything found.

    Args:
        path: The file, or a folder of files sent together.
        wish: What the person said.
        world: What is known of the place.
        limits: What is taken at most.
        work: Folder for temporary folders of ours.

    Raises:
        InvalidWish: A choice names an encoding that is not there.
        InvalidCRS: A choice names no way to read coordinates.
    """
    limits = limits or IntakeLimits()
    with tempfile.TemporaryDirectory(prefix="intake-", dir=work) as folder:
        try:
            package = unpack(path, Path(folder), limits.archive)
            parts = list_parts(package.datasets, Path(folder), limits.opening)
            part = _choose(parts, wish)
            source = _source(path, package, parts, part)
            if part is None:
                return _unchosen(wish, source, parts, package)
            raw = read_part(part, Path(folder), limits.opening)
        except FileRejected as error:
            return _rejected(wish, error)
        declared = raw.crs or part.dataset.declared_crs
        decoded = decode_table(raw, part.dataset.declared_encoding, wish)
        told = (*package.findings, *(ragged_row(row) for row in raw.ragged))
        run = _Run(wish, world, part, declared, told, decoded)
        return run.finish(source, raw.geometry, raw.broken)


def _choose(parts: Sequence[FoundPart], wish: Wish) -> FoundPart | None:
    """The part that the person named, or the only one with rows."""
    if wish.part is not None:
        named = [part for part in parts if part.name == wish.part]
        if named:
            return named[0]
    filled = [part for part in parts if part.rows != 0]
    candidates = filled or list(parts)
    return candidates[0] if len(candidates) == 1 else None


def _source(path: Path, package: Package, parts: Sequence[FoundPart], part: FoundPart | None) -> SourceFile:
    listed = tuple(Part(item.name, item.rows) for item in parts)
    kind = part.dataset.kind if part else parts[0].dataset.kind
    return SourceFile(path.name, kind, package.is_archive, listed, part.name if part else "", ())


def _unchosen(wish: Wish, source: SourceFile, parts: Sequence[FoundPart], package: Package) -> Intake:
    question = Question(
        "part",
        "Tệp có nhiều lớp dữ liệu. Hãy chọn một lớp.",
        "The file holds several layers. Choose one.",
        tuple(Option(part.name, _described(part), _described(part)) for part in parts),
    )
    return _bare(wish, findings=package.findings, questions=(question,), source=source)


def _described(part: FoundPart) -> str:
    return part.name if part.rows is None else f"{part.name} ({part.rows})"


def _rejected(wish: Wish, error: FileRejected) -> Intake:
    return dataclasses.replace(_bare(wish, findings=(error.finding,)), is_rejected=True)


def _bare(
    wish: Wish,
    *,
    findings: tuple[Finding, ...],
    questions: tuple[Question, ...] = (),
    source: SourceFile | None = None,
) -> Intake:
    return Intake(
        wish=wish,
        source=source,
        encoding=None,
        crs=None,
        mapping=None,
        rows=pd.DataFrame(),
        refused=pd.DataFrame(),
        findings=findings,
        questions=questions,
        totals=Totals(),
    )


@dataclass(slots=True)
class _Run:
    """One part on its way from decoded columns to checked rows."""

    wish: Wish
    world: World
    part: FoundPart
    declared_crs: str | None
    packing: tuple[Finding, ...]
    decoded: DecodedTable
    findings: list[Finding] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def finish(self, source: SourceFile, geometry: NDArray[np.object_] | None, broken: NDArray[np.intp]) -> Intake:
        table = self.decoded.frame
        self.findings += [*self.packing, *self.decoded.findings, *find_suspicious_names(map(str, table.columns))]
        if self.decoded.question is not None:
            self.questions.append(self.decoded.question)
        raw, taken = self._coordinates(geometry, broken)
        mapping = self._mapping(taken)
        filled = fill_fields(table, mapping, self.wish, self.world, damaged=self.decoded.damaged)
        self.findings += filled.findings
        self.questions += [*filled.questions, *self._missing(mapping)]
        if not len(table):
            self.findings.append(no_rows())
        placement, shaped = self._place(raw, filled)
        rows, refused = self._check(filled, mapping, placement.reading if placement else None, shaped)
        findings = in_order(with_keys(self.findings, filled.keys))
        repaired = shaped.repaired if shaped is not None else np.zeros(len(table), bool)
        return Intake(
            wish=self.wish,
            source=dataclasses.replace(source, columns=tuple(map(str, table.columns))),
            encoding=self._masked(mapping),
            crs=placement.decision if placement else None,
            mapping=mapping,
            rows=rows,
            refused=table.loc[refused],
            findings=findings,
            questions=tuple(self.questions),
            totals=count_totals(len(table), rows, findings, repaired & table.index.isin(rows.index)),
        )

    def _coordinates(
        self, geometry: NDArray[np.object_] | None, broken: NDArray[np.intp]
    ) -> tuple[NDArray[np.object_] | None, tuple[str, ...]]:
        """Geometry of the file, or read from its columns, or found by code or address."""
        table = self.decoded.frame
        rows = np.asarray(table.index, dtype=np.int64)
        if geometry is not None:
            self.findings += unreadable_geometry(broken, rows)
            return geometry, ()
        if self.world.definition.geometry is None:
            return None, ()
        found = find_coordinates(table)
        if found is None:
            return None, ()
        self.findings += [unread_coordinates(int(rows[at]), found.columns) for at in found.unread]
        return found.geometry, found.columns

    def _mapping(self, taken: tuple[str, ...]) -> FieldMapping:
        table = self.decoded.frame
        distinct = {str(name): distinct_texts(table[name]) for name in table.columns}
        mapping = match_columns(distinct, self.wish, self.world, taken=taken)
        if mapping.unmapped:
            listing = ", ".join(mapping.unmapped[:12]) + ("…" if len(mapping.unmapped) > 12 else "")
            self.findings.append(
                Finding(
                    Severity.INFO,
                    "field.unmapped",
                    f"Các cột không thuộc trường nào của lớp: {listing}. Chúng vẫn còn trong tệp gốc.",
                    f"Columns that no field takes: {listing}. They remain in the original file.",
                    "Nếu cần, hãy chọn trường cho cột ở bước ghép trường.",
                    "Choose a field for a column where it is wanted.",
                    count=len(mapping.unmapped),
                )
            )
        return mapping

    def _missing(self, mapping: FieldMapping) -> list[Question]:
        options = tuple(Option(name, f"cột {name}", f"column {name}") for name in mapping.unmapped)
        return [
            Question(
                f"field:{name}",
                f"Không thấy cột nào cho trường bắt buộc “{self.world.definition.field(name).title.vi}”."
                " Hãy chọn cột, hoặc nhập một giá trị chung cho cả tệp.",
                f'No column fills the required field "{self.world.definition.field(name).title.en}".'
                " Choose one, or give one value for the whole file.",
                options,
            )
            for name in mapping.missing
        ]

    def _masked(self, mapping: FieldMapping) -> EncodingDecision:
        personal = {item.name for item in self.world.definition.personal_fields}
        hidden = {match.column for match in mapping.matches if match.field in personal}
        columns = tuple(
            dataclasses.replace(column, samples=(_MASK,)) if column.column in hidden else column
            for column in self.decoded.decision.columns
        )
        return dataclasses.replace(self.decoded.decision, columns=columns)

    def _place(self, raw: NDArray[np.object_] | None, filled: FilledFields) -> tuple[Placement | None, Shaped | None]:
        definition = self.world.definition
        if definition.geometry is None:
            return None, None
        rows = np.asarray(filled.frame.index, dtype=np.int64)
        if raw is None:
            return None, self._located(filled, rows)
        current = self._current()
        known = know(self.world.boundary, current, filled.keys, self._nearby())
        earlier = self.world.remembered[0].crs if self.world.remembered else None
        placement = decide_place(
            raw, self.declared_crs, self.part.dataset.kind, known, chosen=self.wish.crs, remembered=earlier
        )
        self.findings += placement.findings
        if placement.question is not None:
            self.questions.append(placement.question)
        if placement.reading is None:
            return placement, None
        shaped = shape(definition, raw, placement.reading, rows)
        self.findings += shaped.findings
        return placement, shaped

    def _current(self) -> pd.DataFrame | None:
        current = self.world.current() if self.world.current is not None else None
        if current is None or not len(current):
            return None
        keys = key_texts(self.world.definition, pd.DataFrame(current))
        return pd.DataFrame({"key": keys.to_numpy(), "geometry": np.asarray(current["geometry"], dtype=object)})

    def _nearby(self) -> list[BaseGeometry]:
        if self.world.nearby is None or self.world.boundary is None:
            return []
        west, south, east, north = self.world.boundary.bounds
        return list(self.world.nearby((west, south, east, north)))

    def _located(self, filled: FilledFields, rows: NDArray[np.int64]) -> Shaped | None:
        """Places rows without coordinates by address or admin code, where the world can."""
        frame = filled.frame
        found = np.full(len(frame), None, dtype=object)
        for name, look in (
            ("address", self.world.place_addresses),
            (self.world.definition.unit_field, self.world.place_codes),
        ):
            if look is None or name is None or name not in frame.columns:
                continue
            open_rows = np.flatnonzero(pd.isna(found) & frame[name].notna().to_numpy())
            found[open_rows] = list(look([str(value) for value in frame[name].iloc[open_rows]]))
        placed = int(pd.notna(found).sum())
        if not placed:
            self.findings.append(no_coordinates())
            return None
        self.findings.append(placed_by_text(placed))
        return Shaped(found, np.zeros(len(frame), bool), np.zeros(len(frame), bool))

    def _check(
        self, filled: FilledFields, mapping: FieldMapping, reading: Reading | None, shaped: Shaped | None
    ) -> tuple[pd.DataFrame, pd.Index]:
        definition = self.world.definition
        frame = filled.frame.copy()
        rows = np.asarray(frame.index)
        if reading is not None and _SOURCE_CRS in {item.name for item in definition.fields}:
            frame[_SOURCE_CRS] = reading.value
        if shaped is not None:
            frame = gpd.GeoDataFrame(frame, geometry=shaped.geometry, crs="EPSG:4326")
            frame = frame.rename_geometry(GEOMETRY) if frame.active_geometry_name != GEOMETRY else frame
        with_geometry = shaped is not None or not definition.geometry_required
        refused = set(rows[filled.damaged].tolist())
        bad_shapes = {
            int(item.row)
            for item in self.findings
            if item.row is not None and item.field == GEOMETRY and item.severity is Severity.ERROR
        }
        checked, findings = check_fields(
            definition, frame, missing=mapping.missing, with_geometry=with_geometry, shaped=bad_shapes
        )
        self.findings += findings
        good = checked.rows[~checked.rows.index.isin(list(refused | bad_shapes))]
        self.findings += repeated_keys(definition, good, filled.keys)
        foreign = other_unit(good, definition, self.wish.unit_code)
        self.findings += foreign
        good = good.drop(index=[item.row for item in foreign])
        good = self._topology(good)
        left_out = pd.Index(rows).difference(good.index)
        return good, left_out

    def _topology(self, good: pd.DataFrame) -> pd.DataFrame:
        territory = None
        if self.world.boundary is not None:
            name = self.world.unit_name or self.wish.unit_code or ""
            territory = Territory(self.world.boundary, name, self.world.neighbours)
        findings, outside = check_topology(self.world.definition, good, territory, list(self._nearby()))
        self.findings += findings
        kept = good.drop(index=outside)
        self.findings += areas_against_fields(self.world.definition, kept)
        return kept
