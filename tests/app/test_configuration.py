"""Settings, the page that describes them and the example file say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.cli import _explain_settings
from app.settings import CHECKOUT, Settings

PAGE = (CHECKOUT / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLE = (CHECKOUT / ".env.example").read_text(encoding="utf-8")


def variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"DIABAN_{name.upper()}"


VARIABLES = {variable(name): name for name in Settings.model_fields}


class TestPage:
    def test_names_every_setting_and_no_other(self) -> None:
        assert set(re.findall(r"^\| `([A-Z_]+)`", PAGE, re.MULTILINE)) | set(
            re.findall(r"^\| `HOST`, `([A-Z_]+)`", PAGE, re.MULTILINE)
        ) == set(VARIABLES)

    @pytest.mark.parametrize(
        "name",
        [
            *("host", "port", "workers", "log_format", "pool_public", "pool_reader", "pool_tiles", "pool_writer"),
            *("max_items", "default_items", "tile_cache_mb", "raster_cache_mb"),
        ],
    )
    def test_tells_the_default(self, name: str) -> None:
        assert f"| `{variable(name)}` | `{Settings.model_fields[name].default}` |" in PAGE


class TestExample:
    def test_names_every_setting_and_no_other(self) -> None:
        assert set(re.findall(r"^# ([A-Z_]+)=", EXAMPLE, re.MULTILINE)) == set(VARIABLES)

    def test_can_be_read_once_uncommented(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        file = tmp_path / "env"
        file.write_text(re.sub(r"^# ([A-Z_]+=)", r"\1", EXAMPLE, flags=re.MULTILINE), encoding="utf-8")
        found = Settings(_env_file=file)  # type: ignore[call-arg]
        assert found.public_url == "https://bando.example.vn"
        assert found.log_format == "json"
        assert not found.reset


class TestUse:
    @pytest.mark.parametrize("name", sorted(Settings.model_fields))
    def test_something_reads_it(self, name: str) -> None:
        files = (CHECKOUT / "app").rglob("*.py")
        used = (
            "given_public_url"
            if name == "given_public_url"
            else rf"(settings|chosen|_settings\(\)|Settings\(\))\.{name}\b"
        )
        assert any(re.search(used, path.read_text(encoding="utf-8")) for path in files)


class TestUnreadable:
    def test_is_named_without_its_value(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PORT", "hunter2")
        monkeypatch.setenv("DATABASE_URL", "mysql://root:hunter2@host/db")
        with pytest.raises(ValueError, match="validation errors") as caught:
            Settings(_env_file=None)  # type: ignore[call-arg]
        _explain_settings(caught.value)  # type: ignore[arg-type]
        said = capsys.readouterr().err
        assert "PORT" in said
        assert "DATABASE_URL" in said
        assert "postgresql://" in said
        assert "hunter2" not in said
