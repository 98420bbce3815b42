"""In which form and language a document is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from app.ogc.forms import quality_of
from app.ogc.params import single_values
from app.problems import BadParameter, wants_english


@dataclass(frozen=True, slots=True)
class Manner:
    """Form and language of an answer.

    Attributes:
        html: A page for people, else JSON.
        english: English first, else Vietnamese.
        lang: The language that the address itself names, so that links keep it.
    """

    html: bool
    english: bool
    lang: str | None


def manner_of(request: Request) -> Manner:
    """Reads ``f``, ``lang``, ``Accept`` and ``Accept-Language``; no other parameter is known.

    Raises:
        BadParameter: A parameter is unknown, repeated, or names another form.
    """
    values = single_values(request, ("f", "lang"))
    form = values.get("f")
    if form not in (None, "json", "html"):
        raise BadParameter("f", "“f” phải là json hoặc html.", '"f" must be json or html.')
    html = prefers_html(request.headers.get("accept")) if form is None else form == "html"
    english, lang = language_wanted(request)
    return Manner(html=html, english=english, lang=lang)


def language_wanted(request: Request) -> tuple[bool, str | None]:
    """Whether English is wanted, by ``lang`` and else by ``Accept-Language``, and what ``lang`` itself says."""
    lang = language_of(request.query_params.get("lang"))
    english = lang == "en" if lang else wants_english(request.headers.get("accept-language"))
    return english, lang


def language_of(text: str | None) -> str | None:
    """``vi`` or ``en`` where a ``lang`` parameter names one of them, regions aside."""
    primary = (text or "").lower().replace("_", "-").partition("-")[0]
    return primary if primary in ("vi", "en") else None


def prefers_html(accept: str | None) -> bool:
    """Whether an ``Accept`` header puts HTML before JSON (RFC 9110, 12.5.1); JSON for those who do not care."""
    choices: list[tuple[float, int, bool]] = []
    for number, part in enumerate((accept or "").split(",")):
        kind, *parameters = (word.strip().lower() for word in part.split(";"))
        is_html = kind in ("text/html", "application/xhtml+xml")
        if is_html or kind.endswith("json") or kind in ("*/*", "application/*"):
            choices.append((-quality_of(parameters), number, is_html))
    return min(choices)[2] if choices else False
