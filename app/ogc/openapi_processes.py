"""The paths of OGC API - Processes in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from app.ogc.ask_process import process_metadata
from app.ogc.complete import JSON
from app.ogc.components import Part, path_parameter
from app.ogc.config import PROCESS_ID
from app.ogc.process_jobs import MAX_LISTED


def _answer(description: str, kind: str = JSON) -> Part:
    return {"description": description, "content": {kind: {"schema": {"type": "object"}}}}


def _errors() -> Part:
    names = {"400": "InvalidParameter", "404": "NotFound", "500": "ServerError"}
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name in names.items()}


def _operation(summary: str, operation: str, answers: Part, **more: Any) -> Part:
    return {
        "summary": summary,
        "tags": ["processes"],
        "operationId": operation,
        **more,
        "responses": answers | _errors(),
    }


_JOB_FILTERS: Final[list[Part]] = [
    {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LISTED, "default": 100},
    },
    {
        "name": "status",
        "in": "query",
        "style": "form",
        "explode": False,
        "schema": {
            "type": "array",
            "items": {"type": "string", "enum": ["accepted", "running", "successful", "failed", "dismissed"]},
        },
    },
]


def process_paths() -> Part:
    """Description, execution, status and results of the one process."""
    forms = [{"$ref": f"#/components/parameters/{name}"} for name in ("f", "lang")]
    job = [path_parameter("jobId", "Mã công việc · Job id", {"type": "string", "format": "uuid"})]
    prefer = {"name": "Prefer", "in": "header", "required": False, "schema": {"type": "string"}}
    listed, described = _answer("Danh sách · List"), _answer("Mô tả · Description")
    return {
        "/processes": {
            "get": _operation("Các quy trình · Processes", "getProcesses", {"200": listed}, parameters=forms)
        },
        f"/processes/{PROCESS_ID}": {
            "get": _operation("Quy trình · Process", "getProcess", {"200": described}, parameters=forms)
        },
        f"/processes/{PROCESS_ID}/execution": {
            "post": _operation(
                "Hỏi bản đồ · Ask the map",
                "execute",
                {"200": _answer("Câu trả lời · The answer"), "201": _answer("Công việc · A job")},
                parameters=[prefer],
                requestBody={"required": True, "content": {JSON: {"schema": _execution()}}},
            )
        },
        "/jobs": {
            "get": _operation("Các công việc của bạn · Your jobs", "getJobs", {"200": listed}, parameters=_JOB_FILTERS)
        },
        "/jobs/{jobId}": {
            "get": _operation(
                "Công việc · A job", "getStatus", {"200": _answer("Trạng thái · Status")}, parameters=job
            ),
            "delete": _operation(
                "Bỏ công việc · Dismiss a job", "dismiss", {"200": _answer("Trạng thái · Status")}, parameters=job
            ),
        },
        "/jobs/{jobId}/results": {
            "get": _operation("Kết quả · Results", "getResult", {"200": _answer("Kết quả · Results")}, parameters=job)
        },
    }


def _execution() -> Part:
    inputs = {name: described["schema"] for name, described in process_metadata()["inputs"].items()}
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "inputs": {"type": "object", "required": ["layer"], "properties": inputs},
            "outputs": {"type": "object"},
            "response": {"type": "string", "enum": ["raw", "document"], "default": "raw"},
        },
    }
