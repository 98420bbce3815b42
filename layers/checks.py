"""Rows checked against a definition before they are published: good rows out, refused ones with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from layers.definition import Definition
from layers.errors import RowsRefused
from layers.field_checks import Finding, check_field, missing_everywhere
from layers.geometry_checks import GEOMETRY, check_geometries
from layers.refusals import PERSONAL_VALUE, Refusal, count_refused_rows, shown_value, write_rejects

__all__ = ["Checked", "Refusal", "check_rows", "count_refused_rows", "refuse_repeats", "write_rejects"]

STORAGE_CRS: Final = "EPSG:4326"
_PASSED_ON: Final = ("fid", "key_ordinal", "province_code", "unit_code")


@dataclass(frozen=True, slots=True)
class Checked:
    """Rows that may be published and reasons against the others.

    Attributes:
        rows: Good rows: columns named as the fields, typed as they are, ``geometry`` in EPSG:4326 where the
            layer has one, indexed by row number.
        refused: One entry for each reason against each refused row, by row.
    """

    rows: pd.DataFrame
    refused: tuple[Refusal, ...]


def check_rows(definition: Definition, frame: pd.DataFrame, *, first_row: int | None = 1) -> Checked:
    """Brings rows to the types of the fields and refuses those that the layer's table would refuse.

    Text is trimmed and put in Unicode NFC, empty text becomes null, heights are dropped, columns that are
    no field are left out. Of rows with the same key the first is kept, unless the layer numbers them.

    Args:
        definition: The layer that the rows are meant for.
        frame: Columns named as the fields; geometry in EPSG:4326 as the active geometry of a GeoDataFrame,
            or shapely objects in the column ``geometry``.
        first_row: Number of the first row, the others follow; None where the index numbers the rows.

    Raises:
        RowsRefused: The frame as a whole is unfit: it says that it is in another CRS than EPSG:4326.
    """
    count = len(frame)
    numbers = np.asarray(frame.index) if first_row is None else np.arange(first_row, first_row + count)
    index = pd.Index(numbers, name="row")
    columns: dict[str, object] = {}
    found: list[Finding] = []
    for field in definition.fields:
        if field.name in frame.columns:
            values, findings = check_field(field, frame[field.name])
            columns[field.name] = values.to_numpy() if values.dtype == object else values.array
            found += findings
        elif field.required:
            found += missing_everywhere(field, count)
    columns |= {name: frame[name].to_numpy() for name in _PASSED_ON if name in frame.columns}
    if definition.geometry is not None:
        geometries, findings = check_geometries(definition, _geometries(definition, frame))
        columns[GEOMETRY] = geometries
        found += findings
    good = np.ones(count, dtype=bool)
    good[[finding.position for finding in found]] = False
    rows = _frame(definition, columns, index)[good]
    refused = [_refusal(definition, finding, numbers) for finding in found]
    rows, repeats = refuse_repeats(definition, rows)
    return Checked(rows, tuple(sorted([*refused, *repeats], key=lambda refusal: refusal.row)))


def refuse_repeats(definition: Definition, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Refusal]]:
    """Keeps the first row of every key and refuses the later ones, naming the first; index = row number.

    The database tells keys apart within a province only, this check within the whole frame.
    """
    if definition.key_ordinals or rows.empty:
        return rows, []
    key = list(definition.key)
    repeated = rows.duplicated(subset=key, keep="first").to_numpy()
    if not repeated.any():
        return rows, []
    group = rows.groupby(key, sort=False, dropna=False).ngroup().to_numpy()
    _, first = np.unique(group, return_index=True)
    numbers = np.asarray(rows.index)
    first_row = numbers[first]
    titles_vi = ", ".join(definition.field(name).title.vi for name in key)
    refused = [
        Refusal(
            row=int(numbers[at]),
            field=key[0] if len(key) == 1 else None,
            value=shown_value("; ".join(str(rows[name].iloc[int(at)]) for name in key)),
            reason_vi=f"trùng khóa ({titles_vi}) với dòng {first_row[group[at]]}; chỉ giữ dòng đầu tiên.",
            reason_en=f"repeats the key ({', '.join(key)}) of row {first_row[group[at]]}; the first row is kept.",
        )
        for at in np.flatnonzero(repeated)
    ]
    return rows[~repeated], refused


def _geometries(definition: Definition, frame: pd.DataFrame) -> np.ndarray:
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None:
        _require_storage_crs(definition, frame)
        return np.array(frame.geometry, dtype=object)
    geometries = np.full(len(frame), None, dtype=object)
    if GEOMETRY in frame.columns:
        present = frame[GEOMETRY].notna().to_numpy()
        geometries[present] = frame[GEOMETRY].to_numpy(dtype=object)[present]
    return geometries


def _require_storage_crs(definition: Definition, frame: gpd.GeoDataFrame) -> None:
    crs = frame.crs
    if crs is None or crs.to_epsg() == 4326 or crs.to_authority() == ("OGC", "CRS84"):
        return
    raise RowsRefused(
        definition.slug,
        f"dữ liệu ở hệ tọa độ “{crs.name}”; hãy chuyển sang EPSG:4326 (kinh độ, vĩ độ WGS 84) rồi nạp lại.",
        f'the rows are in "{crs.name}"; bring them to EPSG:4326 (longitude, latitude) and load again.',
    )


def _frame(definition: Definition, columns: dict[str, object], index: pd.Index[int]) -> pd.DataFrame:
    frame = pd.DataFrame(columns, index=index)
    if definition.geometry is None:
        return frame
    framed: pd.DataFrame = gpd.GeoDataFrame(frame, geometry=GEOMETRY, crs=STORAGE_CRS)
    return framed


def _refusal(definition: Definition, finding: Finding, numbers: np.ndarray) -> Refusal:
    personal = any(field.name == finding.field for field in definition.personal_fields)
    return Refusal(
        row=int(numbers[finding.position]),
        field=finding.field,
        value=PERSONAL_VALUE if personal and finding.value != "" else shown_value(finding.value),
        reason_vi=finding.reason.vi,
        reason_en=finding.reason.en,
    )
