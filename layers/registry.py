"""Adds and changes layers: the catalogue row, its definition version and its tables, in one transaction."""

from __future__ import annotations

import json

from sqlalchemy import Connection, text

from layers.audit import Event, record_event
from layers.ddl import alter_layer_tables, create_layer_tables
from layers.definition import Definition
from layers.definition_json import from_json, to_json

LOCK_TIMEOUT = "2s"
LAYERS_CHANNEL = "diaban_layers"


def put_layer(
    connection: Connection,
    definition: Definition,
    *,
    author: str,
    built_in: bool = False,
    synthetic: bool = False,
) -> int:
    """Creates the layer, or brings it to this definition, and returns its definition version.

    The same definition again changes nothing and returns the version in force.

    Args:
        connection: An owner connection; the caller commits.
        definition: A validated definition.
        author: Who makes the change.
        built_in: Whether the definition ships with the product.
        synthetic: Whether the features will be generated rather than surveyed.

    Raises:
        DefinitionChangeRefused: The change needs another table.
    """
    connection.execute(text("SELECT set_config('lock_timeout', :value, true)"), {"value": LOCK_TIMEOUT})
    row = connection.execute(
        text("SELECT definition, definition_version FROM catalogue.layers WHERE slug = :slug FOR UPDATE"),
        {"slug": definition.slug},
    ).one_or_none()
    document = json.dumps(to_json(definition), ensure_ascii=False)
    if row is None:
        version = 1
        create_layer_tables(connection, definition)
        _insert_layer(connection, definition, document, built_in=built_in, synthetic=synthetic)
    else:
        old = from_json(row.definition)
        if old == definition:
            return int(row.definition_version)
        version = int(row.definition_version) + 1
        alter_layer_tables(connection, old, definition)
        connection.execute(
            text(
                "UPDATE catalogue.layers SET definition = CAST(:document AS jsonb), definition_version = :version,"
                " sensitivity = :sensitivity WHERE slug = :slug"
            ),
            {
                "document": document,
                "version": version,
                "sensitivity": definition.sensitivity.value,
                "slug": definition.slug,
            },
        )
    connection.execute(
        text(
            "INSERT INTO catalogue.definition_versions (slug, version, definition, author)"
            " VALUES (:slug, :version, CAST(:document AS jsonb), :author)"
        ),
        {"slug": definition.slug, "version": version, "document": document, "author": author},
    )
    detail = {"definition_version": version, "sensitivity": definition.sensitivity.value}
    record_event(connection, Event(author, "definition_changed", "layer", definition.slug, detail=detail))
    announce(connection, definition.slug)
    return version


def _insert_layer(
    connection: Connection, definition: Definition, document: str, *, built_in: bool, synthetic: bool
) -> None:
    connection.execute(
        text(
            "INSERT INTO catalogue.layers (slug, definition, definition_version, sensitivity, built_in, synthetic)"
            " VALUES (:slug, CAST(:document AS jsonb), 1, :sensitivity, :built_in, :synthetic)"
        ),
        {
            "slug": definition.slug,
            "document": document,
            "sensitivity": definition.sensitivity.value,
            "built_in": built_in,
            "synthetic": synthetic,
        },
    )


def announce(connection: Connection, slug: str) -> None:
    """Tells every process, at commit, that a layer's definition or revision has changed."""
    connection.execute(text("SELECT pg_notify(:channel, :slug)"), {"channel": LAYERS_CHANNEL, "slug": slug})


def mark_synthetic(connection: Connection, slug: str, *, synthetic: bool) -> None:
    """Says of a layer whether its features are generated; every page and document then says so too."""
    connection.execute(
        text("UPDATE catalogue.layers SET synthetic = :synthetic WHERE slug = :slug"),
        {"synthetic": synthetic, "slug": slug},
    )
    announce(connection, slug)
