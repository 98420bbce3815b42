"""Changes on somebody's behalf: where they may write, and the refusal of what would lie elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, false, func, select

from layers.access import Scope, Units, set_writer_scope
from layers.definition import Definition
from layers.errors import RowsRefused
from layers.rights import Action, NotAllowed
from layers.staging import stage_table
from layers.tables import feature_table, has_unit_codes

MAX_NAMED_ROWS: Final = 20


def writing_units(connection: Connection, definition: Definition, scope: Scope, action: Action) -> Units:
    """The communes in which a scope may change a layer; the transaction is held to them from here on.

    Raises:
        NotAllowed: There are none.
    """
    units = scope.acts_in(action, definition.slug, definition.sensitivity)
    if units is not None and not units:
        raise NotAllowed(action, definition.slug)
    set_writer_scope(connection, scope, action)
    return units


def lies_within(definition: Definition, table: Table, units: Units) -> ColumnElement[bool] | None:
    """Whether a row lies in these communes wholly; None where every row does."""
    if units is None:
        return None
    if not units:
        return false()
    listed = sorted(units)
    if has_unit_codes(definition):
        return table.c.unit_codes.op("<@", is_comparison=True)(func.string_to_array(",".join(listed), ","))
    return table.c.unit_code.in_(listed)


def refuse_outside(connection: Connection, definition: Definition, units: Units) -> None:
    """Refuses staged rows that lie outside, or that would change a feature which does.

    Raises:
        RowsRefused: With the numbers of the rows.
    """
    stage, features = stage_table(definition), feature_table(definition)
    within, current_within = lies_within(definition, stage, units), lies_within(definition, features, units)
    if within is None or current_within is None:
        return
    outside = select(stage.c.row_no).where(~within)
    _refuse(connection, definition, outside.order_by(stage.c.row_no).limit(MAX_NAMED_ROWS))
    foreign = select(stage.c.row_no).where(stage.c.fid == features.c.fid, ~current_within)
    _refuse(connection, definition, foreign.order_by(stage.c.row_no).limit(MAX_NAMED_ROWS))


def _refuse(connection: Connection, definition: Definition, statement: object) -> None:
    rows: Sequence[int] = connection.execute(statement).scalars().all()  # type: ignore[call-overload]
    if rows:
        raise OutsideUnits(definition.slug, tuple(rows))


class OutsideUnits(RowsRefused):
    """Rows lie, wholly or in part, outside the communes in which the editor may change the layer."""

    def __init__(self, slug: str, rows: tuple[int, ...]) -> None:
        super().__init__(
            slug,
            f"các dòng {list(rows)} nằm (một phần) ngoài địa bàn được giao. Hãy bỏ các dòng đó hoặc chuyển cho"
            " đơn vị phụ trách.",
            f"rows {list(rows)} lie, wholly or in part, outside the communes of your rights. Leave them out, or hand"
            " them to the unit in charge.",
            rows=rows,
        )
