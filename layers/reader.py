"""Reads features of a layer: targets and compiled statements, built once per definition version and shape."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache

from layers.catalogue import Layer
from layers.definition import Definition
from layers.tables import feature_table, has_unit_codes, measure_column, rows_at_revision
from spatial.sql import Rows, Statement, compile_statement
from spatial.target import Property, Target

MAX_STATEMENTS = 2048
SYSTEM_PROPERTIES = (Property("unit_code", "text"), Property("province_code", "text"))


@lru_cache(maxsize=1024)
def current_target(definition: Definition) -> Target:
    """The layer's current rows as statements may read them."""
    return _target(definition, feature_table(definition))


@lru_cache(maxsize=1024)
def past_target(definition: Definition) -> Target:
    """The layer's rows after the revision bound as ``revision``."""
    return _target(definition, rows_at_revision(definition).subquery("past"))


def _target(definition: Definition, rows: object) -> Target:
    measure = measure_column(definition)
    properties = [Property(field.name, field.type.value) for field in definition.public_fields]
    properties += SYSTEM_PROPERTIES
    if measure:
        properties.append(Property(measure[0], "number"))
    return Target(
        slug=definition.slug,
        rows=rows,  # type: ignore[arg-type]
        properties=tuple(properties),
        personal=frozenset(field.name for field in definition.personal_fields),
        geometry_type=definition.geometry.value if definition.geometry else None,
        spans_units=has_unit_codes(definition),
        measure=measure[0] if measure else None,
    )


@dataclass
class Statements:
    """Compiled statements by (layer, definition version, shape), least recently used dropped first."""

    _known: dict[Hashable, Statement] = field(default_factory=dict)

    def get(self, layer: Layer, shape: Hashable, build: Callable[[Target], Rows]) -> Statement:
        """The statement of this shape over the layer's current rows, compiled at first use."""
        return self._compiled((layer.slug, layer.definition_version, layer.hidden, shape), layer, current_target, build)

    def get_past(self, layer: Layer, shape: Hashable, build: Callable[[Target], Rows]) -> Statement:
        """The same over the rows after the revision bound as ``revision``."""
        key = (layer.slug, layer.definition_version, layer.hidden, "past", shape)
        return self._compiled(key, layer, past_target, build)

    def _compiled(
        self,
        key: Hashable,
        layer: Layer,
        target_of: Callable[[Definition], Target],
        build: Callable[[Target], Rows],
    ) -> Statement:
        statement = self._known.pop(key, None)
        if statement is None:
            statement = compile_statement(build(target_of(layer.definition)))
            if len(self._known) >= MAX_STATEMENTS:
                self._known.pop(next(iter(self._known)))
        self._known[key] = statement
        return statement
