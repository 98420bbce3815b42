"""Who may give a right, and who may look after whose account: never more than one holds or administers oneself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from layers.access import Grant, Scope, Units, joined
from layers.definition import Sensitivity
from layers.errors import LayerError
from layers.rights import Action, Area, Attributes, NotAllowed, Right

_RANK: Final = {kind: rank for rank, kind in enumerate(Attributes)}
_EVERY_CLASS: Final = frozenset(Sensitivity)
_About = Callable[[Right], bool]


class OwnAccount(LayerError):
    """Somebody would close their own account or take their own second factor away as an administrator."""

    def __init__(self) -> None:
        super().__init__(
            "Không ai tự khóa, mở hoặc cấp lại tài khoản của chính mình ở đây. Việc của mình làm ở trang /account,"
            " hoặc nhờ một người quản trị khác.",
            "Nobody closes, opens or resets their own account here. Use /account, or ask another administrator.",
        )


def require_to_give(giver: Scope, right: Right, units: Units) -> None:
    """Makes sure that the giver may give a right in these communes.

    Each action on each target must be the giver's own there, with no fewer fields hidden, or the giver must administer
    the target there; a right that holds everywhere whatever it is given for needs the same everywhere.

    Raises:
        NotAllowed: It is more than the giver holds; says which action on what.
    """
    where = None if right.everywhere else units
    for action in sorted(right.actions):
        for target, about in _targets(giver, right):
            held = joined(grant.units for grant in giver.grants if _gives(grant, action, right, about))
            if held is not None and (where is None or not where <= held):
                raise NotAllowed(action, target)


def require_over(actor: Scope, account: UUID, unit_code: str | None, held: Scope) -> None:
    """Makes sure that somebody may close, open or reset an account: they could give everything that it holds.

    Else an administrator of one commune could take over the account of a leader of the province.

    Args:
        actor: Who acts.
        account: The account.
        unit_code: Commune or province that it belongs to; None where it belongs to none.
        held: The account's own scope.

    Raises:
        OwnAccount: It is the actor's own.
        NotAllowed: The actor does not administer people there, or the account may do more.
    """
    if str(account) == actor.subject:
        raise OwnAccount
    if not actor.may(Action.ADMINISTER, Area.PEOPLE, unit_code):
        raise NotAllowed(Action.ADMINISTER, Area.PEOPLE)
    for grant in held.grants:
        require_to_give(actor, grant.right, grant.units)


def _targets(giver: Scope, right: Right) -> Iterator[tuple[str, _About]]:
    for area in sorted(right.areas):
        yield area, lambda own, area=area: area in own.areas  # type: ignore[misc]
    for slug in sorted(right.layers):
        # A layer that is not there yet may turn out to be of any class.
        known = giver.layers.get(slug)
        classes = _EVERY_CLASS if known is None else frozenset({known})
        yield slug, lambda own, slug=slug, classes=classes: slug in own.layers or classes <= own.classes  # type: ignore[misc]
    for kind in sorted(right.classes):
        yield kind, lambda own, kind=kind: kind in own.classes  # type: ignore[misc]


def _gives(grant: Grant, action: Action, wanted: Right, about: _About) -> bool:
    own = grant.right
    if not about(own):
        return False
    if Action.ADMINISTER in own.actions:
        return True
    return action in own.actions and _RANK[own.attributes] >= _RANK[wanted.attributes] and own.hides <= wanted.hides
