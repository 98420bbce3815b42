"""Passwords: what a new one must be, and Argon2id hashes (RFC 9106, OWASP's parameters through pwdlib)."""

from __future__ import annotations

import secrets
import unicodedata
from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from layers.identity.errors import WeakPassword
from layers.identity.rules import STANDARD, AccountRules

MAX_LENGTH: Final = 128
_HASHER: Final = PasswordHash((Argon2Hasher(),))
# What lists of leaked passwords begin with, and what people here add to reach the length.
_COMMON: Final = (
    *("password", "passw0rd", "matkhau", "qwerty", "asdfgh", "iloveyou", "anhyeuem", "abc123", "admin", "welcome"),
    *("123456", "654321", "111111", "000000", "vietnam", "xinchao", "diaban", "ubnd"),
)
# Letters and digits that nobody confuses when reading them out.
_ONE_TIME: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def normalized(password: str) -> str:
    """One form for what different keyboards make of the same letters (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def check_password(
    password: str, username: str, rules: AccountRules = STANDARD, *, has_second_factor: bool = False
) -> None:
    """Makes sure that a new password may be used.

    Raises:
        WeakPassword: It is too short or long, has too few kinds of letters, has leaked, holds the user name, or
            little besides a common word.
    """
    plain = normalized(password)
    shortest = rules.shortest(has_second_factor=has_second_factor)
    if not shortest <= len(plain) <= MAX_LENGTH:
        raise WeakPassword(
            f"Mật khẩu phải dài từ {shortest} đến {MAX_LENGTH} ký tự; một câu ngắn dễ nhớ là tốt.",
            f"A password has {shortest} to {MAX_LENGTH} characters; a short sentence is a good one.",
        )
    kinds = rules.kinds(has_second_factor=has_second_factor)
    if _kinds(plain) < kinds:
        raise WeakPassword(
            f"Mật khẩu phải có ít nhất {kinds} loại trong: chữ thường, chữ hoa, chữ số, dấu.",
            f"A password has at least {kinds} of: lower case, upper case, digits, signs.",
        )
    if rules.leaked is not None and rules.leaked.holds(plain):
        raise WeakPassword(
            "Mật khẩu này nằm trong danh sách mật khẩu đã bị lộ. Hãy chọn mật khẩu khác.",
            "This password is on the list of those that have leaked. Choose another.",
        )
    folded = plain.casefold()
    rest = folded
    for word in _COMMON:
        rest = rest.replace(word, "")
    if username in folded or len(set(folded)) < 5 or len(set(rest)) < 5:
        raise WeakPassword(
            "Mật khẩu quá dễ đoán: chứa tên đăng nhập, lặp lại hoặc là từ phổ biến. Hãy chọn mật khẩu khác.",
            "The password is too easy to guess: the user name, repetition or a common word. Choose another.",
        )


def _kinds(plain: str) -> int:
    """How many kinds of letters there are: lower case, upper case, digits, and everything else but blanks."""
    found = {
        "lower" if letter.islower() else "upper" if letter.isupper() else "digit" if letter.isdigit() else "sign"
        for letter in plain
        if not letter.isspace()
    }
    return len(found)


def hash_password(password: str) -> str:
    """The Argon2id hash, in PHC form."""
    return _HASHER.hash(normalized(password))


def verify_password(password: str, hashed: str | None) -> bool:
    """Whether the password is that of the hash; without a hash it takes as long and is false."""
    found = _HASHER.verify(normalized(password)[: 4 * MAX_LENGTH], hashed or _NOBODY)
    return found and hashed is not None


def one_time_password() -> str:
    """A password to be handed over and changed at once: 80 bits, in groups."""
    letters = "".join(secrets.choice(_ONE_TIME) for _ in range(16))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


_NOBODY: Final = hash_password(secrets.token_hex(16))
