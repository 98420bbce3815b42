"""The inspector's verifier: another program, run by a bare interpreter, that agrees with the service."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.settings import CHECKOUT
from layers.audit.bundle import write_bundle
from layers.audit.keys import key_id
from tests.layers.audit.world import Log, make_log
from tools import verify_audit

pytestmark = pytest.mark.db


@pytest.fixture(scope="module")
def log(world_template: str, copy_database, tmp_path_factory: pytest.TempPathFactory) -> Log:  # type: ignore[no-untyped-def]
    return make_log(copy_database(world_template), tmp_path_factory.mktemp("audit"), events=30, seed=4)


@pytest.fixture
def bundle(log: Log, tmp_path: Path) -> Path:
    return _bundle(log, tmp_path / "bundle.zip")


def _bundle(log: Log, path: Path, first: int = 1) -> Path:
    with log.database.engine("diaban_writer").connect() as connection:
        write_bundle(connection, log.keeper.file, path, first=first)
    return path


def run(bundle: Path, key: str, *more: str) -> subprocess.CompletedProcess[str]:
    # -I: no environment, no user's packages; -S: no site packages at all.
    command = [sys.executable, "-I", "-S", str(CHECKOUT / "tools" / "verify_audit.py"), str(bundle), "--key", key]
    return subprocess.run([*command, *more], capture_output=True, text=True, check=False)


class TestWhole:
    def test_a_bundle_is_whole_by_an_interpreter_without_any_package(self, log: Log, bundle: Path) -> None:
        found = run(bundle, key_id(log.key))
        assert (found.returncode, found.stdout.splitlines()[-1]) == (0, "WHOLE · toàn vẹn")

    def test_a_part_is_whole_by_the_checkpoints_after_it(self, log: Log, tmp_path: Path) -> None:
        found = run(_bundle(log, tmp_path / "part.zip", first=11), key_id(log.key))
        assert found.returncode == 0, found.stdout
        assert "events 11 to" in found.stdout

    def test_it_knows_nothing_of_the_service(self) -> None:
        source = (CHECKOUT / "tools" / "verify_audit.py").read_text()
        assert not any(
            f"{word} {name}" in source for word in ("from", "import") for name in ("layers", "app", "cryptography")
        )


class TestFaults:
    def test_every_change_of_a_bundle_is_found(self, log: Log, bundle: Path, tmp_path: Path) -> None:
        dice = random.Random(9)
        with zipfile.ZipFile(bundle) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        lines = parts["events.jsonl"].splitlines(keepends=True)
        attempts = [lines[:-1], lines[1:], [lines[1], lines[0], *lines[2:]], [*lines, lines[-1]]]
        for _ in range(60):
            number = dice.randrange(len(lines))
            event = json.loads(lines[number])
            name = dice.choice(sorted(event))
            event[name] = event[name] + 1 if isinstance(event[name], int) else f"{event[name] or ''}0"[-70:]
            attempts.append(
                [*lines[:number], json.dumps(event, ensure_ascii=False).encode() + b"\n", *lines[number + 1 :]]
            )
        missed = []
        for number, attempt in enumerate(attempts):
            changed = tmp_path / "changed.zip"
            with zipfile.ZipFile(changed, "w") as archive:
                for name, content in parts.items():
                    archive.writestr(name, b"".join(attempt) if name == "events.jsonl" else content)
            faults: list[str] = []
            with zipfile.ZipFile(changed) as archive:
                try:
                    asked = verify_audit.argparse.Namespace(key=key_id(log.key), checkpoints=None, digest=None)
                    verify_audit.verify(archive, asked, faults, [])
                except (ValueError, TypeError) as error:
                    faults.append(str(error))
            if not faults:
                missed.append(number)
        assert missed == []

    def test_another_key_than_the_one_written_down_is_refused(self, bundle: Path) -> None:
        assert run(bundle, "0123456789abcdef").returncode == 1

    def test_a_printed_digest_and_an_own_copy_are_held_against_it(self, log: Log, bundle: Path, tmp_path: Path) -> None:
        last = log.keeper.file.path.read_text().splitlines()[-1]
        seq, digest = last.split(" ")[3:5]
        copy = tmp_path / "copy.log"
        copy.write_text(last + "\n")
        key = key_id(log.key)
        assert run(bundle, key, "--digest", f"{seq}:{digest}", "--checkpoints", str(copy)).returncode == 0
        assert run(bundle, key, "--digest", f"{seq}:{digest[::-1]}").returncode == 1
        copy.write_text(last.replace(" mark ", " key ") + "\n")
        assert run(bundle, key, "--checkpoints", str(copy)).returncode == 1

    def test_what_is_no_bundle_is_said_to_be_none(self, tmp_path: Path) -> None:
        path = tmp_path / "no.zip"
        path.write_bytes(b"PK nothing")
        assert run(path, "0123456789abcdef").returncode == 2


class TestSignatures:
    def test_ed25519_agrees_with_a_library_on_random_messages(self) -> None:
        dice = random.Random(2)
        for _ in range(15):
            key, message = Ed25519PrivateKey.generate(), dice.randbytes(dice.randrange(100))
            signature, public = bytearray(key.sign(message)), key.public_key().public_bytes_raw()
            assert verify_audit.is_signed(public, message, bytes(signature))
            signature[dice.randrange(64)] ^= 1 << dice.randrange(8)
            assert not verify_audit.is_signed(public, message, bytes(signature))

    def test_a_signature_with_a_second_form_is_refused(self) -> None:
        key = Ed25519PrivateKey.generate()
        signature = key.sign(b"m")
        more = (int.from_bytes(signature[32:], "little") + verify_audit.L).to_bytes(32, "little")
        assert not verify_audit.is_signed(key.public_key().public_bytes_raw(), b"m", signature[:32] + more)
