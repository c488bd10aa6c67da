"""Limits of an experiment, read and held against head."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from loadtests.gate.limits import held, limits_of
from loadtests.record.gate import Limited
from loadtests.record.words import Kept
from loadtests.run.experiment import ExperimentError
from tests.unit.gate.simulated import EXPERIMENT, Machine


def told(limits: Mapping[str, str], noise: float = 0.01) -> list[Limited]:
    """What the limits come to; every number is about 100, of rates and times alike."""
    experiment = msgspec.structs.replace(EXPERIMENT, limits=dict(limits))
    pairing, _ = Machine(noise=noise).run(experiment)
    return held(limits_of(experiment), pairing.alone, experiment.modes)


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        ("<= 120 ms", Kept.KEPT),
        ("<= 80 ms", Kept.BROKEN),
        (">= 80 ms", Kept.KEPT),
        (">= 120 ms", Kept.BROKEN),
        ("<= 100 ms", Kept.UNDECIDED),
    ],
)
def test_limit_is_kept_or_broken_where_the_interval_lies_on_one_side(
    limit: str, kept: Kept
) -> None:
    found = told({"echo.latency_p50": limit})
    assert [each.mode for each in found] == ["gevent", "threading"]
    assert {each.kept for each in found} == {kept}
    assert all(each.note for each in found if each.kept is Kept.UNDECIDED)


def test_limit_of_one_cell_is_held_against_that_alone() -> None:
    (found,) = told({"echo.throughput@gevent/websocket": ">= 50 messages/s"})
    assert (found.mode, found.kept) == ("gevent", Kept.KEPT)


def test_tail_of_few_samples_decides_nothing() -> None:
    found = told({"echo.latency_p99": "<= 50 ms"})
    assert {each.kept for each in found} == {Kept.UNDECIDED}
    assert "fewer than the 1,000 samples" in found[0].note


@pytest.mark.parametrize(
    ("name", "bound", "words"),
    [
        ("latency_p99", "<= 50 ms", "named like 'echo.latency_p99'"),
        ("echo.latency_p99", "50 ms", "is like '<= 50 ms'"),
        ("echo.latency_p99", "<= 50 s", "echo.latency_p99 is in ms"),
        ("echo.latency_p99", "<= 1.2.3 ms", "1.2.3 is no number"),
        ("echo.latency_p98", "<= 50 ms", "unknown metric 'latency_p98'; did you mean latency_p9"),
        ("ecko.latency_p99", "<= 50 ms", "unknown row 'ecko'; did you mean echo?"),
        ("echo.latency_p99@gevnt/websocket", "<= 50 ms", "unknown mode 'gevnt'"),
        ("echo.latency_p99@gevent/polling", "<= 50 ms", "unknown transport 'polling'"),
    ],
)
def test_limit_that_makes_no_sense_is_refused_in_one_line(
    name: str, bound: str, words: str
) -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, limits={name: bound})
    with pytest.raises(ExperimentError) as caught:
        limits_of(experiment)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
