"""The version of the program: the one in pyproject.toml, without asking an installed package for it."""

from typing import Final

VERSION: Final = "0.1.0"
