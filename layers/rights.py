"""What people may do: actions on layers, and on the parts of the service that are no layers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from layers.definition import Label, Sensitivity
from layers.errors import LayerError


class Action(StrEnum):
    """What a right allows; each is given by itself."""

    READ = "read"
    EDIT = "edit"
    APPROVE = "approve"
    PUBLISH = "publish"
    ADMINISTER = "administer"


class Area(StrEnum):
    """Parts of the service that rights are given on besides layers; no slug begins with an at sign.

    Reading alerts is READ on ALERTS; acknowledging and working on them is EDIT, assigning APPROVE. Changing a
    scenario or a threshold is EDIT on SCENARIOS, putting it in force APPROVE.
    """

    DEFINITIONS = "@definitions"
    SCENARIOS = "@scenarios"
    INDICATORS = "@indicators"
    ALERTS = "@alerts"
    FIELD_REPORTS = "@field-reports"
    PEOPLE = "@people"
    AUDIT = "@audit"
    OPERATIONS = "@operations"


class Attributes(StrEnum):
    """Which fields of a layer a right to read includes; each includes those before it.

    MASKED shows personal fields with all but a few characters replaced; PERSONAL lets them be opened in full, each
    time with a reason that the audit trail keeps.
    """

    PUBLIC = "public"
    MASKED = "masked"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class Right:
    """Actions on layers and areas; where it holds is said by whoever gives it.

    Attributes:
        layers: Slugs of single layers, of any sensitivity.
        classes: Sensitivities of which every layer is meant, those added later included.
        hides: Pairs of a layer's slug and a field of it that this right does not include.
        everywhere: Whether it holds in every commune, whatever communes the role is given for.
    """

    actions: frozenset[Action]
    layers: frozenset[str] = frozenset()
    classes: frozenset[Sensitivity] = frozenset()
    areas: frozenset[Area] = frozenset()
    attributes: Attributes = Attributes.PUBLIC
    hides: frozenset[tuple[str, str]] = frozenset()
    everywhere: bool = False

    def covers(self, slug: str, sensitivity: Sensitivity) -> bool:
        """Whether a layer is among those that this right is about."""
        return slug in self.layers or sensitivity in self.classes

    def hidden_fields(self, slug: str) -> frozenset[str]:
        """Names of the layer's fields that this right leaves out."""
        return frozenset(field for layer, field in self.hides if layer == slug)


@dataclass(frozen=True, slots=True)
class Role:
    """Rights that are given together, under a name that offices know."""

    slug: str
    title: Label
    rights: tuple[Right, ...]


class InvalidRight(LayerError):
    """A right, or what says for whom, where and when it holds, is malformed."""


class NotAllowed(LayerError):
    """The reader may see the thing but not do this to it; what may not be seen is reported as absent instead.

    Attributes:
        action: The action that was refused.
        target: Slug of the layer, or the area.
    """

    def __init__(self, action: Action, target: str) -> None:
        self.action = action
        self.target = target
        super().__init__(
            f"Tài khoản này không có quyền “{action}” đối với “{target.removeprefix('@')}”."
            " Hãy đề nghị người quản trị quyền cấp, hoặc chuyển việc cho người có quyền.",
            f'This account has no right to {action} "{target.removeprefix("@")}".'
            " Ask whoever gives rights, or hand the task to somebody who has it.",
        )


Word = TypeVar("Word", bound=StrEnum)
_MEMBERS: Final = ("actions", "layers", "classes", "areas", "attributes", "hides", "everywhere")


def right_from_json(document: Mapping[str, Any], *, parameter: str = "right") -> Right:
    """Reads a right as roles and grants keep it.

    Raises:
        InvalidRight: A member is unknown, or a word is none of its list.
    """
    for name in document:
        if name not in _MEMBERS:
            raise _unknown(f"{parameter}.{name}", str(name), _MEMBERS)
    hides = _mapping(document.get("hides", {}), f"{parameter}.hides")
    right = Right(
        actions=_words(Action, document.get("actions"), f"{parameter}.actions"),
        layers=frozenset(_texts(document.get("layers", []), f"{parameter}.layers")),
        classes=_words(Sensitivity, document.get("classes", []), f"{parameter}.classes"),
        areas=_words(Area, document.get("areas", []), f"{parameter}.areas"),
        attributes=_word(Attributes, document.get("attributes", "public"), f"{parameter}.attributes"),
        hides=frozenset(
            (slug, field) for slug, names in hides.items() for field in _texts(names, f"{parameter}.hides.{slug}")
        ),
        everywhere=document.get("everywhere", False) is True,
    )
    if not right.actions or not (right.layers or right.classes or right.areas):
        raise InvalidRight(
            "Quyền phải nêu ít nhất một hành động và một lớp, mức nhạy cảm hoặc khu vực.",
            "A right must name at least one action and one layer, class or area.",
            parameter=parameter,
        )
    return right


def right_to_json(right: Right) -> dict[str, Any]:
    """The form that :func:`right_from_json` reads; members that say nothing are left out."""
    hides: dict[str, list[str]] = {}
    for slug, field in sorted(right.hides):
        hides.setdefault(slug, []).append(field)
    document: dict[str, Any] = {
        "actions": [action.value for action in Action if action in right.actions],
        "layers": sorted(right.layers),
        "classes": [item.value for item in Sensitivity if item in right.classes],
        "areas": [area.value for area in Area if area in right.areas],
        "attributes": right.attributes.value,
        "hides": hides,
        "everywhere": right.everywhere,
    }
    return {name: value for name, value in document.items() if value not in ([], {}, False, "public")}


def _unknown(parameter: str, word: str, known: Collection[str]) -> InvalidRight:
    listed = ", ".join(known)
    return InvalidRight(
        f"“{word[:60]}” không dùng được; hãy dùng một trong: {listed}.",
        f'"{word[:60]}" cannot be used here; use one of: {listed}.',
        parameter=parameter,
    )


def _word(kind: type[Word], value: object, parameter: str) -> Word:
    try:
        return kind(str(value))
    except ValueError:
        raise _unknown(parameter, str(value), [item.value for item in kind]) from None


def _words(kind: type[Word], values: object, parameter: str) -> frozenset[Word]:
    return frozenset(_word(kind, value, parameter) for value in _texts(values, parameter))


def _texts(values: object, parameter: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidRight("Phải là danh sách chữ.", "It must be a list of texts.", parameter=parameter)
    return values


def _mapping(value: object, parameter: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidRight("Phải là một đối tượng.", "It must be an object.", parameter=parameter)
    return value
