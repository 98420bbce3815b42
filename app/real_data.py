"""Loads a folder of real data: good rows into layers, refused rows into files that say why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.table import Table
from sqlalchemy import Connection, Engine, text

from app.console import console, progress_bar, say
from app.settings import CHECKOUT
from layers.checks import count_refused_rows, write_rejects
from layers.definition import Definition
from layers.mapping import CombinedLayer, find_mapping, iter_combined, read_mapping, successions
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import mark_synthetic, put_layer
from layers.unit_codes import FORMER_UNITS
from layers.units import Succession, put_successions
from tiles.companions import refresh_companions

AUTHOR = "diaban demo"
REJECTS = CHECKOUT / "rejects"


def load_folder(engine: Engine, definitions: Mapping[str, Definition], folder: Path) -> None:
    """Loads what the mapping finds in the folder; layers that hold data already are kept.

    Each layer is one revision in one transaction, so that a run cut short goes on where it stopped.

    Args:
        engine: An owner's engine.
        definitions: The built-in definitions.
        folder: The data folder; its own ``mapping.yaml``, or the mapping that ships with the program, says
            which of its files feeds which layer.

    Raises:
        InvalidDefinition: The mapping file and the folder do not fit; names the file and the line.
    """
    mapping = read_mapping(find_mapping(folder), definitions)
    wanted = {entry.to for file in mapping.files for entry in file.entries}
    if mapping.mergers is not None:
        wanted.add(FORMER_UNITS)
    with engine.connect() as connection:
        loaded = set(connection.execute(text("SELECT slug FROM catalogue.layers WHERE revision > 0")).scalars())
    if wanted <= loaded:
        say("Dữ liệu đã có sẵn", "the data are in place")
        return
    say(f"Nạp dữ liệu thật từ {folder}", "loading real data; refused rows go to rejects/<layer>.csv")
    # Before the layers, whose number tells whether a run was cut short.
    with engine.begin() as connection:
        put_successions(connection, [Succession(*line) for line in successions()])
    counts: list[tuple[str, int, int]] = []
    with progress_bar() as progress:
        bar = progress.add_task("lớp dữ liệu · layers", total=len(wanted))
        for layer in iter_combined(mapping, folder, without=loaded):
            progress.update(bar, description=layer.definition.title.vi)
            counts.append((layer.slug, *_load_layer(engine, layer)))
            _warn_of_pairs(layer)
            progress.advance(bar)
    _print_counts(counts)


def _warn_of_pairs(layer: CombinedLayer) -> None:
    if layer.paired:
        say(
            f"{layer.slug}: {layer.paired} đối tượng trùng điểm từng đôi, vẫn nạp; nên kiểm tra",
            f"{layer.paired} features share a point in pairs; loaded, worth a look",
        )


def _load_layer(engine: Engine, layer: CombinedLayer) -> tuple[int, int]:
    rejects = REJECTS / f"{layer.slug}.csv"
    if layer.refused:
        write_rejects(rejects, layer.definition, layer.refused)
    else:
        rejects.unlink(missing_ok=True)
    note = ChangeNote(
        AUTHOR,
        message=layer.note,
        source_name=layer.source_name,
        source_sha256=layer.source_sha256,
        data_date=layer.data_date,
    )
    with engine.begin() as connection:
        if layer.is_user_layer:
            put_layer(connection, layer.definition, author=AUTHOR)
        publish_rows(connection, layer.slug, [layer.rows], mode=Mode.UPSERT, note=note)
        if layer.synthetic:
            mark_synthetic(connection, layer.slug, synthetic=True)
        refresh_companions(connection, layer.slug)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        vacuum_layer(connection, layer.definition)
    return len(layer.rows), count_refused_rows(layer.refused)


def vacuum_layer(connection: Connection, definition: Definition) -> None:
    """Gives the planner the numbers of a freshly loaded layer; the connection is in autocommit."""
    preparer = connection.dialect.identifier_preparer
    connection.exec_driver_sql(f"VACUUM ANALYZE features.{preparer.quote(definition.table)}")


def _print_counts(counts: list[tuple[str, int, int]]) -> None:
    table = Table("lớp · layer", "đã nạp · loaded", "từ chối · refused", box=None)
    for slug, good, bad in counts:
        table.add_row(slug, str(good), str(bad) if bad else "-")
    total = (sum(good for _, good, _ in counts), sum(bad for _, _, bad in counts))
    table.add_row("[bold]Tổng · total[/bold]", *(f"[bold]{number}[/bold]" for number in total))
    console.print(table)
    if total[1]:
        console.print(f"Lý do từ chối từng dòng · reasons: {REJECTS}/<lớp>.csv", style="dim")
