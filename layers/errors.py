"""Errors of layers: one root, each message in Vietnamese and English with its remedy."""

import difflib
from collections.abc import Iterable


class LayerError(Exception):
    """Root of every error raised by this package.

    Attributes:
        parameter: Name of the request parameter or of the place in a document that is wrong, if there is one.
        vi: Message for people, in Vietnamese, naming the remedy.
        en: The same message in English; `str()` of the error.
    """

    def __init__(self, vi: str, en: str, *, parameter: str | None = None) -> None:
        super().__init__(en)
        self.parameter = parameter
        self.vi = vi
        self.en = en


class InvalidDefinition(LayerError):
    """A definition or code list is refused; names the file, the line and the path in the document.

    Attributes:
        file: File as it was named to the reader, or the name of the catalogue entry.
        line: Line in that file, counted from 1; 0 where the document has no lines (JSON of the catalogue).
        path: Place in the document, such as `fields[3].codes`; empty for the document itself.
        reason_vi: The reason and its remedy in Vietnamese, without the place.
        reason_en: The same in English.
    """

    def __init__(self, vi: str, en: str, *, file: str, line: int, path: str) -> None:
        self.file = file
        self.line = line
        self.path = path
        self.reason_vi = vi
        self.reason_en = en
        at = f" ({path})" if path else ""
        where = f"{file}:{line}" if line else file
        super().__init__(f"{where}{at}: {vi}", f"{where}{at}: {en}", parameter=path or None)


class LayerNotFound(LayerError):
    """No layer has this slug, or the reader may not know of it."""

    def __init__(self, slug: str, *, known: Iterable[str] = ()) -> None:
        self.slug = slug
        vi, en = suggestion(slug, known)
        super().__init__(
            f"Không có lớp dữ liệu “{slug}”.{vi} Xem danh sách lớp tại /collections.",
            f'There is no layer "{slug}".{en} See /collections for the layers.',
            parameter="layer",
        )


class FieldNotFound(LayerError):
    """The layer declares no field of this name."""

    def __init__(self, layer: str, name: str, *, known: Iterable[str] = ()) -> None:
        self.layer = layer
        self.name = name
        names = tuple(known)
        vi, en = suggestion(name, names)
        listing = ", ".join(names)
        super().__init__(
            f"Lớp “{layer}” không có trường “{name}”.{vi} Các trường: {listing}.",
            f'Layer "{layer}" has no field "{name}".{en} Its fields: {listing}.',
            parameter=name,
        )


class FeatureNotFound(LayerError):
    """The layer has no feature with this number at the revision asked for."""

    def __init__(self, layer: str, fid: int | str) -> None:
        self.layer = layer
        self.fid = fid
        super().__init__(
            f"Lớp “{layer}” không có đối tượng số {fid}. Hãy tìm lại qua /collections/{layer}/items.",
            f'Layer "{layer}" has no feature {fid}. Look for it again at /collections/{layer}/items.',
            parameter="featureId",
        )


class RevisionNotFound(LayerError):
    """The layer has never had this revision, or none existed at the instant asked for."""

    def __init__(self, layer: str, revision: int | str, *, newest: int | None = None) -> None:
        self.layer = layer
        self.revision = revision
        vi = f"Hãy hỏi từ 1 đến {newest}." if newest else "Lớp chưa được công bố lần nào."
        en = f"Ask for one from 1 to {newest}." if newest else "The layer has not been published yet."
        super().__init__(
            f"Lớp “{layer}” không có phiên bản {revision}. {vi}",
            f'Layer "{layer}" has no revision {revision}. {en}',
            parameter="revision",
        )


