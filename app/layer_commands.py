"""Commands on layers: list, show, add, load, export."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.table import Table
from sqlalchemy import Engine, text

from app.console import console, say
from app.owner import owner_engine, record_act
from layers.audit import Event
from layers.checks import check_rows, write_rejects
from layers.definition import Definition
from layers.definition_json import from_json, to_json
from layers.definition_reader import load_code_lists, load_definition
from layers.errors import LayerNotFound
from layers.export import export_geojson
from layers.file_rows import read_rows
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import put_layer
from tiles.companions import refresh_companions

layers_app = typer.Typer(help="Lớp dữ liệu · layers", no_args_is_help=True)
AUTHOR = "diaban layers"


def _read_definition(engine: Engine, slug: str) -> Definition:
    with engine.connect() as connection:
        document = connection.execute(
            text("SELECT definition FROM catalogue.layers WHERE slug = :slug"), {"slug": slug}
        ).scalar_one_or_none()
        known = connection.execute(text("SELECT slug FROM catalogue.layers")).scalars().all()
    if document is None:
        raise LayerNotFound(slug, known=known)
    return from_json(document)


@layers_app.command("list")
def list_layers() -> None:
    """Danh mục lớp · the catalogue."""
    with owner_engine() as engine, engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT slug, definition->'title'->>'vi' AS title, definition->>'geometry' AS geometry, sensitivity,"
                " revision, feature_count, newest_data_at, synthetic FROM catalogue.layers ORDER BY slug"
            )
        ).all()
    table = Table("slug", "tên · title", "hình học", "mức", "phiên bản", "số đối tượng", "dữ liệu đến", "", box=None)
    for row in rows:
        mark = "mô phỏng · synthetic" if row.synthetic else ""
        count = f"{row.feature_count:,}".replace(",", ".")
        cells = (row.geometry or "-", row.sensitivity, str(row.revision), count, str(row.newest_data_at or "-"), mark)
        table.add_row(row.slug, row.title, *cells)
    console.print(table)


@layers_app.command("show")
def show_layer(slug: str) -> None:
    """Định nghĩa của một lớp · the definition of a layer."""
    with owner_engine() as engine:
        document = to_json(_read_definition(engine, slug))
    sys.stdout.write(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))


@layers_app.command("add")
def add_layer(file: Path) -> None:
    """Thêm hoặc đổi một lớp theo tệp định nghĩa · add or change a layer by its definition file."""
    definition = load_definition(file, load_code_lists())
    with owner_engine() as engine, engine.begin() as connection:
        version = put_layer(connection, definition, author=AUTHOR)
    say(
        f"Lớp {definition.slug} ở phiên bản định nghĩa {version}",
        f"layer {definition.slug} is at definition version {version}",
    )


@layers_app.command("load")
def load_layer(
    slug: str,
    file: Path,
    mode: Annotated[Mode, typer.Option(help="replace | upsert | append")] = Mode.UPSERT,
    source_layer: Annotated[str | None, typer.Option(help="Lớp trong tệp nguồn · layer inside the file")] = None,
    crs: Annotated[str | None, typer.Option(help="Hệ tọa độ của tệp, ví dụ EPSG:9210 · CRS of the file")] = None,
    rejects: Annotated[Path, typer.Option(help="Nơi ghi dòng bị từ chối · where refused rows go")] = Path("rejects"),
) -> None:
    """Nạp một tệp vào lớp; cột trùng tên trường · load a file whose columns are named like the fields."""
    frame = read_rows(file, layer=source_layer, crs=crs)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with owner_engine() as engine:
        definition = _read_definition(engine, slug)
        checked = check_rows(definition, frame)
        if checked.refused:
            rejects.mkdir(parents=True, exist_ok=True)
            write_rejects(rejects / f"{slug}.csv", definition, checked.refused)
        note = ChangeNote(AUTHOR, source_name=file.name, source_sha256=digest)
        with engine.begin() as connection:
            done = publish_rows(connection, slug, [checked.rows], mode=mode, note=note)
            refresh_companions(connection, slug)
    bad = len({item.row for item in checked.refused})
    say(
        f"Phiên bản {done.revision}: thêm {done.inserted}, sửa {done.updated}, xóa {done.deleted}; từ chối {bad} dòng",
        f"revision {done.revision}: {done.inserted} inserted, {done.updated} updated, {done.deleted} deleted;"
        f" {bad} rows refused",
    )


@layers_app.command("export")
def export_layer(slug: str, file: Path) -> None:
    """Xuất lớp ra GeoJSON, không có dữ liệu cá nhân · export as GeoJSON, without personal fields."""
    with owner_engine() as engine:
        definition = _read_definition(engine, slug)
        record_act(Event(AUTHOR, "layer_exported", "layer", slug))
        with engine.connect() as connection:
            count = export_geojson(connection, definition, file)
    say(f"Đã ghi {count} đối tượng vào {file}", f"{count} features written to {file}")
