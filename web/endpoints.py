"""An OpenAPI document in the shape in which a page shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an endpoint; ``kind`` is its type, with its values where they are few."""

    name: str
    place: str
    kind: str
    text: str
    required: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method on a path.

    Attributes:
        anchor: Id of its place on the page.
        example: An example of the request's body, as JSON text.
        opens: Whether it can be opened as it stands: a GET without parts in its path.
    """

    method: str
    path: str
    anchor: str
    summary: str
    text: str
    parameters: tuple[Parameter, ...]
    examples: tuple[tuple[str, str], ...]
    opens: bool


Group = tuple[str, str, list[Endpoint]]


def endpoint_groups(document: Mapping[str, Any], *, base: str = "") -> list[Group]:
    """Endpoints under their tags: tag, its description, endpoints, in the order of the document.

    Args:
        document: A whole OpenAPI 3 document; references are followed inside of it.
        base: What stands before its paths.
    """
    described = {tag["name"]: tag.get("description", "") for tag in document.get("tags", ())}
    groups: dict[str, list[Endpoint]] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            operation = item.get(method)
            if operation is not None:
                tag = (operation.get("tags") or [""])[0]
                groups.setdefault(tag, []).append(_endpoint(document, base + path, method, operation))
    return [(tag, described.get(tag, ""), endpoints) for tag, endpoints in groups.items()]


def _endpoint(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Endpoint:
    anchor = f"{method}{path}".replace("/", "-").replace("{", "").replace("}", "")
    given = tuple(_parameter(document, item) for item in operation.get("parameters", ()))
    summary = operation.get("summary", "")
    text = operation.get("description", "")
    return Endpoint(
        method=method.upper(),
        path=path,
        anchor=anchor,
        summary=summary,
        text="" if text == summary else text,
        parameters=given,
        examples=tuple(_examples(document, operation)),
        opens=method == "get" and "{" not in path,
    )


def _parameter(document: Mapping[str, Any], item: Mapping[str, Any]) -> Parameter:
    found = _resolved(document, item)
    schema = _resolved(document, found.get("schema", {}))
    return Parameter(
        name=found["name"],
        place=found["in"],
        kind=_kind(schema),
        text=found.get("description", ""),
        required=bool(found.get("required")),
    )


def _kind(schema: Mapping[str, Any]) -> str:
    choices = schema.get("enum")
    if choices and len(choices) <= 6:
        return " | ".join(str(choice) for choice in choices)
    kind = str(schema.get("type") or " | ".join(str(part.get("type", "")) for part in schema.get("anyOf", ())))
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{kind} {low}…{high}"
    return kind


def _examples(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        for name, example in content.get("examples", {}).items():
            yield str(example.get("summary", name)), _pretty(example.get("value"))
        if "example" in content:
            yield "", _pretty(content["example"])
        examples: Sequence[object] = _resolved(document, content.get("schema", {})).get("examples", ())
        for value in examples:
            yield "", _pretty(value)


def _pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _resolved(document: Mapping[str, Any], item: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = item.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return item
    found: Any = document
    for part in reference[2:].split("/"):
        found = found[part]
    resolved: Mapping[str, Any] = found
    return resolved
