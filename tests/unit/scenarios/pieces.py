"""What a turn gives, without a load."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtests.arithmetic.usage import Usage

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A slice of half a second: ten messages, of two milliseconds of the server's CPU time each."""

    number: int = 0
    kind: str = "load"
    messages: int = 10
    answered: int = 10
    usage: Usage = field(default_factory=lambda: Usage(SECOND // 2, SECOND // 20, SECOND // 50))
