"""Profiles of rules for accounts, and lists of leaked passwords in every form."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from app.identity.people import account_rules
from app.settings import Settings
from layers.identity.breaches import UnreadableBreachList, open_breach_list
from layers.identity.errors import WeakPassword
from layers.identity.passwords import check_password
from layers.identity.rules import PROFILES, STANDARD, Profile

LEVEL_3, ASVS = PROFILES[Profile.VN_LEVEL_3], PROFILES[Profile.ASVS]


class TestAPassword:
    @pytest.mark.parametrize(
        ("profile", "password", "has_second_factor"),
        [
            (Profile.VN_LEVEL_3, "Bến đò chiều 7!", False),
            (Profile.VN_LEVEL_3, "bến đò 7", True),
            (Profile.ASVS, "bến đò chiều mưa", False),
            (Profile.STANDARD, "bến đò chiều", False),
        ],
    )
    def test_that_is_good_enough(self, profile: Profile, password: str, has_second_factor: bool) -> None:
        check_password(password, "lan", PROFILES[profile], has_second_factor=has_second_factor)

    @pytest.mark.parametrize(
        ("profile", "password", "has_second_factor"),
        [
            (Profile.VN_LEVEL_3, "bến đò chiều mưa 7!", False),
            (Profile.VN_LEVEL_3, "Bến đò 7!", False),
            (Profile.VN_LEVEL_3, "bến đò7", True),
            (Profile.ASVS, "Bến đò chiều 7", False),
            (Profile.STANDARD, "bến đò mưa", True),
        ],
    )
    def test_that_is_not(self, profile: Profile, password: str, has_second_factor: bool) -> None:
        with pytest.raises(WeakPassword):
            check_password(password, "lan", PROFILES[profile], has_second_factor=has_second_factor)


def digest(word: str) -> str:
    return hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest().upper()


class TestALeakedPassword:
    @pytest.mark.parametrize("ending", ["\n", "\r\n"])
    @pytest.mark.parametrize("last", ["", "\n"])
    def test_is_found_wherever_it_stands_in_sorted_digests(self, tmp_path: Path, ending: str, last: str) -> None:
        words = [f"con đò số {number}" for number in range(200)]
        path = tmp_path / "pwned.txt"
        lines = sorted(f"{digest(word)}:{number + 1}" for number, word in enumerate(words))
        path.write_bytes((ending.join(lines) + last).encode())
        found = open_breach_list(path)
        assert all(found.holds(word) for word in words)
        assert not any(found.holds(f"con đò số {number}") for number in range(200, 600))

    def test_is_found_among_words_and_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "words.txt"
        path.write_text("Trời xanh mây trắng\n\nsông dài biển rộng\n", encoding="utf-8")
        rules = replace(STANDARD, leaked=open_breach_list(path))
        with pytest.raises(WeakPassword, match="leaked"):
            check_password("trời xanh mây trắng", "lan", rules)
        check_password("trời xanh mây hồng", "lan", rules)

    @pytest.mark.parametrize(
        "content", [b"", b"\xff\xfe\x00", b"F" * 40 + b"\n" + b"A" * 40 + b"\n" + b"0" * 40 + b"\n"]
    )
    def test_list_that_cannot_be_used_is_told(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "list"
        path.write_bytes(content)
        with pytest.raises(UnreadableBreachList):
            open_breach_list(path)
        with pytest.raises(UnreadableBreachList):
            open_breach_list(tmp_path / "absent")


def test_single_settings_win_over_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "words"
    path.write_text("trời xanh", encoding="utf-8")
    given = {"account_profile": "vn-level-3", "password_min_length": 20, "sign_in_failures": 3, "sign_in_wait": 7200}
    rules = account_rules(Settings(**given, breach_list=path))  # type: ignore[arg-type]
    assert (rules.min_length, rules.min_length_protected, rules.min_classes) == (20, 20, 4)
    assert (rules.max_failures, rules.first_wait.total_seconds(), rules.longest_wait.total_seconds()) == (3, 7200, 7200)
    assert rules.leaked is not None
    assert account_rules(Settings(account_profile="asvs")) == ASVS  # type: ignore[arg-type]
    assert LEVEL_3.idle < STANDARD.idle
