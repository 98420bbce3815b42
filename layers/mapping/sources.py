"""Layers of a data folder, read as their mapping says and named as the fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd

from layers.definition import Definition, FieldType, Label
from layers.mapping.doubts import NO_DOUBTS, Doubts, Territory, find_copies
from layers.mapping.model import FieldRule, LayerEntry, Mapping, SourceFile
from layers.mapping.provinces import former_unit_rows
from layers.mapping.source_files import column_of, column_titles, read_features, refuse_source, select_rows, sha256_of
from layers.mapping.transforms import apply_rule, tidy
from layers.mapping.user_layers import KEY, UserField, english_title, free_name, make_definition
from layers.synthetic import make_parcels_inside, parcel_rows

FORMER_UNITS = "former-units"


@dataclass(frozen=True, slots=True)
class SourceRows:
    """Rows of a source as read: columns named as fields, geometry in EPSG:4326, indexed from 1 as in the source."""

    frame: pd.DataFrame
    doubts: Doubts = NO_DOUBTS


@dataclass(frozen=True, slots=True)
class SourceLayer:
    """One layer of a source that feeds one layer here.

    Attributes:
        slug: The layer that it feeds.
        definition: Definition to create the layer with; None where the layer is built in.
        load: Reads the rows and what to hold against them.
        source_name: File and layer, as people know it.
        source_sha256: Digest of the file.
        data_date: Date of the data, where known.
        note: Origin and licence, to be shown with the data.
        replaces: Good rows take the place of earlier rows with the same key.
        synthetic: The rows are made up.
    """

    slug: str
    definition: Definition | None
    load: Callable[[], SourceRows]
    source_name: str
    source_sha256: str
    data_date: date | None
    note: str
    replaces: bool = False
    synthetic: bool = False


def iter_layers(mapping: Mapping, data_dir: Path, *, without: Collection[str] = ()) -> Iterator[SourceLayer]:
    """Yields the source layers of a folder, those of one layer here in a row, in the order of the mapping.

    An optional file that is absent is left out. Definitions of user layers are made from the rows of all
    their sources, which are read at that moment; the others are read by ``load``. Layers named in ``without``
    are left out.

    Raises:
        InvalidDefinition: A file is absent or cannot be read as the mapping says.
    """
    if mapping.mergers is not None and FORMER_UNITS not in without:
        yield _mergers(mapping.mergers)
    pairs = [
        (file, entry)
        for file in mapping.files
        if not (file.optional and not (data_dir / file.path).is_file())
        for entry in file.entries
        if entry.to not in without
    ]
    for slug in dict.fromkeys(entry.to for _, entry in pairs):
        group = [_Feed(mapping, data_dir, file, entry) for file, entry in pairs if entry.to == slug]
        definition = None if slug in mapping.builtin else _user_definition(mapping, slug, group)
        for feed in group:
            yield feed.source_layer(definition)


def _mergers(path: Path) -> SourceLayer:
    return SourceLayer(
        slug=FORMER_UNITS,
        definition=None,
        load=lambda: SourceRows(former_unit_rows(path)),
        source_name=path.name,
        source_sha256=sha256_of(path),
        data_date=None,
        note="Nghị quyết 202/2025/QH15, 175/2024/QH15; Quyết định 19/2025/QĐ-TTg",
    )


@dataclass(frozen=True, slots=True)
class _Feed:
    """One entry of the mapping with the file that it reads."""

    mapping: Mapping
    data_dir: Path
    file: SourceFile
    entry: LayerEntry

    @property
    def name(self) -> str:
        return f"{self.file.path}:{self.entry.layer}" if self.entry.layer else self.file.path

    def source_layer(self, definition: Definition | None) -> SourceLayer:
        path = self.data_dir / self.file.path
        if not path.is_file():
            refuse_source(
                self.file.place, self.file.path, "không có trong thư mục dữ liệu.", "is not in the data folder."
            )
        return SourceLayer(
            slug=self.entry.to,
            definition=definition,
            load=self.generated if self.entry.generate else self.checked_rows,
            source_name=self.name,
            source_sha256=sha256_of(path),
            data_date=self.file.data_date,
            note=self.file.note,
            replaces=self.entry.replaces,
            synthetic=self.entry.generate is not None,
        )

    def features(self) -> gpd.GeoDataFrame:
        place = self.entry.place
        frame = read_features(self.data_dir, self.file.path, self.entry.layer, place)
        return select_rows(frame, self.entry.where, self.name, place)

    def rows(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Returns features in the terms of the layer: mapped fields and, of a user layer, all other columns."""
        columns: dict[str, object] = {}
        for rule in self.entry.rules:
            sources = [column_of(frame, title, self.name, rule.place) for title in rule.columns]
            columns[rule.field] = apply_rule(rule, sources, frame.index)
        if self.entry.to not in self.mapping.builtin:
            columns.setdefault(KEY, frame.index.astype(str))
            for title, name in self.other_columns().items():
                columns[name] = apply_rule(
                    FieldRule(name, self.entry.place, columns=(title,)), [frame[title]], frame.index
                )
        return gpd.GeoDataFrame(columns, index=frame.index, geometry=frame.geometry, crs=frame.crs)

    def checked_rows(self) -> SourceRows:
        """Returns the rows with what the file as a whole holds against some of them."""
        frame = self.features()
        doubts = Doubts(
            copies=find_copies(frame, self.file.ids) if self.file.ids else {},
            territory=self.territory(),
            distinct_places=self.file.distinct_places and not self.entry.shared_places,
        )
        return SourceRows(self.rows(frame), doubts)

    def territory(self) -> Territory | None:
        """Returns where the features must lie, or None for anywhere."""
        within = self.file.within
        if within is None:
            return None
        frame = read_features(self.data_dir, within.path, None, within.place)
        chosen = select_rows(frame, within.where, within.path, within.place)
        if chosen.empty:
            refuse_source(within.place, within.path, "không có vùng nào được chọn.", "no polygon is selected.")
        return Territory(chosen.geometry.union_all(), within.margin_m)

    def generated(self) -> SourceRows:
        """Returns made-up parcels inside the polygon that the entry selects."""
        wish, frame = self.entry.generate, self.features()
        if wish is None or len(frame) != 1:
            refuse_source(
                self.entry.place,
                self.name,
                "phải chọn đúng một vùng để sinh thửa đất.",
                "must select exactly one polygon to make parcels in.",
            )
        parcels = make_parcels_inside(
            frame.geometry.iloc[0], wish.commune_code, wish.old_commune_codes, wish.count, seed=wish.seed
        )
        names = {wish.commune_code: wish.commune_name}
        rows = parcel_rows(parcels, self.mapping.builtin[self.entry.to], seed=wish.seed, unit_names=names)
        rows.index = pd.RangeIndex(1, len(rows) + 1, name="row")
        return SourceRows(rows)

    def other_columns(self) -> dict[str, str]:
        """Returns the field names of the columns that no rule of a user layer uses, by column title."""
        used = {tidy(title) for rule in self.entry.rules for title in rule.columns}
        taken = {KEY, *(rule.field for rule in self.entry.rules)}
        names: dict[str, str] = {}
        for title in column_titles(self.data_dir / self.file.path, self.entry.layer):
            if title not in used and title not in self.file.skip and title not in names:
                names[title] = free_name(title, taken)
                taken.add(names[title])
        return names

    def fields(self) -> list[UserField]:
        """Returns the fields of a user layer that this source fills, in order."""
        english = self.mapping.english
        named = [UserField(rule.field, self._title(rule), _fixed_type(rule)) for rule in self.entry.rules]
        others = self.other_columns().items()
        return named + [UserField(name, Label(title, english_title(title, english))) for title, name in others]

    def _title(self, rule: FieldRule) -> Label:
        if rule.title is not None:
            return rule.title
        title = rule.columns[0] if rule.columns else rule.field
        return Label(title, english_title(title, self.mapping.english))


def _fixed_type(rule: FieldRule) -> FieldType | None:
    if rule.number is not None:
        return FieldType.NUMBER
    if rule.dates:
        return FieldType.DATE
    return FieldType.TEXT if rule.makes_text or rule.value is not None else None


def _user_definition(mapping: Mapping, slug: str, group: list[_Feed]) -> Definition:
    frames = [feed.rows(feed.features()) for feed in group]
    fields: dict[str, UserField] = {}
    for feed in group:
        for field in feed.fields():
            fields.setdefault(field.name, field)
    every = pd.concat([pd.DataFrame(frame) for frame in frames], ignore_index=True)
    file = group[0].file
    return make_definition(
        mapping.user_layers[slug],
        list(fields.values()),
        gpd.GeoDataFrame(every, geometry="geometry", crs="EPSG:4326"),
        steward=file.steward,
        source="; ".join(dict.fromkeys(feed.name for feed in group))[:500],
    )
