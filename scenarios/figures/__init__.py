"""Figures of a scenario by admin unit: against plan, same period and mean, with classes for a map."""
