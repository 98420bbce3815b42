"""``diaban intake FILE``: what a file is, where it lies and what is wrong with it; nothing is changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.console import working
from app.intake_report import as_json, print_report
from app.owner import owner_engine
from layers.errors import LayerError
from layers.intake.model import Intake, Severity, Wish, World
from layers.uploads.score import score_upload
from layers.uploads.states import read_definition
from layers.uploads.world import VIETNAM, world_of

READY, REJECTED, ASKED, REFUSED_ROWS = 0, 1, 3, 4
"""Exit codes; 2 is the command line's own for words that it does not know."""


class InvalidPair(LayerError):
    """An option that pairs a name with a value has no ``=``."""


class UnitUnknown(LayerError):
    """The unit that the file is said to be of has no territory here."""


def intake_file(
    file: Annotated[Path, typer.Argument(help="Tệp, hoặc thư mục các tệp đi cùng nhau · file or folder of files")],
    layer: Annotated[str, typer.Option(help="Lớp mà tệp dành cho · layer that the file is meant for")],
    unit: Annotated[str | None, typer.Option(help="Mã xã (5 số) hoặc tỉnh (2 số) · commune or province")] = None,
    part: Annotated[str | None, typer.Option(help="Lớp hoặc trang tính trong tệp · layer or sheet inside")] = None,
    crs: Annotated[str | None, typer.Option(help="Hệ tọa độ đã chọn, ví dụ EPSG:9210 · CRS chosen")] = None,
    encoding: Annotated[str | None, typer.Option(help="Bảng mã đã chọn · encoding chosen")] = None,
    field: Annotated[list[str] | None, typer.Option(help="CỘT=trường, nhiều lần · COLUMN=field, repeatable")] = None,
    constant: Annotated[list[str] | None, typer.Option(help="trường=giá trị chung · field=value for all rows")] = None,
    unit_of: Annotated[list[str] | None, typer.Option(help="CỘT=đơn vị đo, ví dụ ha · COLUMN=unit of measure")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="In JSON · print JSON")] = False,
    most: Annotated[int, typer.Option(help="Số dòng lỗi in ra · findings of rows to print", min=1)] = 40,
) -> None:
    """Xem thử một tệp: mã chữ, tọa độ, trường, lỗi từng dòng; không đổi gì · dry run of a file.

    Mã thoát · exit code: 0 sẵn sàng · ready, 1 không đọc được · rejected, 3 còn câu hỏi · questions are open,
    4 có dòng bị từ chối · some rows are refused.
    """
    wish = Wish(
        layer=layer,
        unit_code=unit,
        part=part,
        crs=crs,
        encoding=encoding,
        fields=_pairs(field, "--field"),
        constants=_pairs(constant, "--constant"),
        units=_pairs(unit_of, "--unit-of"),
    )
    with owner_engine() as engine:
        with engine.connect() as connection:
            definition, _, _ = read_definition(connection, layer)
        world = world_of(engine, definition, unit)
        if unit is not None and world.boundary is None:
            raise UnitUnknown(
                f"Không có địa giới của đơn vị mã “{unit[:20]}” trong cơ sở dữ liệu. Mã xã có 5 chữ số, mã tỉnh 2.",
                f'There is no territory of unit "{unit[:20]}" here. Commune codes have 5 digits, province codes 2.',
                parameter="unit",
            )
        found = _read(file, wish, world, quiet=json_output)
    criteria = score_upload(definition, found, datetime.now(VIETNAM).date())
    if json_output:
        sys.stdout.write(as_json(found, criteria) + "\n")
    else:
        print_report(found, definition, criteria, most=most)
    raise typer.Exit(exit_code(found))


def _read(file: Path, wish: Wish, world: World, *, quiet: bool) -> Intake:
    # GDAL's companions take a second to import, and no other command needs them.
    from layers.intake.run import run_intake

    if quiet:
        return run_intake(file, wish, world)
    with working(f"Đọc {file.name}", f"reading {file.name}"):
        return run_intake(file, wish, world)


def exit_code(found: Intake) -> int:
    """What a script is told of the file."""
    if found.is_rejected:
        return REJECTED
    if found.questions:
        return ASKED
    return REFUSED_ROWS if found.count(Severity.ERROR) or not found.is_ready else READY


def _pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for text in given or ():
        name, mark, value = text.rpartition("=")
        if not mark or not name:
            raise InvalidPair(
                f"{option} cần dạng TÊN=GIÁ TRỊ, không phải “{text[:60]}”.",
                f'{option} takes NAME=VALUE, not "{text[:60]}".',
                parameter=option,
            )
        pairs[name] = value
    return pairs
