"""Filters in CQL2 (OGC 21-065r2), text or JSON, into SQL conditions with bound values."""

from typing import Literal as Choice

from spatial.cql2.compile import compile_filter
from spatial.cql2.document import load_document, parse_document
from spatial.cql2.expression import MAX_BYTES, Expr, check_size
from spatial.cql2.fields import FilterColumn
from spatial.cql2.text import parse_text
from spatial.crs import CRS, CRS84
from spatial.errors import InvalidFilter

__all__ = ["Expr", "FilterColumn", "FilterLanguage", "compile_filter", "parse_filter"]

FilterLanguage = Choice["cql2-text", "cql2-json"]


def parse_filter(text_or_document: object, lang: FilterLanguage, *, filter_crs: CRS = CRS84) -> Expr:
    """Return the tree of a CQL2 filter; geometries in it become EPSG:4326.

    Args:
        text_or_document: CQL2 text, CQL2 JSON as text, or an already decoded JSON value.
        lang: the encoding.
        filter_crs: CRS of the coordinates, in its axis order (OGC API - Features Part 3, 6.3).

    Raises:
        InvalidFilter: wrong syntax, more than 32 KiB, 64 levels or 1,000 parts; ``position`` says where.
        InvalidGeometry: a geometry cannot be used.
        InvalidBBox: a BBOX cannot be used.
    """
    if isinstance(text_or_document, str):
        _check_length(text_or_document)
    if lang == "cql2-json":
        loaded = load_document(text_or_document) if isinstance(text_or_document, str) else text_or_document
        expression = parse_document(loaded, filter_crs)
    elif isinstance(text_or_document, str):
        expression = parse_text(text_or_document, filter_crs)
    else:
        raise InvalidFilter(
            "Bộ lọc cql2-text phải là chuỗi. Hãy gửi chuỗi hoặc đặt filter-lang=cql2-json",
            "A cql2-text filter is a text. Send a text, or set filter-lang=cql2-json",
        )
    check_size(expression)
    return expression


def _check_length(text: str) -> None:
    # A text may hold half of a surrogate pair, which has no proper encoding.
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InvalidFilter(
            f"Bộ lọc dài hơn {MAX_BYTES // 1024} KiB. Hãy rút ngắn hoặc chia thành nhiều yêu cầu",
            f"The filter is longer than {MAX_BYTES // 1024} KiB. Shorten it or split it into several requests",
        )
