"""A broken rule of a definition, and the rules that several of its parts share."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from layers.definition import Definition, Field
from layers.errors import suggestion


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule that a document breaks: the path of the place, and the reason with its remedy."""

    path: str
    vi: str
    en: str


def repeats(path: str, values: Iterable[str]) -> Iterator[Problem]:
    """The values given more than once; ``path`` has a ``{}`` for their place in the list."""
    seen: set[str] = set()
    for number, value in enumerate(values):
        if value in seen:
            yield Problem(
                path.format(number),
                f"“{value}” xuất hiện hai lần; hãy bỏ hoặc đổi một.",
                f'"{value}" is given twice; remove or change one.',
            )
        seen.add(value)


def find_field(definition: Definition, name: str) -> Field | None:
    """The field of this name, None where there is none."""
    return next((field for field in definition.fields if field.name == name), None)


def unknown_field(path: str, name: str, definition: Definition) -> Problem:
    """That a name at ``path`` is that of no field, with the names that exist."""
    names = [field.name for field in definition.fields]
    vi, en = suggestion(name, names)
    return Problem(
        path,
        f"không có trường “{name}”.{vi} Các trường: {', '.join(names)}.",
        f'there is no field "{name}".{en} Fields: {", ".join(names)}.',
    )
