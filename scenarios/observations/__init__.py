"""Observations: values of indicators at places, by time, taken in, corrected and read."""
