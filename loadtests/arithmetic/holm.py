"""Several tests at once: which of them reject so that hardly ever one does wrongly. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def rejected(p_values: Mapping[Key, float], level: float) -> set[Key]:
    """Those hypotheses that are rejected by S. Holm's procedure.

    "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6,
    1979: the smallest p is held against ``level`` divided by the number of tests, the next against
    that of one test less, until one is above. However the tests depend on each other, one or more
    true hypotheses are rejected with a probability of at most ``level``.

    Args:
        p_values: of every test that was made, also of those that cannot reject.
        level: of all together.
    """
    found: set[Key] = set()
    for key, p in sorted(p_values.items(), key=lambda item: item[1]):
        if p > level / (len(p_values) - len(found)):
            break
        found.add(key)
    return found
