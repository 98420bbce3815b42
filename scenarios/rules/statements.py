"""What is bound to the constant SQL of the nine shapes over observations."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from scenarios.rules.figures import Reading
from scenarios.rules.shape import RankDrop, SeriesTest

_SPANNED: Final = "window_days"


def series_parameters(
    test: SeriesTest, reading: Reading, *, kinds: tuple[str, ...], key_length: int | None = None
) -> dict[str, object]:
    """The values that the text of the test's shape asks for, and no others are harmful.

    Args:
        test: What the rule looks at.
        reading: When, as known when, and how old values may be.
        kinds: Kinds of places that the rule judges.
        key_length: Length of their keys, which tells communes from provinces; None for any.
    """
    values = asdict(test)
    if _SPANNED in values:
        values["span"] = f"{values.pop(_SPANNED)} days"
    if isinstance(test, RankDrop):
        values["sign"] = 1 if test.higher_is_better else -1
    return {
        **{name: str(value) if isinstance(value, str) else value for name, value in values.items()},
        "kinds": list(kinds),
        "key_length": key_length,
        "at": reading.at,
        "known_at": reading.known_at,
        "stale": reading.stale,
        "capacity_stale": reading.capacity_stale,
        "lag_years": reading.lag_years,
        "lag_days": reading.lag_days,
    }
