"""Who still tries to connect where others could not."""

from __future__ import annotations

import pytest

from loadtests.scenarios import crowd
from loadtests.scenarios.crowd import Crowd
from tests.support.simulation import MS, SECOND, FakeBench, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(crowd, "_located", lambda _bench: None)
    return World()


def refused(world: World, monkeypatch: pytest.MonkeyPatch, after_ns: int) -> tuple[int, str]:
    """How many of a hundred try where each is refused after so long, and what is told."""
    tried = 0

    def connect(_crowd: Crowd) -> str:
        nonlocal tried
        tried += 1
        world.run_until(world.now_ns + after_ns)
        return "refused"

    monkeypatch.setattr(Crowd, "_connect", connect)
    told = Crowd(FakeBench(world, 0)).become(100)  # type: ignore[arg-type]
    return tried, told


def test_some_may_be_refused_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tried, told = refused(world, monkeypatch, MS)
    assert (tried, told) == (crowd._ENOUGH_FAILURES, "refused (0 of 100 are connected)")


def test_after_one_that_was_not_answered_nobody_waits_as_long_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, told = refused(world, monkeypatch, 5 * SECOND)
    assert (tried, told) == (1, "refused (0 of 100 are connected)")
