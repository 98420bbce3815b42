"""YAML read with the line of every node, so that each refusal says where in the file it stands."""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final, NoReturn

import yaml

from layers.errors import InvalidDefinition, suggestion

MAX_BYTES: Final = 256 * 1024
_MAX_DEPTH: Final = 20
_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_TAG: Final = "tag:yaml.org,2002:"
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_TRUTH: Final = {"true": True, "false": False}


class Place:
    """One node of a document together with its file and its path; reads the node as what it must be.

    Every method raises `InvalidDefinition` at the node's own line when the node is something else.
    """

    def __init__(self, node: yaml.Node, *, file: str, path: str, lines: dict[str, int]) -> None:
        self._node = node
        self._file = file
        self.path = path
        self._lines = lines
        lines[path] = node.start_mark.line + 1

    def refuse(self, vi: str, en: str) -> NoReturn:
        """Raises the refusal of this node."""
        raise InvalidDefinition(vi, en, file=self._file, line=self._lines[self.path], path=self.path)

    def refuse_at(self, path: str, vi: str, en: str) -> NoReturn:
        """Raises the refusal of a place inside this node, at the line of the nearest place that is written."""
        whole = _joined(self.path, path)
        written = whole
        while written not in self._lines and written:
            written = written[: max(written.rfind("."), written.rfind("["), 0)]
        line = self._lines.get(written, 1)
        raise InvalidDefinition(vi, en, file=self._file, line=line, path=whole)

    @property
    def empty(self) -> bool:
        """Tells whether the node is YAML's null."""
        return self._tag == "null"

    @property
    def is_mapping(self) -> bool:
        """Tells whether the node is a mapping of keys to values."""
        return isinstance(self._node, yaml.MappingNode)

    def text(self, *, longest: int = 2000) -> str:
        """Returns the text in Unicode NFC, trimmed; refuses empty text and unquoted numbers or dates."""
        if self._tag != "str":
            self.refuse(
                'phải là chữ; hãy đặt giá trị trong dấu ngoặc kép để giữ đúng cách viết, ví dụ "01".',
                'must be text; put the value in quotes so that it stays as written, for example "01".',
            )
        value = unicodedata.normalize("NFC", str(self._node.value)).strip()
        if not value:
            self.refuse("không được để trống; hãy điền giá trị.", "must not be empty; give a value.")
        if len(value) > longest:
            self.refuse(f"dài quá {longest} ký tự; hãy rút ngắn.", f"is longer than {longest} characters; shorten it.")
        return value

    def written(self, *, longest: int) -> str:
        """Returns the text in Unicode NFC with its outer blanks, which matter where texts are joined."""
        trimmed = self.text(longest=longest)
        value = unicodedata.normalize("NFC", str(self._node.value))
        return value if len(value) <= longest else trimmed

    def integer(self, lowest: int, highest: int) -> int:
        """Returns a whole number within the closed range."""
        written = str(self._node.value)
        whole = self._tag == "int" and re.fullmatch(r"-?\d{1,18}", written)
        if not whole or not lowest <= int(written) <= highest:
            self.refuse(
                f"phải là số nguyên từ {lowest} đến {highest}.",
                f"must be a whole number from {lowest} to {highest}.",
            )
        return int(written)

    def number(self) -> float:
        """Returns a finite number."""
        try:
            value = float(str(self._node.value)) if self._tag in {"int", "float"} else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.refuse("phải là số hữu hạn, ví dụ 0 hoặc 2.5.", "must be a finite number, such as 0 or 2.5.")
        return value

    def truth(self) -> bool:
        """Returns true or false; the other spellings of YAML 1.1 (yes, on) are refused."""
        value = _TRUTH.get(str(self._node.value)) if self._tag == "bool" else None
        if value is None:
            self.refuse("phải là true hoặc false.", "must be true or false.")
        return value

    def scalar(self, *, longest: int = 200) -> str | bool | int | float:
        """Returns a text, a truth, a whole number or a finite number, as it is written."""
        if self._tag == "bool":
            return self.truth()
        if self._tag == "int":
            return self.integer(-(10**17), 10**17)
        return self.number() if self._tag == "float" else self.text(longest=longest)

    def day(self) -> date:
        """Returns a calendar date written YYYY-MM-DD."""
        written = str(self._node.value)
        try:
            return date.fromisoformat(written if _DATE.fullmatch(written) else "")
        except ValueError:
            self.refuse(
                "phải là ngày có thật, viết YYYY-MM-DD, ví dụ 2025-07-01.",
                "must be a real date written YYYY-MM-DD, such as 2025-07-01.",
            )

    def items(self, *, most: int) -> tuple["Place", ...]:
        """Returns the members of a list of at most this many."""
        if not isinstance(self._node, yaml.SequenceNode):
            self.refuse("phải là một danh sách, viết [a, b] hoặc mỗi dòng một “- ”.", "must be a list: [a, b].")
        if len(self._node.value) > most:
            self.refuse(f"có quá {most} phần tử.", f"has more than {most} members; keep fewer.")
        return tuple(self._child(child, f"{self.path}[{number}]") for number, child in enumerate(self._node.value))

    def entries(self) -> dict[str, "Place"]:
        """Returns the members of a mapping with free keys, in order; a key written twice is refused."""
        found: dict[str, Place] = {}
        for key, value in self._pairs():
            path = _joined(self.path, str(key.value))
            before = self._lines.get(path)
            where = self._child(key, path)
            name = where.text(longest=200)
            if name in found:
                where.refuse(
                    f"khóa “{name}” viết hai lần (lần trước ở dòng {before}); hãy bỏ một.",
                    f'key "{name}" is written twice (before on line {before}); remove one.',
                )
            found[name] = self._child(value, path)
            # People look for a member where its key stands, not where its value begins.
            self._lines[path] = key.start_mark.line + 1
        return found

    def members(self, *, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Mapping[str, "Place"]:
        """Returns the members of a mapping with these keys only; null members count as absent."""
        found = self.entries()
        known = (*required, *optional)
        for name, place in found.items():
            if name not in known:
                vi, en = suggestion(name, known)
                listing = ", ".join(known)
                place.refuse(
                    f"không có khóa “{name}” ở đây.{vi} Các khóa được dùng: {listing}.",
                    f'there is no key "{name}" here.{en} Keys allowed: {listing}.',
                )
        present = {name: place for name, place in found.items() if not place.empty}
        for name in required:
            if name not in present:
                self.refuse(f"thiếu “{name}”; hãy thêm khóa này.", f'"{name}" is missing; add this key.')
        return present

    @property
    def _tag(self) -> str:
        return str(self._node.tag).removeprefix(_TAG)

    def _child(self, node: yaml.Node, path: str) -> "Place":
        return Place(node, file=self._file, path=path, lines=self._lines)

    def _pairs(self) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        if not isinstance(self._node, yaml.MappingNode):
            self.refuse("phải gồm các cặp “khóa: giá trị”.", "must be a mapping of keys to values: {key: value}.")
        for key, value in self._node.value:
            if key.tag == _TAG + "merge":
                self._child(key, _joined(self.path, "<<")).refuse(
                    "không dùng “<<”; hãy viết đủ các khóa.",
                    'merging with "<<" is not read; write the keys out.',
                )
            yield key, value


def read_document(path: Path) -> Place:
    """Reads one YAML file of at most 256 KiB in UTF-8, without building objects.

    Raises:
        InvalidDefinition: The file cannot be read, is too large, is not UTF-8 or not well-formed YAML, is
            nested too deeply, or holds no document or several.
    """
    return parse_document(_bytes_of(path), str(path))


def parse_document(data: bytes, file: str) -> Place:
    """The same from bytes; ``file`` is what refusals call them.

    Raises:
        InvalidDefinition: As :func:`read_document`.
    """
    _limit_size(data, file)
    text = _decoded(data, file)
    try:
        _limit_depth(text, file)
        # The loader is a SafeLoader and stops at the node graph: no tag can build an object.
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refusal(
            file,
            mark.line + 1 if mark else 1,
            f"không phải YAML hợp lệ ({error.problem}); hãy sửa thụt dòng, dấu ngoặc hoặc dấu hai chấm.",
            f"is not well-formed YAML ({error.problem}); check indentation, brackets and colons.",
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        raise _refusal(
            file,
            line,
            "có ký tự điều khiển không được phép; hãy xóa ký tự đó.",
            "holds a control character that YAML does not allow; delete it.",
        ) from error
    if node is None:
        raise _refusal(file, 1, "tệp trống; hãy viết một định nghĩa.", "the file is empty; write a definition.")
    return Place(node, file=file, path="", lines={})


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _refusal(
            str(path),
            0,
            f"không đọc được tệp ({reason}); hãy kiểm tra đường dẫn và quyền đọc.",
            f"the file cannot be read ({reason}); check its path and permissions.",
        ) from error
    return data


def _limit_size(data: bytes, file: str) -> None:
    if len(data) > MAX_BYTES:
        raise _refusal(
            file,
            1,
            "tệp lớn hơn 256 KiB; hãy rút gọn.",
            "the file is larger than 256 KiB; make it smaller.",
        )


def _decoded(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(
            file,
            data.count(b"\n", 0, error.start) + 1,
            "không phải UTF-8; hãy lưu lại tệp với bảng mã UTF-8.",
            "is not UTF-8; save the file again in UTF-8.",
        ) from error


def _limit_depth(text: str, file: str) -> None:
    """Refuses deep nesting before composing, which recurses and would exhaust the stack."""
    depth = 0
    line = 1
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else line
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise _refusal(
                file,
                line,
                f"lồng nhau quá {_MAX_DEPTH} cấp; một định nghĩa không cần sâu như vậy.",
                f"is nested more than {_MAX_DEPTH} levels deep; no definition needs that, flatten it.",
            )


def _refusal(file: str, line: int, vi: str, en: str) -> InvalidDefinition:
    return InvalidDefinition(vi, en, file=file, line=line, path="")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
