"""Commands on raster layers: list, add, withdraw."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import text

from app.console import console, say
from app.owner import owner_engine, record_act
from app.settings import Settings
from layers.audit import Event
from layers.definition import DataGroup, Label, Sensitivity
from spatial.crs import parse_crs
from tiles.raster.catalogue import put_raster, withdraw_scene
from tiles.raster.errors import RasterNotFound, RasterRefused
from tiles.raster.intake import Declared, parse_nodata, take_scene
from tiles.raster.model import RasterKind, RasterLayer
from tiles.raster.ramps import RAMPS

rasters_app = typer.Typer(help="Lớp ảnh · raster layers", no_args_is_help=True)
AUTHOR = "diaban rasters"
_UTM = {"EPSG:32648": 32648, "EPSG:32649": 32649}


@rasters_app.command("list")
def list_command() -> None:
    """Các lớp ảnh và số ảnh · raster layers and their scenes."""
    with owner_engine() as engine, engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT r.slug, r.title_vi, r.kind, r.revision, s.scene_id, s.dated_on, s.source_name, s.crs"
                " FROM catalogue.rasters r LEFT JOIN catalogue.raster_scenes s"
                " ON s.slug = r.slug AND s.to_revision IS NULL ORDER BY r.slug, s.dated_on"
            )
        ).all()
    table = Table("slug", "tên · title", "loại", "phiên bản", "ảnh · scene", "ngày · date", "tệp · file", box=None)
    for row in rows:
        scene = (str(row.scene_id), str(row.dated_on), f"{row.source_name} ({row.crs})") if row.scene_id else ("-",) * 3
        table.add_row(row.slug, row.title_vi, row.kind, str(row.revision), *scene)
    console.print(table)


@rasters_app.command("add")
def add_command(
    slug: str,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Ngày của ảnh · day that the pixels show")],
    kind: Annotated[RasterKind, typer.Option(help="drawing | photo | elevation | surface")] = RasterKind.PHOTO,
    title: Annotated[str | None, typer.Option(help="Tên tiếng Việt · Vietnamese title")] = None,
    title_en: Annotated[str | None, typer.Option(help="Tên tiếng Anh · English title")] = None,
    crs: Annotated[str | None, typer.Option(help="Hệ tọa độ, thắng điều tệp ghi · CRS, wins over the file")] = None,
    nodata: Annotated[str | None, typer.Option(help="Giá trị không có dữ liệu: số, nan, none")] = None,
    unit: Annotated[str | None, typer.Option(help="Đơn vị đo · unit of the values")] = None,
    ramp: Annotated[str, typer.Option(help=" | ".join(RAMPS))] = RAMPS[0],
    low: Annotated[float | None, typer.Option(help="Giá trị đầu dải màu · value of the first colour")] = None,
    high: Annotated[float | None, typer.Option(help="Giá trị cuối dải màu · value of the last colour")] = None,
    group: Annotated[DataGroup, typer.Option(help="Nhóm dữ liệu · data group")] = DataGroup.MAP,
    sensitivity: Annotated[Sensitivity, typer.Option(help="public | internal | restricted")] = Sensitivity.PUBLIC,
    steward: Annotated[str, typer.Option(help="Cơ quan quản lý · steward agency")] = "-",
    source: Annotated[str, typer.Option(help="Nguồn, giấy phép · source and licence")] = "-",
) -> None:
    """Nhận một tệp ảnh vào lớp · take a raster file into a layer, which is made where it is missing."""
    if ramp not in RAMPS:
        raise RasterRefused(
            "ramp", f"Dải màu là một trong: {', '.join(RAMPS)}.", f"The ramp is one of: {', '.join(RAMPS)}."
        )
    value, none = parse_nodata(nodata)
    vi = title or slug
    layer = RasterLayer(
        slug, Label(vi, title_en or vi), kind, group, sensitivity, steward, source, unit, ramp, low, high, 0
    )
    declared = Declared(_day(on), _epsg(crs), value, none)
    with owner_engine() as engine:
        with engine.begin() as connection:
            put_raster(connection, layer, author=AUTHOR)
        scene_id, scene = take_scene(engine, Settings().raster_dir, layer, file, declared, author=AUTHOR)
    say(
        f"Đã nhận ảnh {scene_id} của lớp {slug}: {scene.width} × {scene.height} điểm, {scene.crs},"
        f" khoảng {scene.resolution_m:g} m một điểm",
        f"scene {scene_id} taken in: {scene.width} x {scene.height} pixels, {scene.crs}",
    )


@rasters_app.command("export")
def export_command(
    slug: str,
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Thư mục nhận tệp · folder for the files")],
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Ngày của ảnh · day of the scenes")] = None,
) -> None:
    """Chép COG của một lớp ra thư mục · copy a layer's COGs to a folder, for use without a network."""
    with owner_engine() as engine, engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT scene_id, dated_on, file FROM catalogue.raster_scenes WHERE slug = :slug"
                " AND to_revision IS NULL AND (CAST(:day AS date) IS NULL OR dated_on = :day) ORDER BY scene_id"
            ),
            {"slug": slug, "day": on.date() if on else None},
        ).all()
    if not rows:
        raise RasterNotFound(slug)
    record_act(Event(AUTHOR, "raster_exported", "raster", slug, detail={"scenes": [row.scene_id for row in rows]}))
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        target = folder / f"{slug}-{row.dated_on:%Y%m%d}-{row.scene_id}.tif"
        shutil.copyfile(Settings().raster_dir / row.file, target)
        say(f"Đã chép {target}", f"copied {target}")


@rasters_app.command("withdraw")
def withdraw_command(slug: str, scene_id: int) -> None:
    """Rút một ảnh khỏi lớp; tệp vẫn được giữ · withdraw a scene; its file is kept."""
    with owner_engine() as engine, engine.begin() as connection:
        withdraw_scene(connection, slug, scene_id, author=AUTHOR)
    say(f"Đã rút ảnh {scene_id} khỏi lớp {slug}", f"scene {scene_id} withdrawn from {slug}")


def _epsg(crs: str | None) -> int | None:
    if crs is None:
        return None
    return _UTM.get(crs.strip().upper()) or parse_crs(crs).code


def _day(moment: datetime) -> date:
    return moment.date()
