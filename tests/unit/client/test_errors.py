"""Why connections ended, as one sentence for many of them."""

from __future__ import annotations

import pytest

from loadtests.client.errors import tallied


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (["refused"], "refused"),
        (["refused"] * 1000, "refused"),
        (["reset", "refused", "refused"], "refused (2 times); reset"),
        (iter(["a", "b", "b", "c", "c", "c"]), "c (3 times); b (2 times); a"),
    ],
    ids=["one", "a thousand alike", "two kinds", "three kinds"],
)
def test_each_reason_is_told_once_the_most_frequent_first(
    reasons: list[str], expected: str
) -> None:
    assert tallied(reasons) == expected
