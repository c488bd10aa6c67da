"""How hypothesis searches in all unit tests."""

from __future__ import annotations

from hypothesis import settings

# No deadline: a busy machine is no defect. Few examples: all unit tests together take seconds;
# `pytest --hypothesis-profile=thorough` looks for longer.
settings.register_profile("unit", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("unit")
