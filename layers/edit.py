"""Edits of single features: inserts, changes and deletions published together as one revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, select

from layers.access import Scope, Units
from layers.checks import check_rows
from layers.definition import Definition
from layers.delta import classify_rows
from layers.edit_rows import CurrentFeature, edited_row, find_features, rows_frame
from layers.errors import FeatureNotFound, RowsRefused, VersionConflict
from layers.matching import match_edits
from layers.personal.sealing import keep_personal
from layers.publication import ChangeNote, LockedLayer, Published, database_refusals, lock_layer, publish_delta
from layers.refusals import Refusal
from layers.rights import Action, NotAllowed
from layers.staging import stage_rows, stage_table
from layers.unit_codes import assign_units
from layers.writing import refuse_outside, writing_units

_MAX_REASONS = 5


class Keep(Enum):
    """Stands for "as it is", because None is a value of its own."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP

FeatureRef = int | Mapping[str, object]
"""A feature by its fid, or by the values of its business key where that tells it from all others."""


@dataclass(frozen=True, slots=True)
class InsertFeature:
    """A feature that is not there yet; fields that are not named are null. Geometry in EPSG:4326."""

    properties: Mapping[str, object]
    geometry: BaseGeometry | None = None


@dataclass(frozen=True, slots=True)
class UpdateFeature:
    """Some values of a feature; what is not named stays. A key may change: the fid stays.

    Attributes:
        at_revision: The revision that the feature's state must date from, as the editor saw it.
    """

    feature: FeatureRef
    properties: Mapping[str, object]
    geometry: BaseGeometry | Keep | None = KEEP
    at_revision: int | None = None


@dataclass(frozen=True, slots=True)
class ReplaceFeature:
    """A feature's whole state: fields that are not named become null, except personal ones, which stay.

    Who replaces a feature over HTTP has never seen its personal fields and must not erase them.
    """

    feature: FeatureRef
    properties: Mapping[str, object]
    geometry: BaseGeometry | None = None
    at_revision: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteFeature:
    """The end of a feature; its states stay in the history."""

    feature: FeatureRef
    at_revision: int | None = None


Change = UpdateFeature | ReplaceFeature | DeleteFeature
Edit = InsertFeature | Change


@dataclass(frozen=True, slots=True)
class Edited:
    """What a list of edits did, with the fid of each edit's feature in the order of the list."""

    published: Published
    fids: tuple[int, ...]


def edit_features(
    connection: Connection,
    slug: str,
    edits: Sequence[Edit],
    *,
    note: ChangeNote,
    base_revision: int | None = None,
    scope: Scope | None = None,
) -> Edited:
    """Publishes edits as the layer's next revision; the caller's transaction makes it whole or absent.

    Args:
        connection: Owner or writer, inside a transaction.
        slug: The layer.
        edits: Each names a different feature; rows in errors are numbered from 1 in this order.
        note: Author and reason for the revision.
        base_revision: Revision that the layer must still be at, where the editor depends on more than the
            features that the edits name.
        scope: On whose behalf; every feature must lie, before and after, wholly in communes where the scope may
            edit. None leaves the scope that the transaction has; the owner login needs none, the writer login is
            refused without.

    Raises:
        LayerNotFound: There is no such layer.
        NotAllowed: The scope may read the layer or a feature, but not edit it.
        OutsideUnits: A feature would lie outside the communes of the scope.
        FeatureNotFound: An edit names a feature that is not there now, or that the scope may not read.
        FieldNotFound: An edit names a field that the layer does not have, or that the scope leaves out.
        VersionConflict: The layer or a feature has changed since the editor read it.
        RowsRefused: A value breaks the definition, a key is taken, or two edits name one feature.
    """
    layer = lock_layer(connection, slug)
    if base_revision is not None and base_revision != layer.revision:
        raise VersionConflict(slug, None, expected=base_revision, found=layer.revision)
    units: Units = None
    shown = layer.definition
    if scope is not None:
        units = writing_units(connection, layer.definition, scope, Action.EDIT)
        shown = shown.without(scope.reach(slug, shown.sensitivity).hidden)
    targets = _targets(connection, layer, edits)
    if scope is not None:
        _require_edit(scope, layer, [found for found in targets if found], units)
    deleted = [found.fid for edit, found in zip(edits, targets, strict=True) if found and _deletes(edit)]
    with database_refusals(layer.definition):
        _stage(connection, shown, edits, targets)
        assign_units(connection, layer.definition)
        match_edits(connection, layer.definition, deleted=deleted)
        refuse_outside(connection, layer.definition, units)
        delta = classify_rows(connection, layer.definition, replace=False, deleted=deleted)
        fids = _fids(connection, layer, targets)
        return Edited(publish_delta(connection, layer, delta, kind="edit", note=note), fids)


