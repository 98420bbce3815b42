"""The container files, which nobody runs here: their structure, their references, and what they mount."""

from __future__ import annotations

import re
import subprocess

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

    def test_files_that_are_mounted_exist(self) -> None:
        for service in yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"].values():
            for volume in service["volumes"]:
                source = volume.replace("${FRONT:-plain}", "tls").split(":")[0]
                if source.startswith("./") and not source.startswith("./secrets"):
                    assert (DOCKER / source).is_file(), source

    def test_environment_names_are_settings(self) -> None:
        given = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]["app"]["environment"]
        fields = Settings.model_fields.items()
        known = {str(field.validation_alias or f"DIABAN_{name.upper()}") for name, field in fields}
        assert {name.removesuffix("_FILE") for name in given} <= known
