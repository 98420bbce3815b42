"""What one person may do, spelled out: every layer and area with the communes in which each action is allowed."""

from __future__ import annotations

from dataclasses import dataclass

from layers.access import Scope, Units
from layers.rights import Action, Area


@dataclass(frozen=True, slots=True)
class Power:
    """An action that a scope allows on a layer or an area.

    Attributes:
        target: Slug of the layer, or the area.
        units: Communes where it is allowed; None for all.
    """

    target: str
    action: Action
    units: Units


def powers_of(scope: Scope) -> list[Power]:
    """Everything that the scope allows, areas first, then layers by slug; what it allows nowhere is left out."""
    targets = (*(area.value for area in Area), *sorted(scope.layers))
    found = (Power(target, action, scope.units_of(action, target)) for target in targets for action in Action)
    return [power for power in found if power.units is None or power.units]
