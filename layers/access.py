"""The one gate for reading: every statement runs on a connection that carries the reader's scope."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text

from layers.definition import Sensitivity
from layers.rights import Action, Area, Attributes, Right

if TYPE_CHECKING:
    from asyncpg import Connection, Pool

ALL_UNITS = "*"
LOCAL_ADMIN = "local-admin"
Units = frozenset[str] | None
"""Codes of communes (and of provinces that are meant as a whole); None stands for all of them."""

SCOPE_SETTINGS: Final = ("diaban.subject", "diaban.read")
_SET_SCOPE: Final = "SELECT set_config('diaban.subject', $1, true), set_config('diaban.read', $2, true)"
_SET_WRITER: Final = text(
    "SELECT set_config('diaban.subject', :subject, true), set_config('diaban.write', :write, true)"
)
_NOWHERE: Final[frozenset[str]] = frozenset()


def joined(units: Iterable[Units]) -> Units:
    """All communes of several sets; all there are as soon as one set holds all."""
    found: set[str] = set()
    for some in units:
        if some is None:
            return None
        found |= some
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Grant:
    """A right where it holds now: in these communes."""

    right: Right
    units: Units


@dataclass(frozen=True, slots=True)
class Reach:
    """What a scope holds of one layer; nothing here is pieced together from two grants.

    Attributes:
        read: Communes whose features may be read.
        masked: Communes whose features' personal fields may be seen masked.
        personal: Communes whose features' personal fields may be opened in full.
        hidden: Fields that are not included in every commune of ``read``.
    """

    read: Units
    masked: Units = _NOWHERE
    personal: Units = _NOWHERE
    hidden: frozenset[str] = frozenset()

    @property
    def exists(self) -> bool:
        """Whether the reader may know of the layer at all."""
        return self.read is None or bool(self.read)

    @property
    def is_whole(self) -> bool:
        """Whether every feature of the layer may be read, with every field that is not personal."""
        return self.read is None and not self.hidden

    def is_within(self, other: Reach) -> bool:
        """Whether everything that may be read here may be read there too."""
        return self.read == _NOWHERE or (_within(self.read, other.read) and other.hidden <= self.hidden)

    @property
    def key(self) -> str:
        """Text that is equal for two reaches exactly where they show the same of the layer; empty for all of it."""
        if self.is_whole:
            return ""
        units = ALL_UNITS if self.read is None else ",".join(sorted(self.read))
        return _digest(f"{units}|{','.join(sorted(self.hidden))}")


@dataclass(frozen=True)
class Scope:
    """What somebody may see and do: rights, each with the communes where it holds.

    Attributes:
        subject: Who it is, as an id fit for logs.
        grants: Rights that hold now.
        layers: Sensitivity of every layer at the time when the scope was read, by slug.
    """

    subject: str
    grants: tuple[Grant, ...] = ()
    layers: Mapping[str, Sensitivity] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def public(cls) -> Scope:
        """Everybody: wholly public layers only."""
        return cls("public")

    @classmethod
    def local_admin(cls) -> Scope:
        """The operator of the machine, through the command line: everything, except opening personal fields."""
        right = Right(frozenset(Action), classes=frozenset(Sensitivity), areas=frozenset(Area))
        return cls(LOCAL_ADMIN, (Grant(right, None),))

    def only(self, actions: Iterable[Action]) -> Scope:
        """The same scope with these actions alone, such as for a token that may only read."""
        kept = frozenset(actions)
        grants = (replace(g, right=replace(g.right, actions=g.right.actions & kept)) for g in self.grants)
        return replace(self, grants=tuple(grant for grant in grants if grant.right.actions))

    def opening(self, least: Attributes) -> Scope:
        """The same scope with those rights to read alone that include personal fields, masked or in full."""
        order = list(Attributes)
        kept = [g for g in self.grants if order.index(g.right.attributes) >= order.index(least)]
        return replace(self, grants=tuple(kept)).only([Action.READ])

    @classmethod
    def reading(
        cls, subject: str, *, classes: Iterable[Sensitivity] = (), layers: Iterable[str] = (), units: Units = None
    ) -> Scope:
        """A scope of one right to read, for tests and programs."""
        right = Right(frozenset({Action.READ}), frozenset(layers), frozenset(classes))
        return cls(subject, (Grant(right, units),))

    def may(self, action: Action, target: str, unit: str | None = None) -> bool:
        """Whether the subject may act on a layer (its slug) or an :class:`~layers.rights.Area`, in a commune.

        Args:
            action: What is to be done.
            target: Slug of the layer, or an area.
            unit: Code of the commune that it concerns; None where it concerns every commune.
        """
        units = self.units_of(action, target)
        return units is None or (unit is not None and unit in units)

    def may_somewhere(self, action: Action, target: str) -> bool:
        """The same in any commune at all: whether it makes sense to offer the act."""
        units = self.units_of(action, target)
        return units is None or bool(units)

    def units_of(self, action: Action, target: str) -> Units:
        """The communes in which the subject may act on a layer or an area; everybody reads public layers."""
        sensitivity = self.layers.get(target)
        if action is Action.READ and sensitivity is Sensitivity.PUBLIC:
            return None
        return joined(grant.units for grant in self.grants if _is_about(grant.right, action, target, sensitivity))

    def acts_in(self, action: Action, slug: str, sensitivity: Sensitivity) -> Units:
        """The communes in which the subject may act on a layer of this sensitivity."""
        return joined(g.units for g in self.grants if action in g.right.actions and g.right.covers(slug, sensitivity))

    def reach(self, slug: str, sensitivity: Sensitivity) -> Reach:
        """What the reader sees of a layer."""
        known = self._reaches.get((slug, sensitivity))
        if known is None:
            known = self._reaches[(slug, sensitivity)] = self._find_reach(slug, sensitivity)
        return known

    @cached_property
    def _reaches(self) -> dict[tuple[str, Sensitivity], Reach]:
        return {}

    def _find_reach(self, slug: str, sensitivity: Sensitivity) -> Reach:
        reading = [g for g in self.grants if Action.READ in g.right.actions and g.right.covers(slug, sensitivity)]
        personal = joined(g.units for g in reading if g.right.attributes is Attributes.PERSONAL)
        masked = joined(g.units for g in reading if g.right.attributes is not Attributes.PUBLIC)
        if sensitivity is Sensitivity.PUBLIC:
            return Reach(None, masked, personal)
        read = joined(g.units for g in reading)
        named = frozenset[str]().union(*(g.right.hidden_fields(slug) for g in reading))
        hidden = {
            name
            for name in named
            if not _within(read, joined(g.units for g in reading if name not in g.right.hidden_fields(slug)))
        }
        return Reach(read, masked, personal, frozenset(hidden))

    @property
    def is_public(self) -> bool:
        """Whether the scope holds nothing to read but wholly public layers."""
        return not any(_reads_more(grant) for grant in self.grants)

    @cached_property
    def cache_key(self) -> str:
        """Text that is equal for two scopes exactly where their rights to read are the same; empty for the public."""
        if self.is_public:
            return ""
        reading = sorted(
            json.dumps([sorted(g.right.layers), sorted(g.right.classes), sorted(g.right.hides), _spelled(g.units)])
            for g in self.grants
            if _reads_more(g)
        )
        return _digest("\n".join(reading))

    @cached_property
    def settings(self) -> tuple[str, str]:
        """Values of the session settings that the row policies read."""
        return self.subject, self._map(Action.READ)

    def _map(self, action: Action) -> str:
        """JSON of the communes in which the action is allowed, by slug and by ``#sensitivity``."""
        units: dict[str, Units] = {}
        for grant in self.grants:
            if action not in grant.right.actions:
                continue
            for key in (*grant.right.layers, *(f"#{item.value}" for item in grant.right.classes)):
                units[key] = joined([units.get(key, _NOWHERE), grant.units])
        return json.dumps({key: _spelled(units[key]) for key in sorted(units) if units[key] != _NOWHERE})


