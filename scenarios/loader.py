"""Scenarios from their YAML files, refused with file, line, path and remedy."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from layers.definition import Label
from layers.definition_reader import load_builtin as load_layers
from layers.errors import suggestion
from layers.yaml_nodes import Place, parse_document, read_document
from scenarios.definition import (
    DeadlineKind,
    Document,
    Fit,
    Group,
    Lead,
    MeetingLevel,
    Question,
    Rule,
    RuleScope,
    Scenario,
    Shape,
    Step,
    Threshold,
    ThresholdStatus,
)
from scenarios.errors import ScenarioNotFound
from scenarios.indicators.catalogue import built_in_indicators
from scenarios.outcomes import Level
from scenarios.rules.feature_reading import read_feature_test
from scenarios.rules.feature_shape import FEATURE_TESTS, Deadline, FeatureTest
from scenarios.rules.reading import read_test
from scenarios.rules.shape import SeriesTest
from scenarios.rules.speech import PLAIN, Quiet, Speech

_FOLDER: Final = Path(__file__).parent / "builtin"
_CODE: Final = re.compile(r"S\d{2,3}")
_CLAUSE: Final = re.compile(rf"({'|'.join(Document)})-\S.*")
_REGISTER: Final = re.compile(r"T\d{2,3}")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_OPERATORS: Final = ("<", "<=", ">", ">=")
_MOST: Final = 100
_MOST_HOURS: Final = 8784

_Word = TypeVar("_Word", bound=StrEnum)


def load_scenario(path: Path) -> Scenario:
    """Reads one scenario; its layers must be among the built-in ones.

    Raises:
        InvalidDefinition: With the file, the line, the path in the document, and the reason and remedy.
    """
    place = read_document(path)
    scenario = _scenario(place)
    if scenario.code.lower() != path.stem:
        place.refuse_at(
            "code",
            f"tên tệp phải là {scenario.code.lower()}.yaml theo mã; hãy đổi tên tệp hoặc mã.",
            f"the file must be named {scenario.code.lower()}.yaml after its code; rename the file or the code.",
        )
    return scenario


def read_scenario(document: str, name: str, version: int) -> Scenario:
    """Reads one scenario from the text of its document.

    Args:
        document: YAML.
        name: What refusals call it.
        version: Which revision of the scenario it is.

    Raises:
        InvalidDefinition: As :func:`load_scenario`.
    """
    return replace(_scenario(parse_document(document.encode(), name)), version=version)


def builtin_document(code: str) -> str | None:
    """The text of the scenario of this code that comes with the program; None where there is none."""
    path = _FOLDER / f"{code.lower()}.yaml"
    return path.read_text(encoding="utf-8") if _CODE.fullmatch(code) and path.is_file() else None


def load_builtin() -> dict[str, Scenario]:
    """Returns the scenarios that come with the program, by code in order; read once.

    Raises:
        InvalidDefinition: One of the built-in files is refused.
    """
    return dict(_builtin())


def get_scenario(code: str) -> Scenario:
    """Returns the built-in scenario of this code, in capitals or not.

    Raises:
        ScenarioNotFound: There is none; the message suggests a near one.
    """
    scenarios = _builtin()
    found = scenarios.get(code.upper())
    if found is None:
        raise ScenarioNotFound(code, known=scenarios)
    return found


@functools.cache
def _builtin() -> Mapping[str, Scenario]:
    scenarios = (load_scenario(path) for path in sorted(_FOLDER.glob("*.yaml")))
    return {scenario.code: scenario for scenario in scenarios}


def _scenario(place: Place) -> Scenario:
    members = place.members(
        required=("code", "title", "group", "fit", "clauses", "layers", "questions", "figures"),
        optional=("leads", "rules", "steps", "meetings", "report", "indicators"),
    )
    rules = tuple(_rule(entry) for entry in _items(members, "rules"))
    steps = tuple(_step(entry) for entry in _items(members, "steps"))
    _refuse_twice(place, "rules", "register", [rule.register for rule in rules])
    _refuse_twice(place, "steps", "key", [step.key for step in steps])
    return Scenario(
        code=_matching(members["code"], _CODE, "S01"),
        title=_label(members["title"]),
        group=_word(members["group"], Group),
        fit=_word(members["fit"], Fit),
        clauses=tuple(_matching(entry, _CLAUSE, "BN-9") for entry in _items(members, "clauses")),
        leads=tuple(_lead(entry) for entry in _items(members, "leads")),
        layers=tuple(_layer(entry) for entry in _items(members, "layers")),
        questions=tuple(_word(entry, Question) for entry in _items(members, "questions")),
        figures=tuple(_label(entry) for entry in _items(members, "figures")),
        rules=rules,
        steps=steps,
        meetings=tuple(_word(entry, MeetingLevel) for entry in _items(members, "meetings")),
        report=_label(members["report"]) if "report" in members else None,
        indicators=tuple(_choice(entry, tuple(built_in_indicators())) for entry in _items(members, "indicators")),
    )


def _lead(place: Place) -> Lead:
    members = place.members(required=("document", "agency"), optional=("cooperating",))
    return Lead(
        document=_word(members["document"], Document),
        agency=members["agency"].text(longest=200),
        cooperating=tuple(entry.text(longest=200) for entry in _items(members, "cooperating")),
    )


def _rule(place: Place) -> Rule:
    members = place.members(
        required=("register", "shape", "scope", "threshold"), optional=("open_question", "test", "speech")
    )
    shape, scope = _word(members["shape"], Shape), _word(members["scope"], RuleScope)
    rule = Rule(
        register=_matching(members["register"], _REGISTER, "T16"),
        shape=shape,
        scope=scope,
        threshold=_threshold(members["threshold"]),
        open_question=_label(members["open_question"]) if "open_question" in members else None,
        test=_test(members["test"], shape, scope) if "test" in members else None,
        speech=_speech(members["speech"]) if "speech" in members else PLAIN,
    )
    return _refuse_fewer(place, rule)


def _refuse_fewer(place: Place, rule: Rule) -> Rule:
    """Counts have no figure where there is nothing, so that no rule can speak of too few."""
    is_count = isinstance(rule.test, FeatureTest) and not isinstance(rule.test, Deadline)
    if is_count and (rule.threshold.operator or ">").startswith("<"):
        place.refuse_at(
            "threshold.operator",
            "dạng này đếm những gì có, nên chỉ dùng > hoặc >=.",
            "this shape counts what is there; use > or >=.",
        )
    return rule


def _test(place: Place, shape: Shape, scope: RuleScope) -> SeriesTest | FeatureTest:
    return read_feature_test(place, shape, scope) if shape in FEATURE_TESTS else read_test(place, shape)


def _threshold(place: Place) -> Threshold:
    members = place.members(required=("stated", "status"), optional=("document", "operator", "number", "unit"))
    status = _word(members["status"], ThresholdStatus)
    if status is ThresholdStatus.EMPTY and "number" in members:
        members["number"].refuse(
            "ngưỡng “empty” không được có số; hãy bỏ số, hoặc đổi status thành provisional hay stated.",
            'an "empty" threshold holds no number; remove it, or change status to provisional or stated.',
        )
    if "number" in members and "operator" not in members:
        place.refuse(
            "có “number” thì phải có “operator”; hãy thêm một trong: <, <=, >, >=.",
            '"number" needs "operator"; add one of: <, <=, >, >=.',
        )
    return Threshold(
        stated=members["stated"].text(longest=500),
        status=status,
        document=_word(members["document"], Document) if "document" in members else None,
        operator=_choice(members["operator"], _OPERATORS) if "operator" in members else None,
        number=members["number"].number() if "number" in members else None,
        unit=members["unit"].text(longest=40) if "unit" in members else None,
    )


def _speech(place: Place) -> Speech:
    members = place.members(required=(), optional=("level", "clear", "min_duration_h", "rate_limit_h", "quiet"))
    return Speech(
        level=_word(members["level"], Level) if "level" in members else PLAIN.level,
        clear=members["clear"].number() if "clear" in members else None,
        min_duration_h=_hours(members, "min_duration_h"),
        rate_limit_h=_hours(members, "rate_limit_h"),
        quiet=_quiet(members["quiet"]) if "quiet" in members else None,
    )


def _hours(members: Mapping[str, Place], name: str) -> float:
    if name not in members:
        return 0.0
    hours = members[name].number()
    if not 0 <= hours <= _MOST_HOURS:
        members[name].refuse(
            f"phải là số giờ từ 0 đến {_MOST_HOURS} (một năm).", f"must be hours from 0 to {_MOST_HOURS} (a year)."
        )
    return hours


def _quiet(place: Place) -> Quiet:
    members = place.members(required=("start", "end"))
    start, end = (time.fromisoformat(_matching(members[name], _CLOCK, "22:00")) for name in ("start", "end"))
    if start == end:
        place.refuse(
            "giờ bắt đầu và giờ kết thúc trùng nhau; hãy sửa một giờ.", "begins and ends at once; change one of them."
        )
    return Quiet(start, end)


def _step(place: Place) -> Step:
    members = place.members(
        required=("key", "title", "actor", "deadline", "source"), optional=("channel", "hours", "before", "beside")
    )
    deadline = _word(members["deadline"], DeadlineKind)
    for kind, name in ((DeadlineKind.WITHIN, "hours"), (DeadlineKind.SAME_DAY_BEFORE, "before")):
        if (deadline is kind) != (name in members):
            place.refuse(
                f"“{name}” đi cùng deadline “{kind}” và chỉ với nó; hãy thêm hoặc bỏ.",
                f'"{name}" belongs to the deadline "{kind}" and only to it; add or remove it.',
            )
    return Step(
        key=members["key"].text(longest=40),
        title=_label(members["title"]),
        actor=members["actor"].text(longest=200),
        deadline=deadline,
        source=members["source"].text(longest=100),
        channel=members["channel"].text(longest=100) if "channel" in members else None,
        hours=members["hours"].integer(1, 10_000) if "hours" in members else None,
        before=time.fromisoformat(_matching(members["before"], _CLOCK, "16:00")) if "before" in members else None,
        beside=members["beside"].truth() if "beside" in members else False,
    )


def _layer(place: Place) -> str:
    slug = place.text(longest=100)
    known = load_layers()
    if slug not in known:
        vi, en = suggestion(slug, known)
        place.refuse(
            f"không có lớp “{slug}”.{vi} Xem các lớp bằng lệnh diaban layers list.",
            f'there is no layer "{slug}".{en} See the layers with diaban layers list.',
        )
    return slug


def _refuse_twice(place: Place, list_name: str, member: str, values: list[str]) -> None:
    for number, value in enumerate(values):
        if value in values[:number]:
            place.refuse_at(
                f"{list_name}[{number}].{member}",
                f"“{value}” đã dùng ở trên; hãy chọn giá trị khác.",
                f'"{value}" is used above; choose another.',
            )


def _items(members: Mapping[str, Place], name: str) -> tuple[Place, ...]:
    return members[name].items(most=_MOST) if name in members else ()


def _label(place: Place) -> Label:
    members = place.members(required=("vi", "en"))
    return Label(vi=members["vi"].text(longest=500), en=members["en"].text(longest=500))


def _matching(place: Place, pattern: re.Pattern[str], example: str) -> str:
    written = place.text(longest=100)
    if not pattern.fullmatch(written):
        place.refuse(
            f"“{written}” không đúng cách viết; hãy viết như {example}.",
            f'"{written}" is not written rightly; write it like {example}.',
        )
    return written


def _word(place: Place, vocabulary: type[_Word]) -> _Word:
    return vocabulary(_choice(place, tuple(word.value for word in vocabulary)))


def _choice(place: Place, words: tuple[str, ...]) -> str:
    written = place.text(longest=100)
    if written not in words:
        vi, en = suggestion(written, words)
        listing = ", ".join(words)
        place.refuse(
            f"“{written}” không dùng được.{vi} Chọn một trong: {listing}.",
            f'"{written}" is not known.{en} Choose one of: {listing}.',
        )
    return written
