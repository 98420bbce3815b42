"""Rules for accounts: how long a password is, how failures are slowed down, when a session ends; profiles of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol


class Leaked(Protocol):
    """Passwords that have leaked somewhere."""

    def holds(self, password: str) -> bool:
        """Whether the password is among them."""


class Profile(StrEnum):
    """Sets of rules to choose by name."""

    STANDARD = "standard"
    VN_LEVEL_3 = "vn-level-3"
    ASVS = "asvs"


@dataclass(frozen=True, slots=True)
class AccountRules:
    """Rules for passwords, failures and sessions.

    Attributes:
        min_length: Letters that a password has at least.
        min_classes: Of lower case, upper case, digits and signs, so many kinds at least; 0 asks for none.
        min_length_protected: The same length where the account has a second factor; no kinds are asked for then.
        leaked: A list of leaked passwords, where there is one.
        max_failures: So many failures for one user name in a row, then there is a wait, which doubles with each.
        first_wait: The first wait.
        longest_wait: The longest.
        idle: A session ends after so long without use.
    """

    min_length: int = 12
    min_classes: int = 0
    min_length_protected: int = 12
    leaked: Leaked | None = None
    max_failures: int = 5
    first_wait: timedelta = timedelta(minutes=1)
    longest_wait: timedelta = timedelta(hours=1)
    idle: timedelta = timedelta(minutes=30)

    def shortest(self, *, has_second_factor: bool) -> int:
        """Letters that the password of an account has at least."""
        return self.min_length_protected if has_second_factor else self.min_length

    def kinds(self, *, has_second_factor: bool) -> int:
        """Kinds of letters that the password of an account has at least."""
        return 0 if has_second_factor else self.min_classes


STANDARD: Final = AccountRules()
PROFILES: Final[Mapping[Profile, AccountRules]] = MappingProxyType(
    {
        Profile.STANDARD: STANDARD,
        # TCVN 14423:2026, 5.5 and 5.6, level 3: at least 14 letters of four kinds, or 8 beside a second factor; five
        # failures; 15 minutes for software with important data. The accounts rest for a quarter of an hour first.
        Profile.VN_LEVEL_3: AccountRules(
            min_length=14,
            min_classes=4,
            min_length_protected=8,
            first_wait=timedelta(minutes=15),
            idle=timedelta(minutes=15),
        ),
        # OWASP ASVS 5.0: 6.2.1 advises 15 letters, 6.2.5 forbids rules about kinds, 6.2.12 wants a breach list.
        Profile.ASVS: AccountRules(min_length=15, min_length_protected=8),
    }
)
