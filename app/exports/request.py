"""What a download is asked for by, checked before it becomes a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.ogc.conditions import build_conditions
from app.ogc.params import ItemsRequest
from app.problems import BadParameter
from layers.catalogue import Layer
from layers.errors import RevisionNotFound
from layers.file_formats import FileFormat
from layers.reader import current_target
from spatial.bbox import parse_bbox, to_storage_polygon
from spatial.cql2 import FilterLanguage
from spatial.crs import CRS, CRS84, parse_crs


class ExportBody(BaseModel):
    """The body of ``POST /api/exports``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layer: str = Field(max_length=100)
    format: FileFormat = FileFormat.GEOPACKAGE
    crs: str | None = Field(None, max_length=200)
    filter: str | None = None
    filter_lang: FilterLanguage = "cql2-text"
    filter_crs: str | None = Field(None, max_length=200)
    bbox: str | None = Field(None, max_length=400, description="west,south,east,north, theo bbox_crs · in bbox_crs")
    bbox_crs: str | None = Field(None, max_length=200)
    revision: int | None = Field(None, ge=1, le=2**62)


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """A checked request.

    Attributes:
        asked: The conditions, as of a request for items.
    """

    layer: Layer
    format: FileFormat
    crs: CRS
    asked: ItemsRequest


def check_export(body: ExportBody, layer: Layer) -> ExportRequest:
    """Checks a body against its layer.

    Raises:
        BadParameter: The format cannot hold what is asked for.
        RevisionNotFound: The layer never had the revision.
        SpatialError: A CRS, box or filter is wrong.
    """
    crs = parse_crs(body.crs)
    if body.format is FileFormat.GEOJSON and crs != CRS84:
        raise BadParameter(
            "crs",
            "GeoJSON (RFC 7946) chỉ dùng CRS84. Hãy bỏ crs, hoặc chọn gpkg, shp, fgb, parquet, csv.",
            "GeoJSON (RFC 7946) is in CRS84 only. Leave crs out, or choose gpkg, shp, fgb, parquet or csv.",
        )
    if layer.definition.geometry is None and body.format in (FileFormat.SHAPEFILE, FileFormat.FLATGEOBUF):
        raise BadParameter(
            "format",
            f"Lớp “{layer.slug}” là bảng không có hình. Hãy chọn csv, gpkg, parquet hoặc geojson.",
            f'Layer "{layer.slug}" is a table without geometry. Choose csv, gpkg, parquet or geojson.',
        )
    if body.revision is not None and body.revision > layer.revision:
        raise RevisionNotFound(layer.slug, body.revision, newest=layer.revision)
    asked = _asked(body, crs)
    # Builds the conditions once for the errors that they may raise, while somebody waits for them.
    build_conditions(current_target(layer.definition), layer, asked)
    return ExportRequest(layer, body.format, crs, asked)


def _asked(body: ExportBody, crs: CRS) -> ItemsRequest:
    bbox = None
    if body.bbox is not None:
        box_crs = parse_crs(body.bbox_crs, parameter="bbox_crs")
        bbox = to_storage_polygon(parse_bbox(body.bbox, box_crs), box_crs).wkb
    return ItemsRequest(
        crs=crs,
        limit=1,
        offset=0,
        after=-1,
        bbox=bbox,
        interval=None,
        filter_text=body.filter,
        filter_lang=body.filter_lang,
        filter_crs=parse_crs(body.filter_crs, parameter="filter_crs"),
        properties=None,
        equals={},
        hits_only=False,
        revision=body.revision,
    )


def read_body(document: Mapping[str, Any]) -> ExportBody:
    """The body that a job was made of."""
    return ExportBody.model_validate(document)
