"""Intake: from the bytes of a file of unknown origin to checked rows of a layer, and everything there is to say of it.

Each stage is a function from value to value in its own module; :mod:`layers.intake.model` holds the values.
"""
