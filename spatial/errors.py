"""What can be wrong with a spatial question, told in Vietnamese and in English with its remedy."""

from collections.abc import Iterable


class SpatialError(Exception):
    """Root of the errors of this package.

    Attributes:
        vi: the sentence in Vietnamese, ending with what to do about it.
        en: the same in English; also ``str(error)``.
        parameter: the request parameter at fault, when the caller named one.
    """

    def __init__(self, vi: str, en: str, *, parameter: str | None = None) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en
        self.parameter = parameter


class InvalidQuestion(SpatialError):
    """A parameter of a spatial question has a value that cannot be asked."""


class InvalidCRS(SpatialError):
    """The coordinate reference system is unknown, deprecated or not served."""


class InvalidBBox(SpatialError):
    """The bounding box is not 4 or 6 usable numbers in its CRS."""


class InvalidDatetime(SpatialError):
    """The instant or interval does not follow RFC 3339 or the OGC interval form."""


class InvalidGeometry(SpatialError):
    """The geometry is malformed, invalid, too large or outside its CRS.

    Attributes:
        vertex: a readable path to the vertex, such as ``coordinates[0][3]``.
        location: x, y of the place where the geometry is invalid, in the CRS it was sent in.
    """

    def __init__(
        self,
        vi: str,
        en: str,
        *,
        parameter: str | None = None,
        vertex: str | None = None,
        location: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(vi, en, parameter=parameter)
        self.vertex = vertex
        self.location = location


class InvalidFilter(SpatialError):
    """The filter cannot be parsed, or compares things that do not compare.

    Attributes:
        position: 1-based character of the text (CQL2 text) or a path into the document (CQL2 JSON).
    """

    def __init__(
        self, vi: str, en: str, *, parameter: str | None = "filter", position: int | str | None = None
    ) -> None:
        if position is not None:
            vi = f"{vi} (tại {_place_vi(position)})"
            en = f"{en} (at {_place_en(position)})"
        super().__init__(vi, en, parameter=parameter)
        self.position = position


class FieldUnknown(InvalidFilter):
    """The filter names a field that may not be queried in this layer.

    Attributes:
        field: the name as sent.
        allowed: the names that may be used, sorted.
    """

    def __init__(
        self,
        field: str,
        allowed: Iterable[str],
        *,
        parameter: str | None = "filter",
        position: int | str | None = None,
    ) -> None:
        self.field = field
        self.allowed = tuple(sorted(allowed))
        names = ", ".join(self.allowed) or "-"
        shown = shorten(field)
        super().__init__(
            f"Lớp này không có trường '{shown}'. Hãy dùng một trong các trường: {names}",
            f"This layer has no field '{shown}'. Use one of: {names}",
            parameter=parameter,
            position=position,
        )


class PersonalFieldUsed(InvalidFilter):
    """The filter names a field that holds personal data.

    Attributes:
        field: the name as sent.
        allowed: the names that may be used, sorted.
    """

    def __init__(
        self,
        field: str,
        allowed: Iterable[str],
        *,
        parameter: str | None = "filter",
        position: int | str | None = None,
    ) -> None:
        self.field = field
        self.allowed = tuple(sorted(allowed))
        names = ", ".join(self.allowed) or "-"
        super().__init__(
            f"Trường '{field}' là dữ liệu cá nhân nên không dùng để lọc được. Hãy dùng: {names}",
            f"Field '{field}' holds personal data and cannot be filtered on. Use one of: {names}",
            parameter=parameter,
            position=position,
        )


def shorten(text: str, limit: int = 60) -> str:
    """Return the text fit for a message: control characters as escapes, cut at ``limit`` characters."""
    clean = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: limit + 1])
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _place_vi(position: int | str) -> str:
    return f"ký tự thứ {position}" if isinstance(position, int) else position


def _place_en(position: int | str) -> str:
    return f"character {position}" if isinstance(position, int) else position
