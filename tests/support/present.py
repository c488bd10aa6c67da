"""What may be None anywhere else, and must not be in this test."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def present(value: T | None) -> T:
    """The value, of which the test fails when there is none."""
    assert value is not None
    return value
