"""The two ways in which a connection can end before we end it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class ProtocolError(Exception):
    """The peer sent what its protocol does not allow; the message names it."""


class ConnectionFailed(Exception):
    """The peer refused, closed or never answered; the message is for a person."""


def broken_handler(error: Exception) -> str:
    """The reason for an end that is nobody's fault but a handler's."""
    return f"its handler broke: {type(error).__name__}: {error}"


def tallied(reasons: Iterable[str]) -> str:
    """All reasons, the most frequent first, each once; with how often where that is a question."""
    counts = Counter(reasons)
    if len(counts) == 1:
        return next(iter(counts))
    return "; ".join(
        reason if count == 1 else f"{reason} ({count} times)"
        for reason, count in counts.most_common()
    )
