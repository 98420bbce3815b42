"""The container files, which nobody runs here: their structure, their references, and nginx's own check."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from app.settings import CHECKOUT, Settings

DOCKER = CHECKOUT / "docker"


class TestTheImage:
    def test_copies_what_exists_and_the_ignore_file_lets_through(self) -> None:
        text = (DOCKER / "Dockerfile").read_text()
        let_through = {line[1:] for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
        sources = [word for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.M) for word in line.split()[:-1]]
        assert sources
        for source in sources:
            assert (CHECKOUT / source).exists(), source
            assert source in let_through, source

    def test_holds_every_package_of_the_project(self) -> None:
        text = (DOCKER / "Dockerfile").read_text()
        contract = (CHECKOUT / ".importlinter").read_text()
        packages = re.search(r"root_packages =\n((?:    \w+\n)+)", contract)
        assert packages is not None
        for package in packages[1].split():
            assert f"COPY {package} {package}\n" in text

    def test_runs_as_nobody_special_and_takes_locked_packages_only(self) -> None:
        text = (DOCKER / "Dockerfile").read_text()
        assert "\nUSER diaban\n" in text
        assert text.count("--require-hashes") == 2

    def test_entrypoint_needs_a_database(self) -> None:
        script = DOCKER / "entrypoint.sh"
        assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
        done = subprocess.run(["sh", script, "serve"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
        assert done.returncode == 1
        assert "DATABASE_URL" in done.stderr


class TestCompose:
    def test_services_secrets_and_volumes_refer_to_each_other(self) -> None:
        document = yaml.safe_load((DOCKER / "compose.yaml").read_text())
        services = document["services"]
        assert set(services) == {"db", "app", "front"}
        for service in services.values():
            assert set(service.get("secrets", [])) <= set(document["secrets"])
            assert set(service.get("depends_on", {})) <= set(services)
            named = {volume.split(":")[0] for volume in service["volumes"] if not volume.startswith(".")}
            assert named <= set(document["volumes"])
        assert "ports" not in services["db"]
        assert "ports" not in services["app"]

    def test_environment_names_are_settings(self) -> None:
        given = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]["app"]["environment"]
        known = {str(field.validation_alias) for field in Settings.model_fields.values() if field.validation_alias}
        assert {name.removesuffix("_FILE") for name in given} <= known


@pytest.mark.skipif(shutil.which("nginx", path="/usr/sbin:/usr/bin") is None, reason="nginx is not installed")
def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    text = (DOCKER / "nginx.conf").read_text()
    # The names that only containers have.
    text = text.replace("server app:8000", "server 127.0.0.1:8000").replace("/var/cache/nginx", str(tmp_path))
    (tmp_path / "nginx.conf").write_text(text)
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    done = subprocess.run([str(program), "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
