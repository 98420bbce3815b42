"""Prepares a database for a first look: schema, every built-in layer, generated or real features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.progress import Progress
from sqlalchemy import Connection, Engine, text

from app.console import progress_bar, say, working
from app.database import Database
from app.real_data import load_folder, vacuum_layer
from layers.definition import Definition
from layers.definition_reader import load_builtin
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import mark_synthetic, put_layer
from layers.synthetic import Province, layer_rows, make_province, successions
from layers.unit_codes import COMMUNES, FORMER_UNITS, HAMLETS, PROVINCES
from layers.units import Succession, put_successions
from migrations.run import migrate
from tiles.companions import refresh_companions

SEED = 2026
PARCELS = 300_000
AUTHOR = "diaban demo"
# Units come first: every other feature is given its commune when it is published.
FIRST = (PROVINCES, COMMUNES, HAMLETS, FORMER_UNITS)


class OtherData(Exception):
    """The database was prepared from other data than those asked for now.

    Attributes:
        vi: What to do, in Vietnamese.
        en: The same in English.
    """

    def __init__(self, held: str, asked: str) -> None:
        self.vi = (
            f"Dữ liệu đang có được nạp từ “{held}”, lần này yêu cầu “{asked}”. "
            "Chạy lại với đúng DATA cũ, hoặc thêm RESET=1 để xóa và nạp lại từ đầu."
        )
        self.en = (
            f'The data in place came from "{held}", now "{asked}" is asked for. '
            "Run with the same DATA as before, or add RESET=1 to delete and load anew."
        )
        super().__init__(self.en)


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What to prepare: a folder of real data, or a synthetic province of this many parcels."""

    folder: Path | None
    parcels: int = PARCELS

    @property
    def source(self) -> str:
        """The text under which the database remembers what it was prepared from."""
        if self.folder is not None:
            return str(self.folder.resolve())
        return f"synthetic seed={SEED} parcels={self.parcels}"

    @property
    def vi(self) -> str:
        """What will be loaded, for people."""
        if self.folder is not None:
            return f"dữ liệu thật trong {self.folder.resolve()}"
        count = f"{self.parcels:,}".replace(",", ".")
        return f"một tỉnh mô phỏng với {count} thửa đất (dữ liệu giả, có ghi nhãn)"

    @property
    def en(self) -> str:
        """The same in English."""
        if self.folder is not None:
            return f"real data of {self.folder.resolve()}"
        return f"a synthetic province of {self.parcels:,} parcels, labelled as such"


def prepare(database: Database, plan: DemoPlan, *, reset: bool) -> None:
    """Brings the database to the newest schema and loads what it lacks; layers in place are kept.

    Each layer is one transaction, so that a run cut short goes on where it stopped.

    Raises:
        OtherData: It holds other data and ``reset`` was not asked for.
    """
    superuser = database.superuser_engine()
    if reset:
        say("Xóa dữ liệu cũ (RESET=1)", "deleting the old data (RESET=1)")
        _drop_schemas(superuser)
    with working("Nâng lược đồ cơ sở dữ liệu", "bringing the schema up to date"):
        migrate(superuser, database.passwords)
    owner = database.engine("diaban_owner")
    _claim(owner, plan)
    definitions = load_builtin()
    with (
        working(f"Tạo bảng của {len(definitions)} lớp", "making the tables of the layers"),
        owner.begin() as connection,
    ):
        for definition in definitions.values():
            put_layer(connection, definition, author=AUTHOR, built_in=True)
    if plan.folder is not None:
        load_folder(owner, definitions, plan.folder)
    else:
        _load_synthetic(owner, definitions, plan)
    superuser.dispose()
    owner.dispose()


# Whatever schemas migrations have made by now; the catalogue is older than its owner, and the audit trail is not its.
_OWN_SCHEMAS = text(
    "SELECT quote_ident(n.nspname) FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner"
    " WHERE r.rolname = 'diaban_owner' OR n.nspname IN ('catalogue', 'audit') ORDER BY n.nspname"
)


def _drop_schemas(engine: Engine) -> None:
    with engine.begin() as connection:
        for schema in connection.execute(_OWN_SCHEMAS).scalars().all():
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")


def _claim(engine: Engine, plan: DemoPlan) -> None:
    with engine.begin() as connection:
        held = connection.execute(
            text("SELECT value FROM catalogue.settings WHERE name = 'data_source'")
        ).scalar_one_or_none()
        if held is not None and held != plan.source:
            raise OtherData(held, plan.source)
        connection.execute(
            text("INSERT INTO catalogue.settings (name, value) VALUES ('data_source', :source) ON CONFLICT DO NOTHING"),
            {"source": plan.source},
        )


def empty_layers(connection: Connection) -> set[str]:
    """Slugs of the layers that have never been published."""
    return set(connection.execute(text("SELECT slug FROM catalogue.layers WHERE revision = 0")).scalars())


def _load_synthetic(engine: Engine, definitions: dict[str, Definition], plan: DemoPlan) -> None:
    with engine.connect() as connection:
        missing = empty_layers(connection)
    wanted = [slug for slug in (*FIRST, *sorted(set(definitions) - set(FIRST))) if slug in missing]
    if not wanted:
        say("Dữ liệu đã có sẵn", "the data are in place")
        return
    with working(f"Sinh {plan.vi}", f"generating {plan.en}"):
        province = make_province(seed=SEED, parcels=plan.parcels)
    with progress_bar() as progress:
        layers_bar = progress.add_task("lớp dữ liệu · layers", total=len(wanted))
        for slug in wanted:
            _load_layer(engine, province, definitions[slug], progress)
            progress.advance(layers_bar)
    with engine.begin() as connection:
        put_successions(connection, _succession_lines(province))


def _succession_lines(province: Province) -> Iterator[Succession]:
    for old_level, old_code, new_level, new_code, effective_on in successions(province):
        yield Succession(old_level, old_code, new_level, new_code, effective_on, "dữ liệu mô phỏng · synthetic")


def _load_layer(engine: Engine, province: Province, definition: Definition, progress: Progress) -> None:
    total = province.parcel_count if definition.slug == "parcels" else None
    bar = progress.add_task(f"{definition.title.vi}", total=total)

    def frames() -> Iterator[pd.DataFrame]:
        first = 1
        for frame in layer_rows(province, definition):
            frame.index = pd.RangeIndex(first, first + len(frame))
            first += len(frame)
            yield frame
            progress.advance(bar, len(frame))

    with engine.begin() as connection:
        note = ChangeNote(AUTHOR, message="dữ liệu mô phỏng · synthetic data", source_name="generator")
        publish_rows(connection, definition.slug, frames(), mode=Mode.REPLACE, note=note)
        mark_synthetic(connection, definition.slug, synthetic=True)
        refresh_companions(connection, definition.slug)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        vacuum_layer(connection, definition)
    progress.remove_task(bar)
