"""An operating scenario as one value: clauses, agencies, layers, questions, figures, rules, steps, meetings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from layers.definition import Label
from scenarios.rules.feature_shape import FeatureTest
from scenarios.rules.shape import SeriesTest
from scenarios.rules.speech import PLAIN, Speech


class Document(StrEnum):
    """The documents that ask for scenarios: Tân Ninh, Tuyên Quang, Đồng Nai, Bắc Ninh, Thanh Hóa."""

    TN = "TN"
    TQ = "TQ"
    DN = "ĐN"
    BN = "BN"
    TH = "TH"


class Group(StrEnum):
    """The four groups of scenarios."""

    COMMAND = "command"
    SOCIO_ECONOMIC = "socio-economic"
    SECTOR = "sector"
    THEMATIC = "thematic"


class Fit(StrEnum):
    """Whether the map is the working surface, shows figures by unit, or stands beside a list."""

    MAP_CORE = "map-core"
    MAP_AIDED = "map-aided"
    LIST_FIRST = "list-first"


class Question(StrEnum):
    """The ways to ask on the map: by point, zone, radius, administrative boundary, route."""

    POINT = "point"
    ZONE = "zone"
    RADIUS = "radius"
    BOUNDARY = "boundary"
    ROUTE = "route"


class MeetingLevel(StrEnum):
    """Periodic, ad hoc, on demand (định kỳ, đột xuất, theo yêu cầu)."""

    PERIODIC = "periodic"
    AD_HOC = "ad_hoc"
    ON_DEMAND = "on_demand"


class Shape(StrEnum):
    """What a rule compares; one word for each of the thirteen shapes."""

    CONSTANT = "constant"
    PLAN = "plan"
    SAME_PERIOD = "same_period"
    PEERS = "peers"
    ROLLING = "rolling"
    CHANGE = "change"
    RANK_DROP = "rank_drop"
    LOAD = "load"
    DEADLINE = "deadline"
    CATEGORY = "category"
    NEW_EVENT = "new_event"
    ANOMALY = "anomaly"
    SPATIAL = "spatial"


class RuleScope(StrEnum):
    """The places that a rule judges one by one."""

    ITEM = "item"
    NODE = "node"
    ZONE = "zone"
    COMMUNE = "commune"
    PROVINCE = "province"


class ThresholdStatus(StrEnum):
    """Stated for good, provisional (dự kiến), empty until the lead agency sets it, or set by the province itself."""

    STATED = "stated"
    PROVISIONAL = "provisional"
    EMPTY = "empty"
    DECIDED = "decided"


class DeadlineKind(StrEnum):
    """How the source fixes the deadline of a step."""

    NONE = "none"
    AT_ONCE = "at_once"
    PROMPTLY = "promptly"
    WITHIN = "within"
    SAME_DAY_BEFORE = "same_day_before"
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class Lead:
    """The lead and cooperating agencies that one document names."""

    document: Document
    agency: str
    cooperating: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """When a rule speaks.

    Args:
        stated: the words of the source, verbatim, in Vietnamese.
        document: the document that they stand in; None where several share them.
        operator: ``<``, ``<=``, ``>`` or ``>=``; None where the shape alone decides.
        number: the figure of the source, or the one decided on; None where there is none, always so in an empty
            threshold.
    """

    stated: str
    status: ThresholdStatus
    document: Document | None = None
    operator: str | None = None
    number: float | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a scenario.

    Args:
        register: its number in the register of thresholds, unique within the scenario: ``T16``.
        open_question: what the source leaves open and somebody has to decide.
        test: what is looked at, in observations or in features of layers; our reading of the clause.
        speech: how grave it is and how slow to speak.
    """

    register: str
    shape: Shape
    scope: RuleScope
    threshold: Threshold
    open_question: Label | None = None
    test: SeriesTest | FeatureTest | None = None
    speech: Speech = PLAIN


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the workflow, in the order of the source.

    Args:
        actor: who does it, in Vietnamese as in the source.
        source: clause that states it.
        hours: of a deadline WITHIN, counted from the alert or the receipt.
        before: wall-clock time of SAME_DAY_BEFORE, Vietnamese time.
        beside: whether it goes on beside the step before it, rather than after that is done.
    """

    key: str
    title: Label
    actor: str
    deadline: DeadlineKind
    source: str
    channel: str | None = None
    hours: int | None = None
    before: time | None = None
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One operating scenario.

    Args:
        clauses: where the sources name it: ``BN-9``, ``TH-App III.21``.
        leads: empty where no source names a lead agency.
        layers: slugs of the layers; with questions, figures and the shapes of rules, our reading of the purpose.
        rules: empty where no source gives a threshold.
        meetings: the levels that its own clauses name.
        report: how often its clauses ask for a report.
        indicators: codes of indicators that it shows, beside those that its rules look at.
        version: which revision of it this is; 1 is the one that comes with the program.
    """

    code: str
    title: Label
    group: Group
    fit: Fit
    clauses: tuple[str, ...]
    layers: tuple[str, ...]
    questions: tuple[Question, ...]
    figures: tuple[Label, ...]
    leads: tuple[Lead, ...] = ()
    rules: tuple[Rule, ...] = ()
    steps: tuple[Step, ...] = ()
    meetings: tuple[MeetingLevel, ...] = ()
    report: Label | None = None
    indicators: tuple[str, ...] = ()
    version: int = 1
