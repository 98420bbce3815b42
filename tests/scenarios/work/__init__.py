"""Tests of working days and deadlines."""
