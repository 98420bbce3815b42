"""Raster layers and their scenes in the database: written by the owner, read through the gate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text

from layers.audit import Detail, Event, record_event
from layers.definition import DataGroup, Label, Sensitivity
from tiles.raster.errors import NoSceneThen, RasterExists, RasterNotFound, RasterRefused
from tiles.raster.model import RasterKind, RasterLayer, Scene

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_LAYERS = """
SELECT slug, title_vi, title_en, kind, data_group, sensitivity, steward, source, unit, ramp, low, high, revision
FROM catalogue.rasters ORDER BY slug
"""
_SCENES = """
SELECT slug, scene_id, dated_on, bounds, crs, width, height, bands, dtype, nodata, resolution_m, low, high, file,
       source_name
FROM catalogue.raster_scenes WHERE slug = $1 AND to_revision IS NULL ORDER BY dated_on, scene_id
"""
# A shared edge has no width; one that overlaps by less than this (degrees, about 1 m) counts as shared.
_TOUCH = 1e-5
_OVERLAPPING = text(
    """
SELECT source_name FROM catalogue.raster_scenes
WHERE slug = :slug AND dated_on = :dated_on AND to_revision IS NULL
  AND bounds[1] < :east - :touch AND bounds[3] > :west + :touch
  AND bounds[2] < :north - :touch AND bounds[4] > :south + :touch
LIMIT 1
"""
)


def put_raster(connection: SyncConnection, layer: RasterLayer, *, author: str) -> None:
    """Adds a raster layer, or brings the words and colours of one in place to these.

    Raises:
        RasterExists: It is there with another kind, to which its scenes would not fit.
    """
    kind = connection.execute(
        text("SELECT kind FROM catalogue.rasters WHERE slug = :slug FOR UPDATE"), {"slug": layer.slug}
    ).scalar_one_or_none()
    if kind is not None and kind != layer.kind:
        raise RasterExists(layer.slug)
    connection.execute(
        text(
            "INSERT INTO catalogue.rasters (slug, title_vi, title_en, kind, data_group, sensitivity, steward, source,"
            " unit, ramp, low, high) VALUES (:slug, :title_vi, :title_en, :kind, :data_group, :sensitivity, :steward,"
            " :source, :unit, :ramp, :low, :high) ON CONFLICT (slug) DO UPDATE SET title_vi = excluded.title_vi,"
            " title_en = excluded.title_en, data_group = excluded.data_group, sensitivity = excluded.sensitivity,"
            " steward = excluded.steward, source = excluded.source, unit = excluded.unit, ramp = excluded.ramp,"
            " low = excluded.low, high = excluded.high"
        ),
        {
            "slug": layer.slug,
            "title_vi": layer.title.vi,
            "title_en": layer.title.en,
            "kind": layer.kind.value,
            "data_group": layer.group.value,
            "sensitivity": layer.sensitivity.value,
            "steward": layer.steward,
            "source": layer.source,
            "unit": layer.unit,
            "ramp": layer.ramp,
            "low": layer.low,
            "high": layer.high,
        },
    )
    record_event(connection, Event(author, "raster_defined", "raster", layer.slug, detail={"kind": layer.kind.value}))


def add_scene(connection: SyncConnection, scene: Scene, *, author: str, source_sha256: str) -> int:
    """Adds a scene as the next revision of its layer and returns the scene's id; the caller commits.

    Raises:
        RasterNotFound: No such layer.
        RasterRefused: Another scene of the same day covers the same ground.
    """
    revision = _next_revision(connection, scene.slug)
    west, south, east, north = scene.bounds
    other = connection.execute(
        _OVERLAPPING,
        {
            "slug": scene.slug,
            "dated_on": scene.dated_on,
            "west": west,
            "south": south,
            "east": east,
            "north": north,
            "touch": _TOUCH,
        },
    ).scalar_one_or_none()
    if other is not None:
        raise RasterRefused(
            "overlap",
            f"Ảnh trùng vùng với “{other}” cùng ngày {scene.dated_on:%d/%m/%Y}. Hãy rút ảnh cũ (diaban rasters"
            " withdraw) hoặc khai đúng ngày.",
            f'The scene covers the same ground as "{other}" of the same day {scene.dated_on}. Withdraw the older one'
            " (diaban rasters withdraw) or give the right day.",
        )
    added: int = connection.execute(
        text(
            "INSERT INTO catalogue.raster_scenes (slug, dated_on, bounds, crs, width, height, bands, dtype, nodata,"
            " resolution_m, low, high, file, source_name, source_sha256, author, from_revision) VALUES (:slug,"
            " :dated_on, :bounds, :crs, :width, :height, :bands, :dtype, :nodata, :resolution_m, :low, :high, :file,"
            " :source_name, :source_sha256, :author, :revision) RETURNING scene_id"
        ),
        {
            "slug": scene.slug,
            "dated_on": scene.dated_on,
            "bounds": list(scene.bounds),
            "crs": scene.crs,
            "width": scene.width,
            "height": scene.height,
            "bands": scene.bands,
            "dtype": scene.dtype,
            "nodata": scene.nodata,
            "resolution_m": scene.resolution_m,
            "low": scene.low,
            "high": scene.high,
            "file": scene.file,
            "source_name": scene.source_name,
            "source_sha256": source_sha256,
            "author": author,
            "revision": revision,
        },
    ).scalar_one()
    detail: Detail = {"scene": added, "revision": revision, "source_sha256": source_sha256}
    record_event(connection, Event(author, "scene_added", "raster", scene.slug, detail=detail))
    return added


def withdraw_scene(connection: SyncConnection, slug: str, scene_id: int, *, author: str) -> None:
    """Ends a scene with the next revision; its file is kept.

    Raises:
        RasterNotFound: No such layer, or no such scene in force.
    """
    revision = _next_revision(connection, slug)
    ended = connection.execute(
        text(
            "UPDATE catalogue.raster_scenes SET to_revision = :revision"
            " WHERE slug = :slug AND scene_id = :scene_id AND to_revision IS NULL RETURNING scene_id"
        ),
        {"revision": revision, "slug": slug, "scene_id": scene_id},
    ).scalar_one_or_none()
    if ended is None:
        raise RasterNotFound(f"{slug}/{scene_id}")
    detail = {"scene": scene_id, "revision": revision}
    record_event(connection, Event(author, "scene_withdrawn", "raster", slug, detail=detail))


def _next_revision(connection: SyncConnection, slug: str) -> int:
    revision: int | None = connection.execute(
        text("UPDATE catalogue.rasters SET revision = revision + 1 WHERE slug = :slug RETURNING revision"),
        {"slug": slug},
    ).scalar_one_or_none()
    if revision is None:
        raise RasterNotFound(slug)
    return revision


async def list_rasters(connection: Connection[Record]) -> list[RasterLayer]:
    """The raster layers that the connection's reader may know of, by slug; the row policy leaves out the others."""
    return [_layer(row) for row in await connection.fetch(_LAYERS)]


