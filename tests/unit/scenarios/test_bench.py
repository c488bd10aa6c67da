"""What a trial does about clients that it loses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.record.results import Measurement
from loadtests.record.words import Transport
from loadtests.scenarios.bench import Bench, Place
from loadtests.scenarios.errors import TrialFailed

FOUND = Measurement(
    row="echo",
    metrics={"latency_p50": 1.0, "latency_p99": 2.0, "server_cpu": None},
    invalid={"latency_p99": "sends went out late"},
    unavailable={"server_cpu": "not ours"},
)


def bench(*ended: str | None) -> Bench:
    nothing: Any = None
    sessions: Any = [SimpleNamespace(ended=each) for each in ended]
    place = Place(url="", transport=Transport.POLLING, label="trial")
    return Bench(sessions, alarm=nothing, meter=nothing, seed=0, place=place, sleep=nothing)


def test_trial_goes_on_as_long_as_one_client_is_left() -> None:
    bench("gone", None, "gone").check_sessions()
    with pytest.raises(TrialFailed, match="all 2 clients lost their connection: first"):
        bench("first", "second").check_sessions()


def test_nothing_is_distrusted_where_nobody_was_lost() -> None:
    assert bench(None, None).distrust([FOUND]) == [FOUND]


def test_every_number_is_distrusted_where_a_client_was_lost() -> None:
    (found,) = bench(None, "closed by the server", None).distrust([FOUND])
    reason = "clients lost their connection: closed by the server (1 of 3)"
    # It explains whatever else speaks against them, and what was not known is not invalid.
    assert found.invalid == {"latency_p50": reason, "latency_p99": reason}
    assert found.metrics == FOUND.metrics
