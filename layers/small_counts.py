"""Groups of very few features are not told in figures of restricted layers: few households are known households."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from layers.access import Scope
from layers.definition import Definition, Sensitivity

LEAST: Final = 5
"""Groups of fewer features are kept back unless another number is set."""


def least_told(scope: Scope, definition: Definition, least: int = LEAST) -> int:
    """The smallest group whose figures this reader is told; 0 where all are.

    Whoever may open the personal fields of every feature that they read is told all, and public and internal layers
    are told to all who read them.
    """
    if definition.sensitivity is not Sensitivity.RESTRICTED:
        return 0
    reach = scope.reach(definition.slug, definition.sensitivity)
    full = reach.personal is None or (reach.read is not None and reach.read <= reach.personal)
    return 0 if full else least


def kept_back(counts: Mapping[tuple[object, ...], int], least: int) -> set[tuple[object, ...]]:
    """Groups whose figures are kept back; where that is one, the next smallest too, or the total would give it away.

    Args:
        counts: Number of features of each group.
        least: The smallest that is told; nobody is known by an empty one.
    """
    filled = sorted((count, number) for number, count in enumerate(counts.values()) if count > 0)
    small = [number for count, number in filled if count < least]
    if len(small) == 1 and len(filled) > 1:
        small.append(filled[1][1])
    groups: Sequence[tuple[object, ...]] = list(counts)
    return {groups[number] for number in small}
