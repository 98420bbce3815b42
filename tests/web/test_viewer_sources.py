"""The viewer's own checks: types, components, pure functions, and what its files weigh."""

from __future__ import annotations

import json

import brotli
import pytest

from app import viewer_build
from app.viewer_build import SOURCES, ViewerNotBuilt, is_current, run_npm, sources_digest
from web.viewer_shell import FOLDER

MOST_SCRIPT_BYTES = 500_000


@pytest.fixture(autouse=True)
def _built(viewer: None) -> None:
    """Everything here looks at the build."""


class TestSources:
    def test_types_and_components_hold(self) -> None:
        run_npm("run", "check")

    def test_pure_functions_hold(self) -> None:
        run_npm("run", "test")

    def test_lock_names_no_registry(self) -> None:
        lock = json.loads((SOURCES / "package-lock.json").read_text())
        assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
        assert all("integrity" in package for name, package in lock["packages"].items() if name)


class TestBuild:
    def test_stamp_follows_the_sources(self, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
        assert is_current()
        (tmp_path / "a.ts").write_text("1")
        before = sources_digest(tmp_path)
        (tmp_path / "a.ts").write_text("2")
        assert sources_digest(tmp_path) != before
        monkeypatch.setattr(viewer_build, "SOURCES", tmp_path)
        monkeypatch.setattr(viewer_build, "sources_digest", lambda: sources_digest(tmp_path))
        assert not is_current()

    def test_failure_says_what_is_needed(self, tmp_path) -> None:  # type: ignore[no-untyped-def]
        with pytest.raises(ViewerNotBuilt) as failure:
            run_npm("run", "no-such-script", folder=tmp_path)
        assert "npm" in failure.value.vi
        assert failure.value.output

    def test_all_scripts_together_stay_light(self) -> None:
        # What report maps carry inside themselves lies beside these, and no page of the service asks for it.
        scripts = [path for path in (FOLDER / "assets").rglob("*js") if path.suffix in {".js", ".mjs"}]
        # What goes over the line: the packed file that is served beside each script.
        packed = {path.name: path.with_name(f"{path.name}.br").read_bytes() for path in scripts}
        assert all(brotli.decompress(packed[path.name]) == path.read_bytes() for path in scripts)
        weights = {name: len(content) for name, content in packed.items()}
        assert sum(weights.values()) <= MOST_SCRIPT_BYTES, weights

    def test_nothing_is_asked_of_another_host(self) -> None:
        for path in (FOLDER / "assets").rglob("*.css"):
            assert "http" not in path.read_text().replace("http://www.w3.org/", ""), path.name