async def get_raster(connection: Connection[Record], slug: str) -> RasterLayer:
    """Returns one raster layer.

    Raises:
        RasterNotFound: No such layer, or the reader may not know of it: the answers are the same.
    """
    for layer in await list_rasters(connection):
        if layer.slug == slug:
            return layer
    raise RasterNotFound(slug)


async def list_scenes(connection: Connection[Record], layer: RasterLayer) -> list[Scene]:
    """The layer's scenes in force, by day."""
    return [_scene(row) for row in await connection.fetch(_SCENES, layer.slug)]


def scenes_on(layer: RasterLayer, scenes: list[Scene], day: date) -> list[Scene]:
    """The scenes of the newest day that is not after this one.

    Raises:
        NoSceneThen: There is none.
    """
    days = [scene.dated_on for scene in scenes if scene.dated_on <= day]
    if not days:
        raise NoSceneThen(layer.slug, day.isoformat())
    return [scene for scene in scenes if scene.dated_on == max(days)]


def _layer(row: Mapping[str, Any]) -> RasterLayer:
    return RasterLayer(
        slug=row["slug"],
        title=Label(row["title_vi"], row["title_en"]),
        kind=RasterKind(row["kind"]),
        group=DataGroup(row["data_group"]),
        sensitivity=Sensitivity(row["sensitivity"]),
        steward=row["steward"],
        source=row["source"],
        unit=row["unit"],
        ramp=row["ramp"],
        low=row["low"],
        high=row["high"],
        revision=row["revision"],
    )


def _scene(row: Mapping[str, Any]) -> Scene:
    names = ("slug", "scene_id", "dated_on", "crs", "width", "height", "bands", "dtype", "nodata", "resolution_m")
    values = {name: row[name] for name in (*names, "low", "high", "file", "source_name")}
    return Scene(bounds=tuple(row["bounds"]), **values)
