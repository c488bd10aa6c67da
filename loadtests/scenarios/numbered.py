"""Rows that are named by a number: ``curve:200``, ``burst:18``."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Numbered:
    """Names of a scenario's rows, made and read.

    Attributes:
        scenario: its name.
    """

    scenario: str

    def row(self, number: int) -> str:
        """The name of a number's row."""
        return f"{self.scenario}:{number}"

    def number_of(self, row: str) -> int | None:
        """The number of a row; None where it is no row of this kind."""
        scenario, _, number = row.partition(":")
        return int(number) if scenario == self.scenario and number.isdecimal() else None

    def order(self, row: str) -> tuple[float, ...]:
        """By the number; rows of another shape last."""
        number = self.number_of(row)
        return (math.inf if number is None else number,)
