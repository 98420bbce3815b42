"""What can be wrong with proposing and deciding on revisions of scenarios."""

from __future__ import annotations

from layers.errors import LayerError


class RevisionError(LayerError):
    """Root of the errors of scenarios' revisions."""


class ScenarioRevisionNotFound(RevisionError):
    """There is no such revision."""

    def __init__(self, code: str, version: int) -> None:
        super().__init__(
            f"Kịch bản {code[:20]} không có phiên bản {version}. Xem /api/scenarios/{code[:20]}/revisions.",
            f"Scenario {code[:20]} has no revision {version}. See /api/scenarios/{code[:20]}/revisions.",
            parameter="version",
        )


class RevisionDecided(RevisionError):
    """Somebody has decided on the revision already."""

    def __init__(self, code: str, version: int, state: str) -> None:
        super().__init__(
            f"Phiên bản {version} của {code} không còn chờ duyệt (đang là “{state}”). Hãy tải lại.",
            f'Revision {version} of {code} waits for no decision any more (it is "{state}"). Read it again.',
        )


class OwnRevision(RevisionError):
    """The author may not approve."""

    def __init__(self) -> None:
        super().__init__(
            "Người đề xuất không tự duyệt được. Hãy để người khác duyệt.",
            "Whoever proposed a revision cannot approve it. Let somebody else.",
        )


class BaseMoved(RevisionError):
    """The scenario has changed since the proposal was made."""

    def __init__(self, code: str, seen: int, now: int) -> None:
        super().__init__(
            f"{code} đang ở phiên bản {now}, đề xuất dựa trên phiên bản {seen}. Hãy xem bản mới rồi đề xuất lại.",
            f"{code} is at revision {now}, this was made from revision {seen}. Look at the new one and propose again.",
            parameter="base",
        )


class NothingChanged(RevisionError):
    """The proposal says what is in force already."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"Đề xuất giống hệt bản đang áp dụng của {code}: không có gì để duyệt.",
            f"The proposal is what is in force of {code} already: there is nothing to approve.",
        )
