"""Personal fields of one feature, for a reader: masked, or in full for a stated reason that stays on record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from layers.access import Scope
from layers.audit import Event, record_event
from layers.definition import Definition
from layers.personal.errors import PersonalNotFound, TooManyViews
from layers.personal.keys import keyring_of
from layers.personal.masking import masked
from layers.personal.sealing import held_values
from layers.personal.staged import require_sealed
from layers.rights import Action, Attributes, NotAllowed

_SCOPE: Final = text("SELECT set_config('diaban.subject', :subject, true), set_config('diaban.read', :read, true)")
_ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('personal views ' || :account, 0))")
_RECENT: Final = text(
    "SELECT count(*) FROM personal.views WHERE account = :account AND at > clock_timestamp() - interval '1 hour'"
)
_KEEP: Final = text(
    "INSERT INTO personal.views (account, layer, fid, person, fields, purpose, reason)"
    " VALUES (:account, :layer, :fid, :person, :fields, :purpose, :reason) RETURNING id"
)
SHORTEST_REASON: Final = 10
LONGEST_REASON: Final = 500


class Purpose(StrEnum):
    """What personal values are opened for; the law wants each use to have a purpose that was there before it."""

    PROCEDURE = "procedure"
    INSPECTION = "inspection"
    COMPLAINT = "complaint"
    EMERGENCY = "emergency"
    SUBJECT_REQUEST = "subject-request"
    AUTHORITY_REQUEST = "authority-request"
    DATA_QUALITY = "data-quality"


@dataclass(frozen=True, slots=True)
class Why:
    """Why values are opened in full.

    Attributes:
        purpose: One of the closed list.
        reason: In words, such as the number of the dossier; 10 to 500 characters.
        source: Address and port that the request came from.
    """

    purpose: Purpose
    reason: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """Personal values of one feature, by field.

    Attributes:
        restricted: Whether the person has had the use of the values restricted, so that none are shown.
        view: Number under which the view is on record; None for a masked one.
    """

    slug: str
    fid: int
    values: dict[str, object]
    restricted: bool = False
    view: int | None = None


def read_masked(connection: Connection, scope: Scope, definition: Definition, fid: int) -> Opened:
    """Personal fields of a feature, masked.

    Args:
        connection: The opening login's, in a transaction.
        scope: The reader's.
        definition: The layer, as it is for the reader.
        fid: The feature.

    Raises:
        PersonalNotFound: There is none, or it lies outside the communes where the reader may see personal fields.
        PersonalKeyError: The values cannot be opened.
    """
    row, values = _read(connection, scope.opening(Attributes.MASKED), definition, fid)
    fields = {field.name: field for field in definition.personal_fields}
    shown = {name: masked(fields[name], value) for name, value in values.items()}
    return Opened(definition.slug, fid, shown, row.restricted_at is not None)


def open_in_full(
    connection: Connection, scope: Scope, definition: Definition, fid: int, why: Why, *, most_in_an_hour: int
) -> Opened:
    """Personal fields of a feature in full; the view is on record, in the same transaction, or there is none.

    Args:
        connection: The opening login's, in a transaction.
        scope: The reader's.
        definition: The layer, as it is for the reader.
        fid: The feature.
        why: Purpose and reason.
        most_in_an_hour: So many views of one account.

    Raises:
        NotAllowed: The reader may see them masked only.
        PersonalNotFound: There is no such feature for the reader.
        PersonalKeyError: The values cannot be opened.
        TooManyViews: The account has had as many within the last hour.
    """
    row, _ = _read(connection, scope.opening(Attributes.MASKED), definition, fid)
    try:
        row, values = _read(connection, scope.opening(Attributes.PERSONAL), definition, fid)
    except PersonalNotFound:
        raise NotAllowed(Action.READ, definition.slug) from None
    connection.execute(_ONE_AT_A_TIME, {"account": scope.subject})
    if connection.execute(_RECENT, {"account": scope.subject}).scalar_one() >= most_in_an_hour:
        raise TooManyViews(most_in_an_hour)
    view = _record(connection, scope.subject, definition.slug, row, sorted(values), why)
    return Opened(definition.slug, fid, values, row.restricted_at is not None, view)


def _record(connection: Connection, account: str, slug: str, row: Row[Any], fields: list[str], why: Why) -> int:
    given = {"account": account, "layer": slug, "fid": row.fid, "person": row.person, "fields": fields}
    view = int(
        connection.execute(_KEEP, {**given, "purpose": why.purpose.value, "reason": why.reason.strip()}).scalar_one()
    )
    # The reason is people's own words and may name somebody: it stays out of the trail, which is for ever.
    event = Event(
        account,
        "personal_data_viewed",
        "feature",
        f"{slug}/{row.fid}",
        unit_code=row.unit_code,
        source=why.source,
        detail={"fields": fields, "purpose": why.purpose.value, "view": view},
    )
    record_event(connection, event)
    return view


def _read(connection: Connection, scope: Scope, definition: Definition, fid: int) -> tuple[Row[Any], dict[str, object]]:
    if not definition.personal_fields or not scope.grants:
        raise PersonalNotFound(definition.slug, fid)
    require_sealed(connection, definition)
    subject, read = scope.settings
    connection.execute(_SCOPE, {"subject": subject, "read": read})
    name = connection.dialect.identifier_preparer.quote(definition.table)
    statement = text(f"SELECT * FROM opening.{name} WHERE fid = :fid ORDER BY revision DESC NULLS LAST LIMIT 1")  # noqa: S608
    row = connection.execute(statement, {"fid": fid}).one_or_none()
    if row is None:
        raise PersonalNotFound(definition.slug, fid)
    held = held_values(keyring_of(connection), definition, row)
    shown = [field.name for field in definition.personal_fields if not field.hidden]
    return row, {name: held[name] for name in shown if name in held}
