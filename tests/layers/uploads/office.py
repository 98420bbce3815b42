"""A small commune office: a desk over a test database, people with rights, and files made on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import shapely
from sqlalchemy import Engine, text

from layers.access import Grant, Scope
from layers.definition import Definition, Sensitivity
from layers.publish import Mode
from layers.rights import Action, Right
from layers.uploads.checking import check_upload
from layers.uploads.decisions import Actor, approve, publish, submit
from layers.uploads.desk import Desk
from layers.uploads.files import Shelf
from layers.uploads.model import State, Upload
from layers.uploads.publishing import publish_upload
from layers.uploads.receiving import Announcement, announce_upload, finish_receiving
from layers.uploads.store import get_upload
from tests.layers.ask_world import SIZE, SOUTH, WEST
from tests.layers.uploads.plain import geojson, read_plain

UNIT, NEIGHBOUR = "99901", "99902"
CELL = SIZE / 4


def person(subject: str, *rights: tuple[Action, str | None]) -> Scope:
    """Somebody who reads every layer and has the named rights: actions by unit; None as a unit stands for all."""
    every = frozenset(Sensitivity)
    given = [(Action.READ, None), *rights]
    return Scope(
        subject,
        tuple(
            Grant(Right(frozenset({action}), classes=every), None if unit is None else frozenset({unit}))
            for action, unit in given
        ),
    )


CLERK = person("clerk", (Action.EDIT, UNIT))
NEIGHBOUR_CLERK = person("neighbour", (Action.EDIT, NEIGHBOUR))
STEWARD = person("steward", (Action.APPROVE, None), (Action.PUBLISH, None), (Action.EDIT, None))
DOCUMENT = {"subject": "clerk", "grants": []}


def square(column: float, row: float, size: float = 0.01, *, unit: int = 0) -> shapely.Polygon:
    """A square of ``size`` degrees at a cell of a grid of 0.01 degrees inside the n-th commune of the bottom row."""
    x, y = WEST + CELL * unit + 0.01 * column, SOUTH + 0.01 * row
    return shapely.box(x, y, x + size, y + size)


def place(column: float, row: float, *, unit: int = 0) -> shapely.Point:
    return shapely.Point(WEST + CELL * unit + 0.01 * column + 0.005, SOUTH + 0.01 * row + 0.005)


def fields_rows(count: int, *, unit: int = 0, start: int = 0) -> list[dict[str, object]]:
    return [
        {"code": f"{unit}-{n}", "berths": n % 50, "geometry": square(n % 9, n // 9, unit=unit)}
        for n in range(start, start + count)
    ]


@dataclass
class Office:
    """The desk with everybody's steps in a word each."""

    desk: Desk
    owner: Engine

    def send(
        self, definition: Definition, rows: list[dict[str, object]] | bytes, scope: Scope = CLERK, **said: object
    ) -> Upload:
        given: dict[str, object] = {"unit_code": UNIT, "mode": Mode.REPLACE, **said}
        data = rows if isinstance(rows, bytes) else geojson(rows)
        announced = announce_upload(
            self.desk,
            scope,
            Announcement(layer=definition.slug, file_name="thửa đất.geojson", scope=DOCUMENT, **given),  # type: ignore[arg-type]
        )
        self.desk.shelf.append(announced.upload.id, data, 0)
        return finish_receiving(self.desk, announced.upload.id, scope.subject)

    def check(self, upload: Upload) -> Upload:
        check_upload(self.desk, upload.id, lambda *_: None)
        return self.get(upload.id)

    def get(self, upload_id: UUID) -> Upload:
        with self.desk.engine.connect() as connection:
            return get_upload(connection, upload_id)

    def submitted(
        self, definition: Definition, rows: list[dict[str, object]], scope: Scope = CLERK, **said: object
    ) -> Upload:
        checked = self.check(self.send(definition, rows, scope, **said))
        assert checked.state is State.CHECKED, checked.problem
        return submit(self.desk, Actor(scope), checked.id, confirm_deletions=True)

    def published(
        self, definition: Definition, rows: list[dict[str, object]], scope: Scope = CLERK, **said: object
    ) -> Upload:
        return self.carry(self.submitted(definition, rows, scope, **said))

    def carry(self, upload: Upload) -> Upload:
        assert upload.digest is not None
        approve(self.desk, Actor(STEWARD), upload.id, digest=upload.digest)
        publish(self.desk, Actor(STEWARD), upload.id)
        publish_upload(self.desk, upload.id, lambda *_: None)
        return self.get(upload.id)

    def keys(self, definition: Definition) -> dict[str, int]:
        with self.owner.connect() as connection:
            rows = connection.execute(text(f"SELECT code, fid FROM features.{definition.table} ORDER BY fid")).all()
        return {row.code: row.fid for row in rows}


def open_office(writer: Engine, owner: Engine, folder: Path, *, reserve_bytes: int = 0) -> Office:
    return Office(Desk(writer, Shelf(folder / "uploads", 2**30, reserve_bytes), read_plain), owner)
