"""Alerts: raised from the outcomes of rules, one per rule and place, and worked on by people until closed."""
