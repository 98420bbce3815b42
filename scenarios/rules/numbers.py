"""Numbers as PostgreSQL's ``numeric`` has them, so that Python and SQL compare the same digits."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

PLACES = 9
_CARRIED = 40


def exact(value: float) -> Decimal:
    """A double as ``round(CAST(value AS numeric), 9)`` gives it: fifteen significant digits, then nine decimals."""
    return rounded(Fraction(Decimal(format(value, ".15g"))))


def rounded(value: Fraction, places: int = PLACES) -> Decimal:
    """A fraction rounded half away from zero, as PostgreSQL rounds."""
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    sign = 1 if value < 0 else 0
    return Decimal((sign, tuple(int(digit) for digit in str(whole)), -places))


def mean(values: list[Decimal]) -> Decimal | None:
    """The mean with nine decimals, or None of nothing."""
    return rounded(Fraction(sum(map(Fraction, values), Fraction(0))) / len(values)) if values else None


def deviation(values: list[Decimal]) -> Decimal | None:
    """The sample standard deviation with nine decimals, or None of fewer than two values."""
    count = len(values)
    if count < 2:
        return None
    fractions = [Fraction(value) for value in values]
    total = sum(fractions, Fraction(0))
    squares = sum((value * value for value in fractions), Fraction(0))
    variance = Fraction(rounded((count * squares - total * total) / (count * (count - 1)), _CARRIED))
    root = math.isqrt(variance.numerator * 10 ** (4 * _CARRIED) // variance.denominator)
    return rounded(Fraction(root, 10 ** (2 * _CARRIED)))


def quotient(over: Decimal, under: Decimal, factor: int = 1) -> Decimal | None:
    """``over`` times ``factor`` by ``under`` with nine decimals, or None where that divides by zero."""
    return rounded(Fraction(over) * factor / Fraction(under)) if under else None
