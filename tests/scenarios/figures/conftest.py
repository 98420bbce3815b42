"""A database with observations."""

from tests.layers.conftest import store
from tests.scenarios.rules.conftest import observing

__all__ = ["observing", "store"]
