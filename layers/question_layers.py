"""The layers that a question names, and the statements over them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from layers.access import Scope
from layers.catalogue import Catalogue, Layer
from layers.errors import LayerNotFound, RevisionNotFound
from layers.reader import Statements, current_target
from layers.tables import rows_at_revision
from spatial.condition_values import condition_shape
from spatial.conditions import SourceRows, filter_clause
from spatial.measures import LATITUDE_DEGREE_M
from spatial.question_model import Question, RadiusCondition, RouteCondition, Source, ZoneCondition
from spatial.sql import Rows, Statement
from spatial.target import Target

if TYPE_CHECKING:
    from asyncpg import Connection, Record

# Beyond this many sources near every feature it is quicker to ask, for every feature, whether one is near.
MAX_NEAR = 3.0
_BY_NUMBER = "SELECT revision, newest_data_at FROM catalogue.revisions WHERE slug = $1 AND revision = $2"
_AT_INSTANT = (
    "SELECT revision, newest_data_at FROM catalogue.revisions WHERE slug = $1 AND published_at <= $2"
    " ORDER BY revision DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A past state of a layer."""

    revision: int
    data_date: date | None


@dataclass(frozen=True, slots=True)
class SourceLayer:
    """A layer that a condition names, as its statement reads it."""

    source: Source
    layer: Layer
    pinned: Pinned | None
    rows: SourceRows
    shape: Hashable


@dataclass(frozen=True, slots=True)
class AskedLayers:
    """The layer asked and the sources of its conditions, by path.

    Attributes:
        least_told: The smallest group whose figures are told; 0 where all are.
    """

    layer: Layer
    pinned: Pinned | None
    sources: Mapping[str, SourceLayer]
    least_told: int = 0

    @property
    def rows(self) -> dict[str, SourceRows]:
        """The sources as the statement's builders take them."""
        return {path: source.rows for path, source in self.sources.items()}

    @property
    def slugs(self) -> list[str]:
        """All layers that take part."""
        return sorted({self.layer.slug, *(source.layer.slug for source in self.sources.values())})


def sources_of(question: Question) -> list[tuple[Source, float | None]]:
    """Returns the sources that conditions name, each with the metres that it reaches (None for a zone)."""
    found: list[tuple[Source, float | None]] = []
    for condition in question.where:
        match condition:
            case RadiusCondition(of=Source() as source):
                found.append((source, condition.metres))
            case ZoneCondition(zone=Source() as source):
                found.append((source, None))
            case RouteCondition(line=Source() as source):
                found.append((source, condition.corridor_m))
    return found


def check_layers(catalogue: Catalogue, scope: Scope, question: Question) -> None:
    """Refuses layers that the reader may not know of, before any connection is taken.

    Raises:
        LayerNotFound: there is no such layer for this reader; ``parameter`` is its path.
    """
    catalogue.get(question.layer, scope)
    for source, _ in sources_of(question):
        try:
            catalogue.get(source.layer, scope)
        except LayerNotFound as error:
            error.parameter = f"{source.path}.layer"
            raise


async def find_layers(
    connection: Connection[Record], catalogue: Catalogue, scope: Scope, question: Question
) -> AskedLayers:
    """Returns the layers of a question in the states that it asks about.

    Raises:
        LayerNotFound: see :func:`check_layers`.
        RevisionNotFound: a layer never had this revision, or none at this instant.
        InvalidFilter: a source's filter does not fit its layer.
    """
    check_layers(catalogue, scope, question)
    layer = catalogue.get(question.layer, scope)
    pinned = None
    if question.revision is not None:
        pinned = await _pinned(connection, layer, _BY_NUMBER, question.revision)
    elif question.at is not None:
        pinned = await _pinned(connection, layer, _AT_INSTANT, question.at)
    sources: dict[str, SourceLayer] = {}
    for number, (source, metres) in enumerate(sources_of(question)):
        other = catalogue.get(source.layer, scope)
        state = await _pinned(connection, other, _AT_INSTANT, question.at) if question.at else None
        sources[source.path] = _source(source, other, state, layer, metres, name=f"source_{number}")
    return AskedLayers(layer, pinned, sources)


async def _pinned(connection: Connection[Record], layer: Layer, sql: str, wanted: int | datetime) -> Pinned:
    row = await connection.fetchrow(sql, layer.slug, wanted)
    if row is None:
        shown = wanted if isinstance(wanted, int) else wanted.isoformat()
        error = RevisionNotFound(layer.slug, shown, newest=layer.revision)
        error.parameter = "revision" if isinstance(wanted, int) else "at"
        raise error
    return Pinned(row["revision"], row["newest_data_at"])


def _source(
    source: Source, other: Layer, pinned: Pinned | None, layer: Layer, metres: float | None, *, name: str
) -> SourceLayer:
    target = current_target(other.definition)
    rows = target.rows.alias(name)
    if pinned is not None:
        # A source's revision is bound in its own SQL, because the layer asked has a parameter of that name.
        rows = rows_at_revision(other.definition, pinned.revision).alias(name)
    own = dataclasses.replace(target, rows=rows)
    condition = filter_clause(own, source.filter) if source.filter else None
    driving = _drives(other, layer, metres)
    same = other.slug == layer.slug
    shape = (
        other.slug,
        other.definition_version,
        pinned.revision if pinned else None,
        source.filter.key if source.filter else None,
        driving,
    )
    return SourceLayer(source, other, pinned, SourceRows(own, condition, driving, same), shape)


def _drives(source: Layer, layer: Layer, metres: float | None) -> bool:
    """Whether to go from the source's features to the layer's index: the work of either way is weighed."""
    if metres is None:
        # Testing many features against one polygon is quick, one feature against many polygons is not.
        return source.feature_count <= 4 * layer.feature_count
    if source.feature_count > layer.feature_count or source.extent is None:
        return source.feature_count <= layer.feature_count
    west, south, east, north = source.extent
    across = 2 * metres / LATITUDE_DEGREE_M
    middle = math.cos(math.radians((south + north) / 2))
    area = (east - west + across) * middle * (north - south + across)
    return source.feature_count * across * across / area <= MAX_NEAR


def statement_of(
    statements: Statements,
    asked: AskedLayers,
    question: Question,
    kind: Hashable,
    build: Callable[[Target], Rows],
) -> Statement:
    """Returns the compiled statement of a question, from the cache where its shape has been met before.

    Args:
        statements: The process's compiled statements.
        asked: The question's layers.
        question: The question.
        kind: What the statement gives, and every option of it that is in the text.
        build: Makes the statement over the layer's rows.
    """
    shapes = {path: source.shape for path, source in asked.sources.items()}
    where = tuple(condition_shape(condition, shapes) for condition in question.where)
    shape = ("question", kind, where, question.filter.key if question.filter else None)
    if asked.pinned is not None:
        return statements.get_past(asked.layer, shape, build)
    return statements.get(asked.layer, shape, build)
