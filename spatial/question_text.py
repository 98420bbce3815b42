"""The JSON text of a question, read strictly: RFC 8259, nothing twice, no NaN."""

from __future__ import annotations

import json
from typing import NoReturn

from spatial.errors import InvalidQuestion, shorten


def decode_question(text: str | bytes) -> object:
    """Return the decoded document of a question's text, which is UTF-8.

    Raises:
        InvalidQuestion: the text is not JSON, is nested too deeply, or says a member twice.
    """
    if not text.strip():
        raise _refuse("trống", "empty")
    try:
        plain = text if isinstance(text, str) else text.decode("utf-8-sig")
        document: object = json.loads(plain.lstrip("\ufeff"), parse_constant=_constant, object_pairs_hook=_members)
        # A half of a surrogate pair is JSON, but no text that a database or an answer can hold.
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise _refuse("không phải UTF-8", "not UTF-8") from None
    except RecursionError:
        raise _refuse("lồng quá sâu", "nested too deeply") from None
    except json.JSONDecodeError as error:
        where = f"{error.lineno}:{error.colno}"
        raise _refuse(f"sai cú pháp ở dòng:cột {where}", f"malformed at line:column {where}") from None
    except ValueError:
        raise _refuse("có số quá dài", "holding a number with too many digits") from None
    return document


def _refuse(vi: str, en: str) -> InvalidQuestion:
    return InvalidQuestion(
        f'Câu hỏi {vi}. Hãy gửi một đối tượng JSON mã UTF-8, ví dụ {{"layer": "schools"}}; xem thêm ở /docs.',
        f'The question is {en}. Send one JSON object in UTF-8, such as {{"layer": "schools"}}; see /docs.',
        parameter="question",
    )


def _constant(name: str) -> NoReturn:
    raise _refuse(f"chứa {name}, không phải là số của JSON", f"holding {name}, which is no number of JSON")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        name = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        shown = shorten(name.encode("utf-8", "replace").decode())
        raise InvalidQuestion(
            f"Mục '{shown}' được ghi hai lần. Hãy giữ một.",
            f"The member '{shown}' is written twice. Keep one.",
            parameter=shown,
        )
    return found
