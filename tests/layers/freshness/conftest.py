"""The store and its office, for tests of freshness."""

from __future__ import annotations

from tests.layers.uploads.conftest import office

__all__ = ["office"]
