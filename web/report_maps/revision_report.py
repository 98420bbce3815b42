"""The report on what a revision changed: features by kind of change, numbers by commune."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from layers.catalogue import Layer
from layers.changes import ChangedFeature, Changes, UnitChanges
from layers.definition import Definition, Label
from layers.uploads.preview import CHANGE_TITLES
from web.environment import format_count, format_moment
from web.report_maps.report import About, Extent, Grid, Kind, Outline, Report, Shape
from web.report_maps.shapes import Light
from web.report_maps.wording import SIMPLIFIED, cut_warning, fact_of, source_line, synthetic_warning

COLORS: Final[Mapping[str, str]] = {
    "new": "#009e73",
    "geometry": "#0072b2",
    "attributes": "#56b4e9",
    "both": "#cc79a7",
    "gone": "#d55e00",
}
_KINDS: Final[Mapping[str, Label]] = {
    "replace": Label("thay toàn bộ", "replaced"),
    "upsert": Label("thêm và sửa", "inserted and updated"),
    "append": Label("thêm", "appended"),
    "edit": Label("sửa trên bản đồ", "edited"),
    "revert": Label("trở về bản cũ", "reverted"),
}
_PERSONAL: Final = Label("thông tin không được xem", "fields that may not be seen")
_SYSTEM: Final = {
    "unit_code": Label("Mã xã", "Commune code"),
    "province_code": Label("Mã tỉnh", "Province code"),
}


def revision_report(
    layer: Layer, changes: Changes, light: Light, outlines: Sequence[Outline], extent: Extent | None, about: About
) -> Report:
    """Puts a revision's change together as a report.

    Args:
        layer: As the reader sees it.
        changes: What the revision changed, as the reader may see it.
        light: Geometries of its features, in their order.
        outlines: Units that lie in the extent.
        extent: What the map shows.
        about: Maker, moment, language.
    """
    definition = layer.definition
    counts = Counter(feature.kind for feature in changes.features)
    kinds = [kind for kind in COLORS if counts[kind]]
    shapes = tuple(
        Shape(
            _title(definition, feature, about),
            kinds.index(feature.kind),
            _facts(definition, feature, about),
            geometry,
        )
        for feature, geometry in zip(changes.features, light.geometries, strict=True)
        if geometry is not None
    )
    title, number = about.pick(definition.title), changes.facts.revision
    named = about.say(f"{title}: thay đổi ở bản số {number}", f"{title}: changes of revision {number}")
    return Report(
        about=about,
        title=about.title or named,
        lines=tuple(_lines(changes, about)),
        legend=tuple(Kind(CHANGE_TITLES[kind][about.english], COLORS[kind], counts[kind]) for kind in kinds),
        fact_titles=(about.say("Khóa", "Key"), about.say("Thay đổi", "Change")),
        shapes=shapes,
        outlines=tuple(outlines),
        extent=extent,
        grids=(_grid(changes, {outline.code: outline.name for outline in outlines}, about),),
        sources=(source_line(title, definition.steward, changes.facts.data_date, number, about),),
        notes=(about.pick(SIMPLIFIED),) if light.is_simplified else (),
        warnings=tuple(_warnings(layer, changes, about)),
    )


def _side(feature: ChangedFeature) -> Mapping[str, Any]:
    return feature.before if feature.kind == "gone" else feature.after


def _title(definition: Definition, feature: ChangedFeature, about: About) -> str:
    value = _side(feature).get("name")
    name = fact_of(definition, "name", value, about) or _key(definition, feature, about) or str(feature.fid)
    return f"{name} ({feature.unit_code})"


def _key(definition: Definition, feature: ChangedFeature, about: About) -> str:
    side = _side(feature)
    return ", ".join(filter(None, (fact_of(definition, name, side.get(name), about) for name in definition.key)))


def _facts(definition: Definition, feature: ChangedFeature, about: About) -> tuple[str, str]:
    return _key(definition, feature, about), "; ".join(_changes(definition, feature, about))


def _changes(definition: Definition, feature: ChangedFeature, about: About) -> Iterable[str]:
    yield CHANGE_TITLES[feature.kind][about.english]
    if feature.kind in ("new", "gone"):
        return
    names = [name for name, value in feature.after.items() if feature.before.get(name) != value]
    for name in names:
        field = definition.find(name)
        title = about.pick(field.title if field is not None else _SYSTEM.get(name, Label(name, name)))
        old, new = (fact_of(definition, name, side.get(name), about) or "–" for side in (feature.before, feature.after))
        yield f"{title}: {old} → {new}"
    if not names and feature.kind == "attributes":
        yield about.pick(_PERSONAL)


def _lines(changes: Changes, about: About) -> Iterable[str]:
    facts = changes.facts
    moment = format_moment(facts.published_at, english=about.english)
    kind = about.pick(_KINDS.get(facts.kind, Label(facts.kind, facts.kind)))
    yield about.say(
        f"Bản số {facts.revision}, công bố {moment}, {kind}", f"Revision {facts.revision}, published {moment}, {kind}"
    )
    if facts.reverts_to is not None:
        yield about.say(f"Trở về như bản số {facts.reverts_to}", f"Back to revision {facts.reverts_to}")
    if facts.source_name:
        yield f"{about.say('Tệp', 'File')}: {facts.source_name}"
    if facts.message:
        yield f"{about.say('Lý do', 'Reason')}: {facts.message}"
    total = format_count(changes.total, english=about.english)
    yield about.say(f"Tổng số: {total} đối tượng thay đổi", f"Total: {total} features changed")


def _grid(changes: Changes, names: Mapping[str, str], about: About) -> Grid:
    heads = ("Mã xã", "Xã", "Thêm", "Sửa", "Xóa") if not about.english else _ENGLISH_HEADS
    whole = UnitChanges(
        "",
        sum(unit.inserted for unit in changes.units),
        sum(unit.updated for unit in changes.units),
        sum(unit.deleted for unit in changes.units),
    )
    rows = [_row(unit, unit.unit_code, names.get(unit.unit_code, "–"), about) for unit in changes.units]
    rows.append(_row(whole, "", about.say("Tổng", "Total"), about))
    return Grid(
        about.say("Thay đổi theo xã", "Changes by commune"), heads, (False, False, True, True, True), tuple(rows)
    )


_ENGLISH_HEADS: Final = ("Commune code", "Commune", "Inserted", "Updated", "Deleted")


def _row(unit: UnitChanges, code: str, name: str, about: About) -> tuple[str, ...]:
    numbers = (unit.inserted, unit.updated, unit.deleted)
    return (code, name, *(format_count(number, english=about.english) for number in numbers))


def _warnings(layer: Layer, changes: Changes, about: About) -> Iterable[str]:
    if changes.total > len(changes.features):
        yield cut_warning(len(changes.features), changes.total, about)
    if layer.synthetic:
        yield synthetic_warning(about)
