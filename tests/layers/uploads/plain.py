"""A pipeline without guesses, for tests of everything around it: GeoJSON whose columns are named as the fields."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from layers.checks import check_rows
from layers.intake.model import FieldMapping, FieldMatch, Finding, Intake, MatchReason, Severity, Totals, Wish, World
from layers.refusals import count_refused_rows


def read_plain(path: Path, name: str, wish: Wish, world: World) -> Intake:
    """Reads a file that needs no reading between the lines."""
    try:
        frame = pyogrio.read_dataframe(path)
    except pyogrio.errors.DataSourceError:
        finding = Finding(Severity.ERROR, "file.unreadable", "Không đọc được tệp.", "The file cannot be read.")
        empty = pd.DataFrame()
        return Intake(wish, None, None, None, None, empty, empty, (finding,), (), Totals(), is_rejected=True)
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    checked = check_rows(world.definition, frame, first_row=None)
    findings = tuple(
        Finding(Severity.ERROR, "field.value", r.reason_vi, r.reason_en, row=r.row, field=r.field, value=r.value)
        for r in checked.refused
    )
    refused = frame.drop(index=checked.rows.index).drop(columns="geometry", errors="ignore")
    names = [field.name for field in world.definition.fields if field.name in frame.columns]
    mapping = FieldMapping(
        tuple(FieldMatch(name, name, MatchReason.NAME, 1.0) for name in names),
        tuple(column for column in frame.columns if column not in (*names, "geometry")),
        (),
    )
    bad = count_refused_rows(checked.refused)
    totals = Totals(len(frame), len(checked.rows), bad)
    return Intake(wish, None, None, None, mapping, checked.rows, pd.DataFrame(refused), findings, (), totals)


def geojson(rows: list[dict[str, object]]) -> bytes:
    """A FeatureCollection of rows with a ``geometry``."""
    return gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326").to_json(drop_id=True).encode()
