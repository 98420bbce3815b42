"""What can be wrong with indicators and with asking for their values."""

from __future__ import annotations

from collections.abc import Iterable

from layers.errors import LayerError, suggestion


class ObservationError(LayerError):
    """Root of the errors of observations."""


class IndicatorNotFound(ObservationError):
    """There is no indicator of this code."""

    def __init__(self, code: str, *, known: Iterable[str]) -> None:
        vi, en = suggestion(code, known)
        super().__init__(
            f"Không có chỉ tiêu “{code[:60]}”.{vi} Xem danh mục tại /api/indicators.",
            f'There is no indicator "{code[:60]}".{en} See the catalogue at /api/indicators.',
            parameter="indicator",
        )


class TooManyObservations(ObservationError):
    """More rows than one request takes."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Mỗi lần gửi tối đa {most} dòng. Hãy chia nhỏ.",
            f"At most {most} rows at a time. Split them.",
            parameter="observations",
        )
