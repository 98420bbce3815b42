"""A file that is turned away as a whole, with the sentence that tells its sender why."""

from __future__ import annotations

from layers.errors import LayerError
from layers.intake.model import Finding, Severity


class FileRejected(LayerError):
    """A file cannot or must not be read.

    Attributes:
        code: Stable name of the reason, such as ``archive.encrypted``.
        remedy_vi: What the sender can do, in Vietnamese.
        remedy_en: The same in English.
    """

    def __init__(self, code: str, vi: str, en: str, remedy_vi: str, remedy_en: str) -> None:
        self.code = code
        self.reason_vi, self.reason_en = vi, en
        self.remedy_vi, self.remedy_en = remedy_vi, remedy_en
        super().__init__(f"{vi} {remedy_vi}", f"{en} {remedy_en}", parameter="file")

    @property
    def finding(self) -> Finding:
        """The rejection as a finding of the report."""
        return Finding(
            Severity.ERROR,
            self.code,
            self.reason_vi,
            self.reason_en,
            remedy_vi=self.remedy_vi,
            remedy_en=self.remedy_en,
        )