class DefinitionChangeRefused(LayerError):
    """The new definition needs another table: geometry type, key or the type of a field has changed."""

    def __init__(self, layer: str, part: str, old: str, new: str) -> None:
        self.layer = layer
        self.part = part
        super().__init__(
            f"Không thể đổi “{part}” của lớp “{layer}” từ “{old}” thành “{new}” khi lớp đã có bảng."
            " Hãy thêm trường mới, hoặc tạo lớp mới rồi nạp lại dữ liệu.",
            f'Cannot change "{part}" of layer "{layer}" from "{old}" to "{new}": the layer has a table.'
            " Add a new field, or make a new layer and load the data again.",
            parameter=part,
        )


class ScopeMissing(LayerError):
    """Code below the gate was reached without a scope: a fault of the service, not of the reader."""

    def __init__(self) -> None:
        super().__init__(
            "Yêu cầu chưa được gắn phạm vi quyền; hãy báo quản trị viên.",
            "The request carries no scope; tell the administrator.",
        )


class RowsRefused(LayerError):
    """Rows cannot be published as they stand; each entry names the row, the field and the reason."""

    def __init__(self, layer: str, vi: str, en: str, *, rows: tuple[int, ...] = ()) -> None:
        self.layer = layer
        self.rows = rows
        super().__init__(f"Lớp “{layer}”: {vi}", f'Layer "{layer}": {en}', parameter="rows")


class VersionConflict(LayerError):
    """The layer or a feature is no longer at the revision that the editor read.

    Attributes:
        fid: The feature; None where the layer as a whole has moved on.
        expected: The revision that the editor saw.
        found: The revision that stands now.
    """

    def __init__(self, layer: str, fid: int | None, *, expected: int, found: int) -> None:
        self.layer = layer
        self.fid = fid
        self.expected = expected
        self.found = found
        vi = f"Lớp “{layer}”" if fid is None else f"Đối tượng {fid} của lớp “{layer}”"
        en = f'Layer "{layer}"' if fid is None else f'Feature {fid} of layer "{layer}"'
        super().__init__(
            f"{vi} đã đổi từ phiên bản {expected} sang {found}. Hãy đọc lại rồi sửa tiếp.",
            f"{en} has moved from revision {expected} to {found}. Read it again, then edit.",
            parameter="revision",
        )


def suggestion(name: str, known: Iterable[str]) -> tuple[str, str]:
    """Returns " did you mean" sentences in Vietnamese and English, empty where nothing known is close."""
    close = difflib.get_close_matches(name, tuple(known), n=1, cutoff=0.6)
    if not close:
        return "", ""
    return f" Có phải là “{close[0]}”?", f' Did you mean "{close[0]}"?'


class JobNotFound(LayerError):
    """There is no job with this id."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(
            f"Không có công việc “{job_id}”. Hãy kiểm tra mã trong câu trả lời khi gửi yêu cầu.",
            f'There is no job "{job_id}". Check the id in the answer to your request.',
            parameter="job",
        )


class TooManyJobs(LayerError):
    """As many jobs wait as may."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"Đang có {limit} công việc chờ; hãy gửi lại sau ít phút.",
            f"{limit} jobs are waiting; send the request again in some minutes.",
        )


class FileNotReady(LayerError):
    """The job has no file: it has not ended yet, or has failed."""

    def __init__(self, status: str) -> None:
        self.status = status
        super().__init__(
            f"Công việc đang ở trạng thái “{status}”, chưa có tệp. Hãy xem lại công việc cho đến khi succeeded.",
            f'The job is "{status}" and has no file. Look at the job until it has succeeded.',
            parameter="job",
        )


class FileExpired(LayerError):
    """The file of the job was deleted when its time was over."""

    def __init__(self) -> None:
        super().__init__(
            "Tệp đã hết hạn và đã bị xóa. Hãy gửi yêu cầu mới.",
            "The file has expired and was deleted. Send a new request.",
            parameter="job",
        )


class RightsChanged(LayerError):
    """What was asked for rests on a right that has ended or become narrower since."""

    def __init__(self) -> None:
        super().__init__(
            "Quyền của tài khoản đã thay đổi từ khi yêu cầu. Hãy gửi lại yêu cầu.",
            "The rights of the account have changed since this was asked for. Ask again.",
        )
