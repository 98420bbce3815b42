"""Children that do not behave: each ends with a reason, and the parent goes on."""

from __future__ import annotations

import pytest

from layers.confined import ChildEnded, Limits, run_confined

HERE = "tests.layers.misbehaving"


class TestAChild:
    def test_answers_with_a_json_value(self) -> None:
        assert run_confined(f"{HERE}:echo", {"value": {"tên": "Đồng Nai"}}) == {"tên": "Đồng Nai"}

    def test_that_prints_does_not_spoil_its_answer(self) -> None:
        assert run_confined(f"{HERE}:chatter", {}) == "answer"

    @pytest.mark.parametrize(
        ("function", "limits", "reason"),
        [
            ("hoard", Limits(memory_bytes=600 * 2**20), "memory"),
            ("spin", Limits(cpu_s=1), "time"),
            ("sleep", Limits(wall_s=1), "time"),
            ("crash", Limits(), "crash"),
            ("fill_disk", Limits(file_bytes=1000), "crash"),
        ],
    )
    def test_is_ended_at_its_limit(self, function: str, limits: Limits, reason: str) -> None:
        with pytest.raises(ChildEnded) as error:
            run_confined(f"{HERE}:{function}", {}, limits=limits)
        assert error.value.reason == reason

    def test_has_no_secrets_and_no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
        names, reached = run_confined(f"{HERE}:surroundings", {})
        assert "DATABASE_URL" not in names
        assert reached is False
