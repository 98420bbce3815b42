"""Changes the drawing of a layer and nothing else of its definition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, text

from layers.audit import Event, record_event
from layers.definition import Definition, Style
from layers.definition_checks import definition_problem
from layers.definition_json import read_style, style_json
from layers.errors import InvalidDefinition, LayerError

# The function replaces one member of the definition; whoever may call it may change no other.
_PUT: Final = text("SELECT catalogue.put_style(:slug, CAST(:style AS jsonb), :seen, :author)")


class StyleChanged(LayerError):
    """Somebody else has changed the layer's definition since it was read."""

    def __init__(self, slug: str, seen: int) -> None:
        super().__init__(
            f"Định nghĩa của lớp “{slug}” vừa được người khác đổi (đã xem phiên bản {seen})."
            " Hãy tải lại, xem bản mới rồi lưu lại.",
            f'The definition of layer "{slug}" has just been changed by somebody else (version {seen} was seen).'
            " Read it again, look at it, then save.",
        )


def styled(definition: Definition, document: Mapping[str, object]) -> Definition:
    """The definition with the drawing that a document describes, in the form of the catalogue.

    Raises:
        InvalidDefinition: The document is no style, or does not suit the layer; ``path`` says where.
    """
    changed = replace(definition, style=_read(definition.slug, document))
    problem = definition_problem(changed)
    if problem:
        raise InvalidDefinition(problem.vi, problem.en, file=definition.slug, line=0, path=problem.path)
    return changed


def put_style(
    connection: Connection, definition: Definition, *, seen: int, author: str, source: str | None = None
) -> int:
    """Puts the drawing of a definition in force and returns the definition's new version.

    Args:
        connection: Writer, in a transaction.
        definition: As :func:`styled` made it.
        seen: Version of the definition that the change was made from.
        author: Subject of whoever changes it.
        source: Address and port that the act came from, for the audit trail.

    Raises:
        StyleChanged: Another version is in force.
    """
    assert definition.style is not None  # noqa: S101 - styled() has put one
    style = json.dumps(style_json(definition.style), ensure_ascii=False)
    values = {"slug": definition.slug, "style": style, "seen": seen, "author": author}
    version = connection.execute(_PUT, values).scalar_one_or_none()
    if version is None:
        raise StyleChanged(definition.slug, seen)
    detail = {"definition_version": version}
    record_event(connection, Event(author, "style_changed", "layer", definition.slug, source=source, detail=detail))
    return int(version)


def _read(slug: str, document: Mapping[str, object]) -> Style:
    try:
        return read_style(document)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidDefinition(
            f"kiểu vẽ không đọc được ({error}); hãy xem lại các ô màu, lớp và nhãn.",
            f"the style cannot be read ({error}); look at the colours, classes and labels again.",
            file=slug,
            line=0,
            path="style",
        ) from error
