"""Children that end while the end of another is being dealt with."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.scenarios.disconnect.hosts import process


def test_each_child_is_reaped_once_when_a_signal_interrupts_the_handler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost: list[int] = []
    diary: Any = SimpleNamespace(lost=lambda client, _why: lost.append(client))
    config: Any = SimpleNamespace(clients=2)
    zygote = process._Zygote(config, diary)
    zygote._clients = {101: [0], 102: [1]}
    zygote._pipes = {101: os.open(os.devnull, os.O_RDONLY), 102: os.open(os.devnull, os.O_RDONLY)}
    ended = {101, 102}

    def waitpid(child: int, _options: int) -> tuple[int, int]:
        if child not in ended:
            raise ChildProcessError
        ended.remove(child)
        if child == 101:  # the other one's signal comes before this returns
            zygote._reap(0, None)
        return child, 0

    monkeypatch.setattr(os, "waitpid", waitpid)
    zygote._reap(0, None)
    assert sorted(lost) == [0, 1]
    assert zygote._clients == {}
    assert zygote._pipes == {}
