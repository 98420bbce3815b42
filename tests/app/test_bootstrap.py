"""The first step of every command: what it finds in place, what it says when it may not install."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import CHECKOUT
from web.version import VERSION

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
SCRIPTS = ["app/bootstrap.sh", "docker/entrypoint.sh"]


def bootstrap(folder: Path, kind: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": SYSTEM_PATH, "HOME": str(folder)} | more
    return subprocess.run(
        ["sh", "app/bootstrap.sh", kind], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


class TestScripts:
    @pytest.mark.parametrize("script", SCRIPTS)
    def test_are_posix_shell(self, script: str) -> None:
        assert subprocess.run(["sh", "-n", CHECKOUT / script], check=False).returncode == 0

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_please_shellcheck(self, script: str) -> None:
        if shutil.which("shellcheck") is None:
            pytest.skip("needs shellcheck")
        found = subprocess.run(["shellcheck", CHECKOUT / script], capture_output=True, text=True, check=False)
        assert found.stdout == ""


class TestReadyMachine:
    def test_nothing_is_said_or_done(self) -> None:
        finished = bootstrap(CHECKOUT, "demo")
        assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


class TestNewMachine:
    @pytest.fixture
    def checkout(self) -> Iterator[Path]:
        # Not tmp_path: pytest closes its folders to other users.
        folder = Path(tempfile.mkdtemp(prefix="diaban-test-"))
        folder.chmod(0o755)
        (folder / "app").mkdir()
        for name in ("app/bootstrap.sh", "requirements.lock", "requirements-dev.lock", "requirements-bootstrap.lock"):
            shutil.copy(CHECKOUT / name, folder / name)
        os.chown(folder, 65534 if os.geteuid() == 0 else -1, -1)
        yield folder
        shutil.rmtree(folder)

    def test_unknown_kind_is_refused(self, checkout: Path) -> None:
        finished = bootstrap(checkout, "everything")
        assert finished.returncode == 1
        assert "demo|dev" in finished.stderr

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
    @pytest.mark.parametrize(
        ("system", "postgresql"), [("debian 12", "15"), ("debian 13", "17"), ("ubuntu 24.04", "16")]
    )
    def test_ordinary_user_is_told_what_an_administrator_must_run(
        self, checkout: Path, system: str, postgresql: str
    ) -> None:
        name, version = system.split()
        script = checkout / "app" / "bootstrap.sh"
        text = script.read_text(encoding="utf-8")
        # A machine that has nothing, and another system's release file.
        text = re.sub(r"^has_postgis\(\) \{\n", "has_postgis() {\n    return 1\n", text, flags=re.MULTILINE)
        text = text.replace("/etc/os-release", str(checkout / "os-release"))
        text = text.replace("command -v sudo", "command -v no-such-program")
        script.write_text(text, encoding="utf-8")
        (checkout / "os-release").write_text(f'ID={name}\nVERSION_ID="{version}"\n', encoding="utf-8")
        finished = subprocess.run(
            ["sh", script, "demo"],
            env={"PATH": SYSTEM_PATH, "HOME": "/"},
            user=65534,
            group=65534,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 1
        line = next(line for line in finished.stderr.splitlines() if "apt-get install" in line)
        assert f"postgresql-{postgresql} postgresql-{postgresql}-postgis-3" in line


class TestVersion:
    def test_is_that_of_the_project(self) -> None:
        project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
        assert f'version = "{VERSION}"' in project


class TestMakefile:
    def test_help_names_every_target_that_people_type(self) -> None:
        makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
        declared = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
        assert declared is not None
        said = subprocess.run(["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
        shown = re.findall(r"^  make (\S+) ", said, re.MULTILINE)
        assert set(declared[1].split()) - {"env", "env-dev"} == set(shown)

    def test_gate_runs_what_people_run(self) -> None:
        gate = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")
        assert re.findall(r"^make (?:--silent )?(\S+)", gate, re.MULTILINE) == ["lint", "test"]
