"""Forecasts of indicators by period, with the error that the method had on the past."""
