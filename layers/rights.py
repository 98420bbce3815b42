"""What people may do: actions on layers, and on the parts of the service that are no layers."""

from __future__ import annotations

from enum import StrEnum

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
