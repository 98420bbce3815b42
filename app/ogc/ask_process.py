"""The process ``ask``: the service's spatial questions as OGC API - Processes describes them."""

from __future__ import annotations

from typing import Any, Final

import anyio.from_thread
from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError
from pygeoapi.process.manager.base import BaseManager

from app.ogc.config import LOCALES, PROCESS_ID
from app.ogc.provider import reading
from layers.answer_formats import MEDIA_TYPES, write_answer
from layers.ask import ask
from layers.definition import Label
from layers.errors import LayerError
from spatial.errors import SpatialError
from spatial.question import parse_question
from spatial.question_model import Format

_TEXT: Final = {"type": "string"}
_OBJECT: Final = {"type": "object"}
_CONDITIONS: Final = ("point", "nearest", "radius", "zone", "route", "boundary")
_INPUTS: Final[dict[str, tuple[Label, dict[str, Any]]]] = {
    "layer": (Label("Lớp được hỏi", "The layer that is asked"), _TEXT),
    "where": (
        Label(
            "Điều kiện: theo điểm, gần nhất, bán kính, vùng, tuyến, địa giới; tất cả đều phải đúng",
            "Conditions by point, nearest, radius, zone, route and boundary, all of which must hold",
        ),
        {
            "type": "array",
            "items": {"type": "object", "maxProperties": 1, "properties": {name: {} for name in _CONDITIONS}},
        },
    ),
    "filter": (Label("Bộ lọc CQL2", "CQL2 filter"), {"oneOf": [_TEXT, _OBJECT]}),
    "filter_lang": (Label("Ngôn ngữ bộ lọc", "Language of the filter"), {**_TEXT, "enum": ["cql2-text", "cql2-json"]}),
    "figures": (Label("Số liệu gộp theo nhóm", "Figures by group"), _OBJECT),
    "features": (Label("Trang đối tượng cần trả về", "The page of features to return"), _OBJECT),
    "crs": (Label("Hệ tọa độ của câu trả lời", "CRS of the answer"), _TEXT),
    "coordinates_crs": (Label("Hệ tọa độ trong câu hỏi", "CRS of coordinates in the question"), _TEXT),
    "revision": (Label("Phiên bản đã công bố", "A published revision"), {"type": "integer", "minimum": 1}),
    "at": (Label("Thời điểm trong quá khứ", "An instant in the past"), {**_TEXT, "format": "date-time"}),
    "format": (Label("Dạng của câu trả lời", "Form of the answer"), {**_TEXT, "enum": [item.value for item in Format]}),
}


def _both(label: Label) -> dict[str, str]:
    return dict(zip(LOCALES, (label.vi, label.en), strict=True))


def process_metadata() -> dict[str, Any]:
    """The description of the process (OGC API - Processes Part 1, 7.10), in both languages."""
    inputs = {
        name: {
            "title": _both(title),
            "schema": schema,
            "minOccurs": 1 if name == "layer" else 0,
            "maxOccurs": 1,
        }
        for name, (title, schema) in _INPUTS.items()
    }
    answer = {
        "title": _both(Label("Câu trả lời", "The answer")),
        "schema": {"oneOf": [{"type": "string", "contentMediaType": kind} for kind in MEDIA_TYPES.values()]},
    }
    return {
        "version": "1.0.0",
        "id": PROCESS_ID,
        "title": _both(Label("Hỏi bản đồ", "Ask the map")),
        "description": _both(
            Label(
                "Trả lời câu hỏi theo điểm, vùng, bán kính, tuyến và địa giới hành chính, như POST /api/query.",
                "Answers questions by point, zone, radius, route and boundary, as POST /api/query does.",
            )
        ),
        "jobControlOptions": ["sync-execute", "async-execute"],
        "outputTransmission": ["value"],
        "inputs": inputs,
        "outputs": {"answer": answer},
        "keywords": [],
        "links": [],
        "example": {"inputs": {"layer": "schools", "where": [{"radius": {"of": [107.15, 11.05], "metres": 3000}}]}},
    }


class AskProcessor(BaseProcessor):  # type: ignore[misc]  # pygeoapi carries no types
    """pygeoapi's processor of the process; runs in a worker thread under the reader's scope."""

    def __init__(self, processor_def: dict[str, Any]) -> None:
        super().__init__(processor_def, process_metadata())

    def execute(self, data: dict[str, Any], outputs: object = None) -> tuple[str, bytes]:
        """Media type and bytes of the answer.

        Raises:
            ProcessorExecuteError: The question cannot be asked.
        """
        now = reading()
        try:
            question = parse_question(data)
            answer = anyio.from_thread.run(
                ask, now.resources.gate, now.catalogue, now.scope, question, now.resources.statements
            )
        except (SpatialError, LayerError) as error:
            raise ProcessorExecuteError(error.en) from error
        return MEDIA_TYPES[question.format], write_answer(answer)


class QuestionJobs(BaseManager):  # type: ignore[misc]  # pygeoapi carries no types
    """Tells pygeoapi that processes may be asked for without waiting; jobs are those of :mod:`layers.jobs`."""

    def __init__(self, manager_def: dict[str, Any]) -> None:
        super().__init__(manager_def)
        self.is_async = True
