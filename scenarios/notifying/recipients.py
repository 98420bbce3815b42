"""Whose eyes a channel stands for: a person's rights as they are now, or an office's units."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from layers.access import Grant, Scope
from layers.grants import load_scope
from layers.rights import Right
from scenarios.notifying.channel import OFFICE_ACTIONS, OFFICE_AREAS, Channel
from scenarios.notifying.units import with_communes

_IS_ACTIVE: Final = text("SELECT state = 'active' FROM access.accounts WHERE id = :id")


def scope_of(connection: Connection, channel: Channel) -> Scope:
    """What may be told to a channel at this moment.

    A person's channel stands for that person, with no rights once the account is closed. An office's stands for
    whoever works on alerts and field reports in its units, and is told nothing of layers and nothing that is meant
    for one person.

    Args:
        connection: Owner or writer.
        channel: The channel.
    """
    account = channel.draft.account
    if account is not None:
        if connection.execute(_IS_ACTIVE, {"id": account}).scalar():
            return load_scope(connection, account).scope
        return Scope("closed-account")
    unit = channel.draft.wanted.unit_code
    units = None if unit is None else with_communes(connection, unit)
    right = Right(OFFICE_ACTIONS, areas=OFFICE_AREAS)
    return Scope(f"channel {channel.id}", (Grant(right, units),))


class Recipients:
    """Scopes of channels, read once each while one transaction lasts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[object, tuple[Scope, frozenset[str] | None]] = {}

    def scope(self, channel: Channel) -> Scope:
        """The scope of a channel, see :func:`scope_of`."""
        return self._look_up(channel)[0]

    def units(self, channel: Channel) -> frozenset[str] | None:
        """The units that the channel wants to hear of; None for all."""
        return self._look_up(channel)[1]

    def _look_up(self, channel: Channel) -> tuple[Scope, frozenset[str] | None]:
        found = self._known.get(channel.id)
        if found is None:
            unit = channel.draft.wanted.unit_code
            units = None if unit is None else with_communes(self._connection, unit)
            found = self._known[channel.id] = (scope_of(self._connection, channel), units)
        return found
