"""The examples of docs/questions.md, asked of the synthetic province."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from app.api.query_schema import QUESTION
from app.settings import CHECKOUT
from tests.conftest import Service

pytestmark = pytest.mark.db
TEXT = (CHECKOUT / "docs" / "questions.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


def test_every_kind_has_an_example() -> None:
    kinds = {kind for question in EXAMPLES for condition in question.get("where", []) for kind in condition}
    assert kinds == {"point", "nearest", "radius", "zone", "route", "boundary"}


@pytest.mark.parametrize("question", EXAMPLES, ids=lambda question: question["layer"])
def test_an_example_fits_the_schema_and_finds_something(service: Service, question: dict[str, Any]) -> None:
    assert list(jsonschema.Draft202012Validator(QUESTION).iter_errors(question)) == []
    answer = service.client.post("/api/query", json=question)
    assert answer.status_code == 200, answer.text
    if question.get("format") == "csv":
        assert answer.text.count("\n") > 1
        return
    found = answer.json()
    assert found["numberMatched"] > 0
    assert found["layer"]["synthetic"] is True
    if "figures" in question:
        assert found["figures"]
