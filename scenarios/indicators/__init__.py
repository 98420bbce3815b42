"""Indicators: what is measured, in which unit, how often, at which kind of place."""