def _require_edit(scope: Scope, layer: LockedLayer, found: Sequence[CurrentFeature], units: Units) -> None:
    """What may not be read is not there; what may be read but lies partly elsewhere may not be edited."""
    readable = scope.reach(layer.slug, layer.definition.sensitivity).read
    for feature in found:
        if readable is not None and readable.isdisjoint(feature.unit_codes):
            raise FeatureNotFound(layer.slug, feature.fid)
        if units is not None and not units.issuperset(feature.unit_codes):
            raise NotAllowed(Action.EDIT, layer.slug)


def _deletes(edit: Edit) -> bool:
    return isinstance(edit, DeleteFeature)


def _targets(connection: Connection, layer: LockedLayer, edits: Sequence[Edit]) -> list[CurrentFeature | None]:
    """The features that edits change, in the order of the edits; None for an insert."""
    wanted = [edit.feature for edit in edits if not isinstance(edit, InsertFeature)]
    known = iter(find_features(connection, layer.definition, wanted))
    targets = [None if isinstance(edit, InsertFeature) else _checked(layer, edit, next(known)) for edit in edits]
    named = [found.fid for found in targets if found]
    twice = sorted({fid for fid in named if named.count(fid) > 1}) if len(set(named)) < len(named) else []
    if twice:
        raise RowsRefused(
            layer.slug,
            f"đối tượng {twice} được sửa nhiều lần trong một yêu cầu; hãy gộp thành một.",
            f"features {twice} are edited more than once in one request; make it one edit each.",
        )
    return targets


def _checked(layer: LockedLayer, edit: Change, found: CurrentFeature | None) -> CurrentFeature:
    if found is None:
        raise FeatureNotFound(layer.slug, _shown(edit.feature))
    if edit.at_revision is not None and edit.at_revision != found.from_revision:
        raise VersionConflict(layer.slug, found.fid, expected=edit.at_revision, found=found.from_revision)
    return found


def _shown(feature: FeatureRef) -> int | str:
    if isinstance(feature, int):
        return feature
    return ", ".join(f"{name}={value}" for name, value in feature.items())


def _stage(
    connection: Connection, definition: Definition, edits: Sequence[Edit], targets: Sequence[CurrentFeature | None]
) -> None:
    rows = {}
    for number, (edit, found) in enumerate(zip(edits, targets, strict=True), start=1):
        if isinstance(edit, DeleteFeature):
            continue
        geometry = edit.geometry
        if isinstance(geometry, Keep):
            geometry = found.geometry if found else None
        keeps_rest = isinstance(edit, UpdateFeature)
        rows[number] = edited_row(definition, found, edit.properties, geometry, keeps_rest=keeps_rest)
    checked = check_rows(definition, rows_frame(definition, rows), first_row=None)
    if checked.refused:
        raise _refusal(definition.slug, checked.refused)
    stage_rows(connection, definition, [checked.rows])
    _keep_personal(connection, definition, edits, targets)


def _keep_personal(
    connection: Connection, definition: Definition, edits: Sequence[Edit], targets: Sequence[CurrentFeature | None]
) -> None:
    """A changed feature keeps the personal values that its edit does not name, without their being opened."""
    personal = {field.name for field in definition.personal_fields}
    rows: dict[frozenset[str], list[int]] = {}
    for number, (edit, found) in enumerate(zip(edits, targets, strict=True), start=1):
        if found is not None and not isinstance(edit, DeleteFeature):
            rows.setdefault(frozenset(personal.intersection(edit.properties)), []).append(number)
    for said, numbers in rows.items():
        keep_personal(connection, definition, said, rows=numbers)


def _refusal(slug: str, refused: Sequence[Refusal]) -> RowsRefused:
    shown = refused[:_MAX_REASONS]
    vi = "; ".join(f"dòng {item.row} ({item.field or 'khóa'}): {item.reason_vi}" for item in shown)
    en = "; ".join(f"row {item.row} ({item.field or 'key'}): {item.reason_en}" for item in shown)
    return RowsRefused(slug, vi, en, rows=tuple(sorted({item.row for item in refused})))


def _fids(connection: Connection, layer: LockedLayer, targets: Sequence[CurrentFeature | None]) -> tuple[int, ...]:
    stage = stage_table(layer.definition)
    given = connection.execute(select(stage.c.row_no, stage.c.fid))
    staged: dict[int, int] = {int(row[0]): int(row[1]) for row in given}
    return tuple(found.fid if found else staged[number] for number, found in enumerate(targets, start=1))
