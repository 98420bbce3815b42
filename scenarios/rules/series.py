"""The nine shapes over observations as constant SQL: each text gives one figure per place, all places at once.

Every text defines the common table ``figures``. Values become ``numeric`` with nine decimals when they are read, and
so does every mean and figure; quotients are carried with forty decimals before they are rounded, so that the meaning
in plain Python (:mod:`scenarios.rules.figures`) gets the same digits. A zero denominator leaves the figure NULL.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

_FOLDER: Final = files(__package__).joinpath("sql")
# Parts that several texts share, in an order in which each may hold those before it.
_PARTS: Final = ("value", "known", "compared", "alone", "columns", "window", "before")
_SHAPES: Final = ("constant", "plan", "same_period", "peers", "rolling", "change", "rank_drop", "load", "anomaly")


def read_text(name: str) -> str:
    """One of the SQL texts of this package, with the shared parts in their places."""
    whole = _FOLDER.joinpath(f"{name}.sql").read_text(encoding="utf-8").strip()
    for part in reversed(_PARTS):
        if "{" + part + "}" in whole:
            whole = whole.replace("{" + part + "}", read_text(part))
    return whole


SERIES_SQL: Final = {shape: ",\n".join((read_text("newest"), read_text(shape))) for shape in _SHAPES}
"""The texts by the word for the shape; each ends with the common table ``figures`` and needs a SELECT after it."""
