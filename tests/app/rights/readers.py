"""Who asks in the matrix of rights: every role of the catalogue, in one commune, in two, and everywhere; and nobody."""

from __future__ import annotations

from dataclasses import dataclass

from app.resources import Principal
from layers.access import Grant, Scope, Units
from layers.definition import Sensitivity
from layers.grants import built_in_roles
from layers.rights import Action
from tests.layers.ask_world import INTERNAL, commune_code, definitions

HERE, NEXT = commune_code(1, 1), commune_code(2, 1)
PUBLIC, RESTRICTED = "schools", "schools-restricted"
LAYERS = (PUBLIC, INTERNAL, RESTRICTED)
SENSITIVITIES = {slug: definition.sensitivity for slug, definition in definitions().items()}
NOBODY = "nobody"


@dataclass(frozen=True)
class Reader:
    """Somebody with a role in some communes; nobody has none."""

    name: str
    scope: Scope

    def units(self, slug: str) -> Units:
        """Communes whose features of a layer this reader may read, by the words of the rights alone."""
        if SENSITIVITIES[slug] is Sensitivity.PUBLIC:
            return None
        found: set[str] = set()
        for grant in self.scope.grants:
            right = grant.right
            covers = slug in right.layers or SENSITIVITIES[slug] in right.classes
            if Action.READ not in right.actions or not covers:
                continue
            if grant.units is None:
                return None
            found |= grant.units
        return frozenset(found)


def _reader(role: str, where: str, units: Units) -> Reader:
    rights = next(known.rights for known in built_in_roles() if known.slug == role)
    grants = tuple(Grant(right, None if right.everywhere else units) for right in rights)
    name = f"{role}.{where}"
    return Reader(name, Scope(name, grants, SENSITIVITIES))


def _readers() -> dict[str, Reader]:
    places: dict[str, Units] = {"here": frozenset({HERE}), "both": frozenset({HERE, NEXT}), "everywhere": None}
    found = [_reader(role.slug, where, units) for role in built_in_roles() for where, units in places.items()]
    # Two grants never add up to more than either: one layer here, the other there.
    for layer, unit in ((INTERNAL, HERE), (RESTRICTED, NEXT)):
        single = Scope.reading(f"one-layer.{layer}", layers=[layer], units=frozenset({unit}))
        found.append(Reader(single.subject, Scope(single.subject, single.grants, SENSITIVITIES)))
    both = tuple(grant for reader in found[-2:] for grant in reader.scope.grants)
    found.append(Reader("two-layers", Scope("two-layers", both, SENSITIVITIES)))
    return {reader.name: reader for reader in [Reader(NOBODY, Scope.public()), *found]}


READERS = _readers()
PEOPLE = {name: Principal(name, name, reader.scope) for name, reader in READERS.items() if name != NOBODY}


def distinct_readers() -> list[str]:
    """One reader for each set of rights to read, since others would only repeat its answers."""
    seen: dict[tuple[object, ...], str] = {}
    for name, reader in READERS.items():
        seen.setdefault(tuple(reader.units(slug) for slug in LAYERS), name)
    return list(seen.values())
