"""Evaluation: rules over what is observed, all places at once, handed to alerts with the evidence frozen."""
