"""What happens to many sessions alike and ends none of them: told once each, and counted.

A process's own, as its log is: what a thousand sessions of it do is one thing to say.
"""

from __future__ import annotations

import logging
from collections import Counter

logger = logging.getLogger(__name__)

_counts: Counter[str] = Counter()


def tell(kind: str, instance: str) -> None:
    """Log the first of its kind, with an example, and count the others.

    Args:
        kind: what is wrong and what to do about it: the same text for all of them.
        instance: which one this is.
    """
    _counts[kind] += 1
    if _counts[kind] == 1:
        logger.warning("%s (the first: %s)", kind, instance)


def counted() -> dict[str, int]:
    """Kind -> how many there were."""
    return dict(_counts)


def forget() -> None:
    """Begin anew, as a new test does."""
    _counts.clear()
