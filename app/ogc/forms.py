"""The representations of features, and which of them a request wants."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from starlette.requests import Request

from app.problems import BadParameter

GEOJSON: Final = "application/geo+json"
CSV: Final = "text/csv"
FLATGEOBUF: Final = "application/flatgeobuf"
JSONFG: Final = "application/fg+json"


class Form(StrEnum):
    """Representations of features, by the value of ``f``."""

    GEOJSON = "json"
    HTML = "html"
    CSV = "csv"
    FLATGEOBUF = "fgb"
    JSONFG = "jsonfg"


MEDIA_TYPES: Final[Mapping[Form, str]] = {
    Form.GEOJSON: GEOJSON,
    Form.HTML: "text/html",
    Form.CSV: CSV,
    Form.FLATGEOBUF: FLATGEOBUF,
    Form.JSONFG: JSONFG,
}
PAGE_FORMS: Final = tuple(Form)
FEATURE_FORMS: Final = (Form.GEOJSON, Form.HTML, Form.JSONFG)
_ALIASES: Final = {"geojson": Form.GEOJSON, "flatgeobuf": Form.FLATGEOBUF, "fg": Form.JSONFG}
_ACCEPTED: Final = {
    **{kind: form for form, kind in MEDIA_TYPES.items()},
    "application/json": Form.GEOJSON,
    "application/xhtml+xml": Form.HTML,
    "application/vnd.ogc.fg+json": Form.JSONFG,
    "*/*": Form.GEOJSON,
    "application/*": Form.GEOJSON,
}


def choose_form(request: Request, forms: Collection[Form] = PAGE_FORMS) -> Form:
    """The form wanted, by ``f`` and else by ``Accept`` (RFC 9110, 12.5.1); GeoJSON for those who do not care.

    Raises:
        BadParameter: ``f`` names none of ``forms``.
    """
    asked = request.query_params.get("f")
    if asked is None:
        return _accepted(request.headers.get("accept", ""), forms)
    form = _ALIASES.get(asked) or (Form(asked) if asked in tuple(Form) else None)
    if form is None or form not in forms:
        listed = ", ".join(forms)
        raise BadParameter("f", f"“f” phải là một trong: {listed}.", f'"f" must be one of: {listed}.')
    return form


def _accepted(accept: str, forms: Collection[Form]) -> Form:
    choices: list[tuple[float, int, Form]] = []
    for number, part in enumerate(accept.split(",")):
        kind, *parameters = (word.strip().lower() for word in part.split(";"))
        form = _ACCEPTED.get(kind)
        quality = quality_of(parameters)
        if form in forms and form is not None and quality > 0:
            choices.append((-quality, number, form))
    return min(choices)[2] if choices else Form.GEOJSON


def quality_of(parameters: list[str]) -> float:
    """The weight among the parameters of a part of an ``Accept`` header; 1 where there is none."""
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