def set_writer_scope(connection: SyncConnection, scope: Scope, action: Action = Action.EDIT) -> None:
    """Tells the database, until the transaction ends, in which communes the writer login may change features.

    Args:
        connection: In the transaction of the change. The owner login needs no scope and is held by none.
        scope: On whose behalf.
        action: The right that the change rests on.
    """
    connection.execute(_SET_WRITER, {"subject": scope.subject, "write": scope._map(action)})


def _is_about(right: Right, action: Action, target: str, sensitivity: Sensitivity | None) -> bool:
    if action not in right.actions:
        return False
    if target in right.layers or target in right.areas:
        return True
    if target.startswith("@"):
        return False
    # A layer that came after the scope was read is covered only by a right on every class.
    return sensitivity in right.classes if sensitivity is not None else right.classes == frozenset(Sensitivity)


def _reads_more(grant: Grant) -> bool:
    right = grant.right
    named = right.layers or right.classes - {Sensitivity.PUBLIC}
    return Action.READ in right.actions and bool(named) and grant.units != _NOWHERE


def _within(inner: Units, outer: Units) -> bool:
    return outer is None or (inner is not None and inner <= outer)


def _spelled(units: Units) -> str:
    return ALL_UNITS if units is None else ",".join(sorted(units))


def _digest(value: str) -> str:
    return hashlib.blake2b(value.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Gate:
    """Lends connections: the public login in one round trip, the reader login inside a scoped transaction.

    Attributes:
        wait_s: How long a reader waits for a free connection before TimeoutError; None waits on.
        tiles: A gate of its own for tiles, so that a burst of them leaves the others their connections.
    """

    public: Pool[object]
    reader: Pool[object]
    wait_s: float | None = None
    tiles: Gate | None = None

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[Connection[object]]:
        """A connection on which nothing outside ``scope`` exists.

        Public statements run without a transaction of their own; all others in one read-only transaction
        that begins by setting the scope, so that a pooled connection never keeps another reader's.
        """
        if scope.is_public:
            async with self.public.acquire(timeout=self.wait_s) as connection:
                yield connection
            return
        async with self.reader.acquire(timeout=self.wait_s) as connection, connection.transaction(readonly=True):
            await connection.execute(_SET_SCOPE, *scope.settings)
            yield connection
