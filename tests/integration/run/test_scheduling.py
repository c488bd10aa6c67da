"""The load generator's place in the queue of its core, in real threads and processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import pytest

from loadtests import ROOT
from loadtests.machine import scheduling

if not hasattr(os, "SCHED_RESET_ON_FORK"):
    pytest.skip("this system has no real-time policies", allow_module_level=True)

_AHEAD = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
_NOBODY = 65534
_Said = TypeVar("_Said")


@pytest.fixture(autouse=True)
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has said that there are others."""
    monkeypatch.delenv(scheduling.SWITCH, raising=False)


def in_a_thread(act: Callable[[], _Said]) -> _Said:
    """A policy is a thread's: the tests' own stays as it is."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(act).result()


def may_go_ahead() -> bool:
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv(scheduling.SWITCH, raising=False)
        return in_a_thread(scheduling.go_ahead)


permitted_here = pytest.mark.skipif(
    not may_go_ahead(), reason="this process may not go ahead of others"
)


def told(code: str) -> str:
    """What a Python process prints."""
    command = [sys.executable, "-c", f"import os\n{code}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return found.stdout.strip()


@permitted_here
def test_goes_ahead_and_nothing_that_it_starts_does() -> None:
    def act() -> tuple[bool, int, str]:
        permitted = scheduling.go_ahead()
        return permitted, os.sched_getscheduler(0), told("print(os.sched_getscheduler(0))")

    assert in_a_thread(act) == (True, _AHEAD, str(os.SCHED_OTHER))


def test_on_a_machine_that_others_use_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(scheduling.SWITCH, "no")
    assert not in_a_thread(scheduling.go_ahead)


@permitted_here
def test_after_a_while_ahead_all_is_as_before() -> None:
    def act() -> list[int]:
        seen = [os.sched_getscheduler(0)]
        with suppress(KeyboardInterrupt), scheduling.ahead() as permitted:
            assert permitted
            seen.append(os.sched_getscheduler(0))
            raise KeyboardInterrupt
        return [*seen, os.sched_getscheduler(0)]

    assert in_a_thread(act) == [os.SCHED_OTHER, _AHEAD, os.SCHED_OTHER]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_without_permission_nothing_changes() -> None:
    said = told(
        "from loadtests.machine import scheduling\n"
        f"os.setgroups([]); os.setgid({_NOBODY}); os.setuid({_NOBODY})\n"
        "with scheduling.ahead() as permitted:\n"
        "    pass\n"
        "print(permitted, os.sched_getscheduler(0), end=' ')\n"
        "print(scheduling.go_ahead(), os.sched_getscheduler(0))"
    )
    assert said == f"False {os.SCHED_OTHER} False {os.SCHED_OTHER}"


def test_whoever_may_by_a_limit_alone_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """``ulimit -r`` permits it, but not to take back what children do not inherit: sched(7)."""
    policies = [os.SCHED_OTHER]

    def set_policy(_process: int, policy: int, _parameters: os.sched_param) -> None:
        if policies[-1] & os.SCHED_RESET_ON_FORK and not policy & os.SCHED_RESET_ON_FORK:
            raise PermissionError
        policies.append(policy)

    monkeypatch.setattr(os, "sched_getscheduler", lambda _process: policies[-1])
    monkeypatch.setattr(os, "sched_setscheduler", set_policy)
    with scheduling.ahead() as permitted:
        assert permitted
    assert policies == [os.SCHED_OTHER, _AHEAD, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK]
