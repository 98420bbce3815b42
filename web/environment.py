"""The Jinja environment of all pages, how they write numbers, dates and addresses, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from layers.definition import Label
from web.version import VERSION
from web.words import SYNTHETIC, YES_NO

FOLDER = Path(__file__).resolve().parent
STATIC_FOLDER = FOLDER / "static"
NO_VALUE = "–"
# Below this, digits are read one by one: years, house numbers, codes kept as numbers.
GROUPED_FROM = 10_000
# From here on, less than a hundredth says nothing.
LARGE_FROM = 1000.0
VIETNAM_TIME = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True)
class Site:
    """Where a page stands.

    Attributes:
        public_url: Scheme, host and path of the service as clients reach it, without a final slash.
        english: English first, else Vietnamese.
        lang: The language that the page's own address names; links keep it.
    """

    public_url: str
    english: bool = False
    lang: str | None = None

    @property
    def root(self) -> str:
        """The path of the service, so that links work under every host name of the same machine."""
        return urlsplit(self.public_url).path

    def href(self, path: str) -> str:
        """Address of a page of the service, in the language chosen."""
        if self.lang is None:
            return f"{self.root}{path}"
        joined = "&" if "?" in path else "?"
        return f"{self.root}{path}{joined}lang={self.lang}"

    def pick(self, label: Label) -> str:
        """The label in the page's language."""
        return label.en if self.english else label.vi

    def beside(self, label: Label) -> str:
        """The label in the other language."""
        return label.vi if self.english else label.en


def format_number(value: float, *, english: bool) -> str:
    """A number as people write it: 1.234,5 in Vietnamese, 1,234.5 in English."""
    if isinstance(value, int) and abs(value) < GROUPED_FROM:
        return str(value)
    digits = 2 if abs(value) >= LARGE_FROM else 4
    text = f"{value:,.{digits}f}" if isinstance(value, float) else f"{value:,}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if english else text.translate(str.maketrans(",.", ".,"))


def format_count(value: int, *, english: bool) -> str:
    """A count, always grouped."""
    return f"{value:,}" if english else f"{value:,}".replace(",", ".")


def format_day(value: date, *, english: bool) -> str:
    """A day: 22/11/2026 in Vietnamese, 2026-11-22 in English."""
    return value.strftime("%Y-%m-%d") if english else value.strftime("%d/%m/%Y")


def format_moment(value: datetime, *, english: bool) -> str:
    """A moment in Vietnamese time: 14:05 22/11/2026."""
    local = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(VIETNAM_TIME)
    return f"{local:%H:%M} {format_day(local.date(), english=english)}"


def format_value(value: object, *, english: bool) -> str:
    """Any property value of a feature."""
    if value is None or value == "":
        return NO_VALUE
    if isinstance(value, bool):
        return YES_NO[value].en if english else YES_NO[value].vi
    if isinstance(value, int | float):
        return format_number(value, english=english)
    if isinstance(value, datetime):
        return format_moment(value, english=english)
    if isinstance(value, date):
        return format_day(value, english=english)
    if isinstance(value, list | tuple):
        return ", ".join(format_value(item, english=english) for item in value) or NO_VALUE
    return str(value)


def _site(context: Context) -> Site:
    site = context["site"]
    assert isinstance(site, Site)  # noqa: S101 - every page is rendered with its site
    return site


@pass_context
def _t(context: Context, vi: str, en: str) -> str:
    return en if _site(context).english else vi


@pass_context
def _both(context: Context, label: Label) -> str:
    return _site(context).pick(label)


@pass_context
def _other(context: Context, label: Label) -> str:
    return _site(context).beside(label)


@pass_context
def _value(context: Context, value: object) -> str:
    return format_value(value, english=_site(context).english)


@pass_context
def _count(context: Context, value: int) -> str:
    return format_count(value, english=_site(context).english)


@pass_context
def _moment(context: Context, value: datetime) -> str:
    return format_moment(value, english=_site(context).english)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The environment; everything that templates print is escaped."""
    env = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(t=_t, SYNTHETIC=SYNTHETIC, program_version=VERSION)
    env.filters.update(pick=_both, beside=_other, value=_value, count=_count, moment=_moment, quoted=quote)
    return env


def render(template: str, *, site: Site, path: str, synthetic: bool, query: str = "", **values: object) -> bytes:
    """A page.

    Args:
        template: File in ``web/templates``.
        site: Where the page stands.
        path: Its path below the service's own.
        synthetic: Whether it shows made-up data, which it then says.
        query: Its query string, kept where the language is changed.
        values: What the template shows.
    """
    other = "vi" if site.english else "en"
    kept = [(name, value) for name, value in parse_qsl(query) if name not in ("lang", "f")]
    switch = f"{site.root}{path}?{urlencode([*kept, ('lang', other)])}"
    page = environment().get_template(template)
    return page.render(site=site, path=path, synthetic=synthetic, switch=switch, **values).encode()


def code_labels(codes: Mapping[str, Label], value: object, *, site: Site) -> str | None:
    """What a code, or each of a list of codes, means; None where no code is known."""
    values = value if isinstance(value, list) else [value]
    found = [site.pick(codes[item]) for item in values if isinstance(item, str) and item in codes]
    return ", ".join(found) or None
