"""Tests of operating scenarios."""
