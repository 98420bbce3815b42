"""Checked rows of all sources of one layer, ready to be published as one revision."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import pandas as pd

from layers.checks import check_rows, refuse_repeats
from layers.definition import Definition
from layers.geometry_checks import GEOMETRY
from layers.mapping.doubts import count_paired, refuse_doubtful
from layers.mapping.model import Mapping
from layers.mapping.sources import SourceLayer, iter_layers
from layers.refusals import Refusal


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What became of the rows of one source: ``total = good + refused + superseded``."""

    source_name: str
    total: int
    good: int
    refused: int
    superseded: int


@dataclass(frozen=True, slots=True)
class CombinedLayer:
    """Rows of one layer from all its sources.

    Attributes:
        slug: The layer.
        definition: Definition of the layer.
        is_user_layer: The definition was made from the source; the layer must be created.
        synthetic: All rows are made up.
        rows: Good rows, indexed from 1 across the sources.
        refused: Reasons against the others, with the number that the row has in its source.
        counts: What became of the rows of each source.
        paired: Rows beyond doubt that share their point with one other, different row of their source: worth a look.
        source_name: Names of the sources, for the revision.
        source_sha256: Digest of the file, or of the digests where there are several.
        data_date: The newest date of the sources.
        note: Origin and licence.
    """

    slug: str
    definition: Definition
    is_user_layer: bool
    synthetic: bool
    rows: pd.DataFrame
    refused: tuple[Refusal, ...]
    counts: tuple[SourceCount, ...]
    paired: int
    source_name: str
    source_sha256: str
    data_date: date | None
    note: str


@dataclass(frozen=True, slots=True)
class _Part:
    source: SourceLayer
    total: int
    rows: pd.DataFrame
    refused: tuple[Refusal, ...]
    paired: int


def iter_combined(mapping: Mapping, data_dir: Path, *, without: Collection[str] = ()) -> Iterator[CombinedLayer]:
    """Reads and checks a data folder layer by layer, in the order in which layers must be published.

    Layers named in ``without`` are left out.

    Raises:
        InvalidDefinition: A file is absent or cannot be read as the mapping says.
    """
    for slug, sources in groupby(iter_layers(mapping, data_dir, without=without), key=lambda source: source.slug):
        found = list(sources)
        definition = found[0].definition or mapping.builtin[slug]
        yield combine(definition, found)


def combine(definition: Definition, sources: Iterable[SourceLayer]) -> CombinedLayer:
    """Checks the rows of all sources of one layer and lays them together.

    Keys are told apart across sources: of two rows with one key the earlier is kept, except that a good row
    of a source that ``replaces`` supersedes earlier ones.
    """
    parts = [_check(definition, source) for source in sources]
    kept = _supersede(definition, parts)
    joined = _joined(kept)
    rows, repeats = refuse_repeats(definition, joined)
    origin = [(part.source.source_name, row) for part, frame in zip(parts, kept, strict=True) for row in frame.index]
    placed = [_placed(repeat, origin) for repeat in repeats]
    refused = [refusal for part in parts for refusal in part.refused] + placed
    rows.index = pd.RangeIndex(1, len(rows) + 1, name="row")
    first = parts[0].source
    dates = [part.source.data_date for part in parts if part.source.data_date is not None]
    return CombinedLayer(
        slug=definition.slug,
        definition=definition,
        is_user_layer=first.definition is not None,
        synthetic=all(part.source.synthetic for part in parts),
        rows=rows,
        refused=tuple(refused),
        counts=tuple(_count(part, frame, placed) for part, frame in zip(parts, kept, strict=True)),
        paired=sum(part.paired for part in parts),
        source_name="; ".join(dict.fromkeys(part.source.source_name for part in parts)),
        source_sha256=_digest([part.source.source_sha256 for part in parts]),
        data_date=max(dates, default=None),
        note="; ".join(dict.fromkeys(part.source.note for part in parts if part.source.note)),
    )


def _check(definition: Definition, source: SourceLayer) -> _Part:
    loaded = source.load()
    checked = check_rows(definition, loaded.frame, first_row=None)
    rows, doubtful = refuse_doubtful(checked.rows, loaded.doubts)
    found = sorted([*checked.refused, *doubtful], key=lambda refusal: refusal.row)
    refused = tuple(dataclasses.replace(refusal, source=source.source_name) for refusal in found)
    return _Part(source, len(loaded.frame), rows, refused, count_paired(rows, loaded.doubts))


def _supersede(definition: Definition, parts: list[_Part]) -> list[pd.DataFrame]:
    key = list(definition.key)
    kept: list[pd.DataFrame] = []
    for part in parts:
        if part.source.replaces and not part.rows.empty:
            new = pd.MultiIndex.from_frame(part.rows[key])
            kept = [rows[~pd.MultiIndex.from_frame(rows[key]).isin(new)] if len(rows) else rows for rows in kept]
        kept.append(part.rows)
    return kept


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [_without_empty_columns(frame) for frame in frames if len(frame)]
    joined = pd.concat(filled, ignore_index=True) if len(filled) > 1 else (*filled, frames[0])[0].copy()
    joined.index = pd.RangeIndex(1, len(joined) + 1, name="row")
    return joined


def _without_empty_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Drops columns without a value, whose type would spoil that of the others; a geometry stays."""
    empty = [name for name in frame.columns if name != GEOMETRY and frame[name].isna().all()]
    return frame.drop(columns=empty)


def _placed(refusal: Refusal, origin: list[tuple[str, int]]) -> Refusal:
    source, row = origin[refusal.row - 1]
    return dataclasses.replace(refusal, row=int(row), source=source)


def _count(part: _Part, kept: pd.DataFrame, repeats: list[Refusal]) -> SourceCount:
    name = part.source.source_name
    lost = sum(repeat.source == name and repeat.row in kept.index for repeat in repeats)
    return SourceCount(
        source_name=name,
        total=part.total,
        good=len(kept) - lost,
        refused=part.total - len(part.rows) + lost,
        superseded=len(part.rows) - len(kept),
    )


def _digest(digests: list[str]) -> str:
    different = list(dict.fromkeys(digests))
    if len(different) == 1:
        return different[0]
    return hashlib.sha256("\n".join(different).encode()).hexdigest()
