"""The rounds of a calibration, without a process: what they refuse and what has no spread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.generator.calibrate import rounds
from loadtests.generator.calibrate.capabilities import (
    LATENESS_P50,
    RECEIVE_LAG_P50,
    RESIDENT,
    CalibrationError,
)
from loadtests.generator.calibrate.plan import Plan
from loadtests.generator.footprint import Footprint
from loadtests.machine.cores import Pinning
from loadtests.record.calibration import Capability
from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Measurement
from loadtests.run.trial import Came, Orders
from loadtests.scenarios.bench import Outcome
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.registry import metrics_of

PLAN = Plan(rounds=3, seconds=1, recipients=5, connections=(10,), users=25, rates_hz=(200,))


def conducted(orders: Orders, *_: Any) -> tuple[list[Came], None]:
    """All is well; 10 KiB for each user."""
    (assignment,) = orders.assignments
    metrics: dict[str, float | None] = dict.fromkeys(metrics_of(assignment.scenario), 1.0)
    users = assignment.variant.clients
    came = Outcome(
        measurements=[Measurement(row=assignment.scenario, metrics=metrics)],
        generator=GeneratorFacts(
            numbers={LATENESS_P50: 0.1, RECEIVE_LAG_P50: 0.1, RESIDENT: 5000 + 10 * users}
        ),
    )
    return [came], None


@pytest.fixture
def calibrated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., dict[str, Capability]]:
    """Run the rounds with so many idle connections and this outcome of each trial."""

    def run(connections: int = 10, conduct: Any = conducted) -> dict[str, Capability]:
        footprint = Footprint(
            connections=connections,
            counted=connections,
            wanted=10,
            rss_before=0,
            rss_after=2048 * connections,
            uss_before=None,
            uss_after=None,
        )
        ready = SimpleNamespace(pid=1, footprints=[footprint])

        @contextmanager
        def started(*_: Any, **__: Any) -> Iterator[Any]:
            yield SimpleNamespace(url="", ready=ready)

        monkeypatch.setattr(rounds, "started", started)
        monkeypatch.setattr(rounds, "generating", started)
        monkeypatch.setattr(rounds, "conduct", conduct)
        pins = Pinning(None, None, None)
        found = rounds.Rounds(PLAN, tmp_path, pins, lambda _: None).run()
        return {f"{each.scenario}, {each.load}, {each.transport}": each for each in found}

    return run


def test_every_round_is_in_the_figures_but_memory_is_measured_once(
    calibrated: Callable[..., dict[str, Capability]],
) -> None:
    found = calibrated()
    given = {name: each.figures[0].rounds for name, each in found.items()}
    assert given["echo, closed loop, polling"] == [1.0] * 3
    assert given["broadcast, closed loop, 5 recipients, websocket"] == [1.0] * 3
    assert given["idle, 10 sessions, websocket"] == [2.0]
    assert given["idle, 25 Locust users, websocket"] == [10.0]


def test_each_row_beside_the_usual_has_one_thing_less(
    calibrated: Callable[..., dict[str, Capability]],
) -> None:
    told: set[tuple[str, str, str, bool]] = set()

    def noting(orders: Orders, *_: Any) -> tuple[list[Came], None]:
        (assignment,) = orders.assignments
        place = assignment.place
        told.add((assignment.scenario, place.transport, place.client, place.compression))
        return conducted(orders)

    found = calibrated(conduct=noting)
    assert told == {
        ("echo", "polling", "transport-bench", True),
        ("echo", "polling", "lean", True),
        ("echo", "websocket", "transport-bench", True),
        ("echo", "websocket", "transport-bench", False),
        ("broadcast", "websocket", "transport-bench", True),
        ("broadcast", "websocket", "transport-bench", False),
    }
    beside = {name for name, each in found.items() if "that one thing costs" in each.meaning}
    assert beside == {
        "echo, closed loop, without a browser's headers, polling",
        "echo, closed loop, without compression, websocket",
        "broadcast, closed loop, 5 recipients, without compression, websocket",
    }
    assert list(found)[:2] == ["echo, closed loop, polling", "echo, closed loop, websocket"]


def test_a_trial_that_lost_a_client_ends_the_calibration(
    calibrated: Callable[..., dict[str, Capability]],
) -> None:
    words = "clients lost their connection: silence (1 of 5)"

    def one_lost(orders: Orders, *_: Any) -> tuple[list[Came], None]:
        (assignment,) = orders.assignments
        measured = Measurement(
            row=assignment.scenario,
            metrics=dict.fromkeys(metrics_of(assignment.scenario), 1.0),
            invalid={"server_cpu": "a busy generator", "deliveries": words},
        )
        return [Outcome(measurements=[measured])], None

    with pytest.raises(CalibrationError) as refused:
        calibrated(conduct=one_lost)
    assert words == str(refused.value)


def test_memory_of_fewer_connections_than_asked_for_is_no_capability(
    calibrated: Callable[..., dict[str, Capability]],
) -> None:
    with pytest.raises(CalibrationError, match="9 connections instead of 10"):
        calibrated(connections=9)


def test_a_trial_that_failed_ends_the_calibration_and_an_interrupt_goes_before_it(
    calibrated: Callable[..., dict[str, Capability]],
) -> None:
    failed: list[Came] = [TrialFailed("nothing was answered")]
    with pytest.raises(TrialFailed, match="nothing was answered"):
        calibrated(conduct=lambda *_: (failed, None))
    with pytest.raises(KeyboardInterrupt):
        calibrated(conduct=lambda *_: (failed, KeyboardInterrupt()))
