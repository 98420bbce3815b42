"""By which fields of a layer its features are found: what the search box and its indexes agree on."""

from __future__ import annotations

from typing import Final

from layers.definition import Definition, FieldType

PARCEL_KEY: Final = frozenset({"sheet", "parcel"})


def name_field(definition: Definition) -> str | None:
    """The public text field by whose words features are found; None where they have numbers only."""
    style = definition.style
    wanted = [style.label_field if style else None, "name", "title"]
    public = {field.name for field in definition.public_fields if field.type is FieldType.TEXT}
    return next((name for name in wanted if name in public and name not in definition.key), None)


def code_field(definition: Definition) -> str | None:
    """The only key field where it is a public text: the code under which a feature is known."""
    public = {field.name for field in definition.public_fields if field.type is FieldType.TEXT}
    return definition.key[0] if len(definition.key) == 1 and definition.key[0] in public else None


def is_parcel_layer(definition: Definition) -> bool:
    """Whether features are found by map sheet and parcel number."""
    return set(definition.key) >= PARCEL_KEY
