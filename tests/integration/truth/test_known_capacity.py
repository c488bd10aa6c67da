"""Capacity, curve, bystanders and connections of servers whose truth is known."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from loadtests.arithmetic.estimates import estimate
from tests.support import queueing
from tests.support.measuring import faulty, in_a_quiet_moment, measured, tried
from tests.support.present import present

pytestmark = pytest.mark.timing

#: Of each message, in a single thread; and the limit of latency over WebSocket. Of a thread that
#: takes less than Python's threads may keep each other waiting, the truth is not known.
TAKEN_MS, LIMIT_MS = 5, 50
CAPACITY = """
blocks = {blocks}
modes = ["threading"]
transports = ["websocket"]
[capacity]
blocks = {blocks}
kinds = ["echo"]
clients = 20
steps = {steps}
"""


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("blocks", "steps", "within"),
    # One trial ends within a twentieth of what it looks for, by the p99 of some hundred answers.
    [(1, 4, 0.12), pytest.param(10, 8, 0.05, marks=pytest.mark.long)],
)
def test_capacity_is_what_queueing_theory_says_of_a_known_service_time(
    tmp_path: Path, blocks: int, steps: int, within: float
) -> None:
    def check(folder: Path) -> None:
        text = CAPACITY.format(blocks=blocks, steps=steps)
        result = measured(text, folder, faulty(f"serves:{TAKEN_MS / 1000}"))
        found = [each for trial in result.trials for each in trial.measurements]
        assert len(found) == blocks
        # What the server itself computes for a message is in every latency, and in no queue.
        beside_ms = statistics.median(present(each.metrics["server_cpu"]) / 1000 for each in found)
        truth_hz = queueing.capacity((LIMIT_MS - beside_ms) / TAKEN_MS) * 1000 / TAKEN_MS
        numbers = [present(each.metrics["capacity"]) for each in found]
        assert statistics.geometric_mean(numbers) == pytest.approx(truth_hz, rel=within), numbers
        assert {each.notes["capacity"].split(" (")[0] for each in found} == {
            f"p99 beyond {LIMIT_MS} ms, with the server's core not full"
        }

    # A search has no repeats of its own at this length, and a moment's stall ends it early.
    in_a_quiet_moment(check, tmp_path)


def test_server_that_dies_under_load_says_so_in_its_own_words(tmp_path: Path) -> None:
    text = CAPACITY.format(blocks=1, steps=2).replace("threading", "gevent")
    result = tried(text, tmp_path, faulty("die:4000"))
    (trial,) = result.trials
    reason = present(trial.reason)
    assert reason.startswith("the server died during the trial (code 3)")
    assert "clients lost their connection" in reason
    assert "(at a load of " in reason


CURVE = """
modes = ["threading"]
transports = ["websocket"]
[curve]
rates_hz = [50, 150, 400, 800]
clients = 20
"""


def test_curve_bends_where_a_known_server_is_full(tmp_path: Path) -> None:
    def check(folder: Path) -> None:
        result = measured(CURVE, folder, faulty("serves:0.005"))
        found = {each.row: each for trial in result.trials for each in trial.measurements}
        light, heavy, beyond, further = (found[f"curve:{rate}"] for rate in (50, 150, 400, 800))
        assert 5 <= present(light.metrics["latency_p50"]) < 8
        assert present(heavy.metrics["latency_p99"]) > 2 * present(light.metrics["latency_p99"])
        assert present(beyond.metrics["latency_p50"]) > 200
        assert "latency_p50" in beyond.invalid
        assert further.metrics["latency_p50"] is None
        assert further.unavailable["latency_p50"].startswith(
            "beyond what the server keeps up with: its queue grew at 400/s"
        )

    in_a_quiet_moment(check, tmp_path)


BYSTANDER = """
modes = [{modes}]
transports = ["websocket"]
[bystander]
works = ["sleep", "block"]
"""


def test_handler_that_blocks_holds_event_loops_up_by_as_long_as_it_blocks(tmp_path: Path) -> None:
    def check(folder: Path) -> None:
        text = BYSTANDER.format(modes='"eventlet", "gevent", "threading"')
        result = measured(text, folder)
        rises = {
            (planned.mode, each.row): present(each.metrics["rise_p99"])
            for planned, trial in zip(result.plan, result.trials, strict=True)
            for each in trial.measurements
            if each.row != "bystander:none"
        }
        for mode in ("eventlet", "gevent"):
            assert rises[mode, "bystander:block"] == pytest.approx(100, rel=0.10), mode
        # A thread that waits in the kernel does not hold the interpreter.
        assert rises["threading", "bystander:block"] < 15
        assert all(rise < 15 for (_, row), rise in rises.items() if row == "bystander:sleep")

    in_a_quiet_moment(check, tmp_path)


BROADCAST = """
modes = ["gevent"]
transports = ["{transport}"]
[capacity]
kinds = ["broadcast"]
most_recipients = 30
steps = 2
"""


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_recipients_are_connected_as_they_are_needed(tmp_path: Path, transport: str) -> None:
    result = measured(BROADCAST.format(transport=transport), tmp_path)
    ((found,),) = [trial.measurements for trial in result.trials]
    assert found.metrics["capacity"] == 30
    assert found.invalid["capacity"] == "at least this: no more was offered (at most 30)"
    assert present(found.metrics["server_cpu"]) > 0


CONNECTIONS = """
blocks = {blocks}
modes = ["gevent"]
transports = ["websocket"]
[connections]
steps = [40, 80, 120]
idle_s = 2
"""


def test_memory_that_is_kept_for_each_client_is_found_as_that(tmp_path: Path) -> None:
    def check(folder: Path) -> None:
        result = measured(CONNECTIONS.format(blocks=1), folder, faulty("keeps:64"))
        kept = [
            present(each.metrics["left_behind"])
            for trial in result.trials
            for each in trial.measurements
        ]
        assert statistics.mean(kept) == pytest.approx(64, rel=0.10), kept

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.long
def test_server_that_keeps_nothing_leaves_nothing_behind(tmp_path: Path) -> None:
    def check(folder: Path) -> None:
        result = measured(CONNECTIONS.format(blocks=2), folder)
        found = [each for trial in result.trials for each in trial.measurements]
        interval = estimate([present(each.metrics["left_behind"]) for each in found])
        low, high = present(interval.low), present(interval.high)
        assert low < 0 < high or abs(interval.value) < 4, interval
        assert all(each.metrics["connected"] == 120 for each in found)
        # The connection, and the selector that simple-websocket makes for it.
        assert all(1.9 < present(each.metrics["connection_files"]) < 2.1 for each in found)

    in_a_quiet_moment(check, tmp_path)
