"""How many persons' values are held, against what the approved level of the system allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from layers.definition import Sensitivity
from layers.personal.people import personal_layers

WARN_AT: Final = 0.8
_ALL: Final = text("SELECT count(*) FROM personal.keys WHERE erased_at IS NULL")


@dataclass(frozen=True, slots=True)
class Limits:
    """From how many persons on the system needs the next level (Decree 331/2026, articles 11 to 15); 0 is no limit."""

    basic: int
    sensitive: int


@dataclass(frozen=True, slots=True)
class PeopleCounts:
    """Persons whose values are held.

    Attributes:
        people: All of them; who has no identification number counts once for each feature.
        sensitive: Those in restricted layers, whose data the law calls sensitive or nearly so.
        by_layer: Persons by layer.
    """

    people: int
    sensitive: int
    by_layer: dict[str, int]

    def warnings(self, limits: Limits) -> list[str]:
        """Which of ``basic`` and ``sensitive`` has come to 80 % of its limit."""
        pairs = (("basic", self.people, limits.basic), ("sensitive", self.sensitive, limits.sensitive))
        return [name for name, count, limit in pairs if limit and count >= WARN_AT * limit]


def count_people(connection: Connection) -> PeopleCounts:
    """Counts persons whose values are held; some seconds where millions are.

    Args:
        connection: Owner or writer.
    """
    by_layer: dict[str, int] = {}
    sensitive: list[str] = []
    for definition in personal_layers(connection):
        name = "private." + connection.dialect.identifier_preparer.quote(definition.table)
        statement = f"SELECT DISTINCT key_id FROM {name} WHERE sealed IS NOT NULL"  # noqa: S608
        counted = connection.execute(text(f"SELECT count(*) FROM ({statement}) held")).scalar_one()  # noqa: S608
        if counted:
            by_layer[definition.slug] = int(counted)
            if definition.sensitivity is Sensitivity.RESTRICTED:
                sensitive.append(statement)
    both = " UNION ".join(sensitive)
    counted = connection.execute(text(f"SELECT count(*) FROM ({both}) held")).scalar_one() if sensitive else 0  # noqa: S608
    return PeopleCounts(int(connection.execute(_ALL).scalar_one()), int(counted), by_layer)
