"""Calibration: what is measured, what rounds say together, and when a file is stale."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from rich.console import Console

from loadtests import __version__
from loadtests.client.alarm import Alarm
from loadtests.generator.calibrate import capabilities, command, loops
from loadtests.generator.calibrate.capabilities import (
    LATENESS_P50,
    RECEIVE_LAG_P50,
    RESIDENT,
    CalibrationError,
    figure,
    limit_of,
)
from loadtests.generator.calibrate.plan import Plan
from loadtests.machine import cores, facts
from loadtests.record import calibration
from loadtests.record.calibration import Calibration, Capability, Limit
from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Measurement, read
from loadtests.record.words import Transport
from loadtests.run.executor import ProcessExecutor
from loadtests.run.experiment import Experiment, load
from loadtests.run.narrowing import narrow
from loadtests.run.runner import Run
from loadtests.run.subjects import running
from loadtests.scenarios.bench import Bench, Outcome, Place
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.registry import metrics_of
from tests.support.simulation import MS, FakeBench, World, broadcasting, echoing

# --- what is measured


def fan_out(recipients: int, publishers: int) -> Any:
    experiment: Any = Plan(seconds=1).fan_out(recipients)
    return msgspec.structs.replace(experiment.broadcast, publishers=publishers)


@pytest.mark.parametrize("compressed", [False, True])
def test_deliveries_are_what_was_read_while_publishers_waited_for_their_own_copy(
    compressed: bool,
) -> None:
    world = World()
    bench = FakeBench(world, 5)
    for session in bench.sessions:
        session.compressed = compressed
    broadcasting(bench, lambda publisher, number, recipient: [10 * MS])
    (found,) = loops.measure_fan_out(bench, fan_out(5, 2))  # type: ignore[arg-type]
    # Each of two publishers sends every 10 ms, to five.
    assert found.metrics["deliveries"] == pytest.approx(2 * 100 * 5, rel=0.02)
    assert found.metrics["generator_busy"] == pytest.approx(10)
    assert bench.numbers[RESIDENT] > 0


def test_nothing_delivered_is_a_failure_and_no_zero() -> None:
    world = World()
    with pytest.raises(TrialFailed, match="no copy"):
        loops.measure_fan_out(FakeBench(world, 2), fan_out(2, 1))  # type: ignore[arg-type]


def test_echo_also_tells_the_generators_own_medians() -> None:
    world = World()
    bench = FakeBench(world, 40)
    echoing(bench, lambda session, number: [2 * MS])
    experiment: Any = Plan(seconds=1).echo(200, Transport.WEBSOCKET)
    (found,) = loops.measure_echo(bench, experiment.echo)  # type: ignore[arg-type]
    assert found.metrics["latency_p50"] == pytest.approx(2)
    assert bench.numbers == {LATENESS_P50: 0, RECEIVE_LAG_P50: 0}


@pytest.mark.parametrize("seconds", [0.1, 1.0, 60.0])
def test_what_is_planned_is_what_a_generator_would_accept(seconds: float) -> None:
    plan = Plan(seconds=seconds)
    planned = [plan.echo(rate, each) for rate in plan.rates_hz for each in Transport]
    for experiment in (*planned, plan.fan_out(200), plan.fan_out(1)):
        assert experiment == msgspec.json.decode(msgspec.json.encode(experiment), type=Experiment)


# --- what rounds say together


def outcome(scenario: str, **numbers: float | None) -> Outcome:
    metrics = dict.fromkeys(metrics_of(scenario), 1.0) | numbers
    measured = Measurement(row=scenario, metrics=metrics)
    facts = GeneratorFacts(numbers={LATENESS_P50: 0.1, RECEIVE_LAG_P50: 0.2})
    return Outcome(measurements=[measured], generator=facts)


def test_a_figure_is_the_median_with_the_least_and_the_greatest_round() -> None:
    found = figure("throughput", "throughput", "messages/s", [3.0, 1.0, 2.0, 9.0])
    assert (found.median, found.low, found.high) == (2.5, 1.0, 9.0)
    assert found.rounds == [3.0, 1.0, 2.0, 9.0]


@pytest.mark.parametrize(
    ("generator", "responder", "limit"),
    [
        (99, 80, Limit.GENERATOR),
        (80, 99, Limit.RESPONDER),
        (99, 99, Limit.GENERATOR),
        (85, 60, Limit.NEITHER),
        (60, 85, Limit.NEITHER),
        (86, 60, Limit.GENERATOR),
    ],
)
def test_the_limit_is_the_busier_one_if_it_was_busy(
    generator: float, responder: float, limit: Limit
) -> None:
    assert limit is limit_of(generator, responder)


@pytest.mark.parametrize(
    ("responder", "words"),
    [
        (70.0, "at most so many echoes a second; it was the limit here (generator 98 % busy"),
        (99.0, "more echoes than this: the responder was the limit"),
    ],
)
def test_a_ceiling_says_whose_it_is(responder: float, words: str) -> None:
    rounds = [outcome("echo", throughput=5e4, generator_busy=98.0, server_busy=responder)]
    found = capabilities.ceiling("echo", Transport.WEBSOCKET, "closed loop", rounds)
    assert words in found.meaning
    assert found.figures[0].name == "throughput"


def test_the_responder_is_not_called_a_server() -> None:
    found = capabilities.ceiling("echo", Transport.POLLING, "closed loop", [outcome("echo")])
    assert not any("server" in each.title for each in found.figures)


def test_a_fan_out_counts_deliveries() -> None:
    rounds = [outcome("broadcast", deliveries=9e4)]
    found = capabilities.ceiling("broadcast", Transport.WEBSOCKET, "closed loop", rounds)
    units = {each.name: each.unit for each in found.figures}
    assert units["deliveries"] == "deliveries/s"
    assert units["generator_cpu"] == "µs per delivery"


def test_a_noise_floor_has_latency_lateness_and_receive_lag() -> None:
    found = capabilities.noise_floor(Transport.POLLING, 200, [outcome("echo", latency_p50=0.3)])
    assert [each.name for each in found.figures] == [
        "latency_p50",
        "latency_p99",
        "lateness_p50",
        "lateness_p99",
        "receive_lag_p50",
        "receive_lag_p99",
    ]
    assert (found.load, found.rate_hz, found.limit) == ("200/s", 200, None)


def test_a_round_without_a_number_is_no_round_left_out() -> None:
    rounds = [outcome("echo"), outcome("echo", latency_p99=None)]
    with pytest.raises(CalibrationError, match="1 of 2 rounds gave no latency_p99"):
        capabilities.noise_floor(Transport.POLLING, 200, rounds)


def test_a_round_that_lost_a_client_is_refused_in_the_trials_words() -> None:
    sessions: Any = [SimpleNamespace(ended=None), SimpleNamespace(ended="closed by the server")]
    place = Place(url="", transport=Transport.POLLING, label="trial")
    bench = Bench(sessions, Alarm(), meter=None, seed=0, place=place, sleep=time.sleep)  # type: ignore[arg-type]
    lasting = outcome("echo")
    capabilities.check_clients(lasting)
    trusted = bench.distrust(lasting.measurements)
    with pytest.raises(
        CalibrationError, match=r"^clients lost their connection: closed by the server \(1 of 2\)$"
    ):
        capabilities.check_clients(Outcome(measurements=trusted))


def test_other_doubts_about_a_round_do_not_refuse_it() -> None:
    found = Measurement(row="echo", metrics={}, invalid={"throughput": "the reader was slow"})
    capabilities.check_clients(Outcome(measurements=[found]))


def measured() -> list[Capability]:
    return [
        capabilities.ceiling("echo", Transport.WEBSOCKET, "closed loop", [outcome("echo")] * 2),
        capabilities.noise_floor(Transport.WEBSOCKET, 200, [outcome("echo", latency_p50=0.1234)]),
        capabilities.idle_sessions(1000, 2.5),
        capabilities.idle_users(1000, 12.5),
    ]


def test_every_row_of_the_table_ends_in_a_sentence() -> None:
    for each in measured():
        assert each.meaning.endswith(".")
    out = Console(width=200)
    with out.capture() as captured:
        out.print(command.table(measured()))
    text = captured.get()
    assert "latency p50 0.123 ms" in text
    assert "resident per connection 12.5 KiB" in text
    assert "idle, 1,000 Locust users" in text


# --- the file

ENVIRONMENT = {
    "cpu": "a CPU",
    "cores": 2,
    "pinning": {"server": [1], "generator": [0], "note": None},
    "kernel": "6.1",
    "python": "CPython 3.11.7",
    "packages": {"gevent": "26.9.0", "rich": "15.0"},
    "load_average": [0.1],
}


def stored(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "calibration.json"
    whole = Calibration(
        format=calibration.FORMAT,
        version="0.1.0",
        made="2025-01-02T03:04:05+00:00",
        seconds=100,
        environment=ENVIRONMENT,
        capabilities=measured(),
    )
    calibration.write(msgspec.structs.replace(whole, **changes), path)
    return path


def test_what_was_written_is_what_a_run_on_the_same_machine_gets(tmp_path: Path) -> None:
    now = ENVIRONMENT | {"load_average": [9.0], "packages": {"gevent": "26.9.0", "rich": "16"}}
    found, note = calibration.for_run(now, "0.1.0", stored(tmp_path))
    assert note is None
    assert found is not None
    assert measured() == msgspec.convert(found["capabilities"], list[Capability])


def test_other_cores_and_a_server_of_ones_own_change_nothing_of_the_generator(
    tmp_path: Path,
) -> None:
    now = ENVIRONMENT | {"pinning": {"server": [], "generator": [1], "note": "not started by us"}}
    found, note = calibration.for_run(now, "0.1.0", stored(tmp_path))
    assert note is None
    assert found is not None


def test_a_machine_that_was_never_calibrated_is_told_how(tmp_path: Path) -> None:
    found = calibration.for_run(ENVIRONMENT, "0.1.0", tmp_path / "none.json")
    assert found == (None, "not calibrated on this machine; make calibrate")


@pytest.mark.parametrize(
    ("changes", "version", "what"),
    [
        ({"cpu": "another"}, "0.1.0", "the CPU was a CPU and is another"),
        ({"cores": 4}, "0.1.0", "the number of cores was 2 and is 4"),
        (
            {"pinning": {"server": [], "generator": [], "note": "no"}},
            "0.1.0",
            "pinning to cores was on and is off",
        ),
        ({"kernel": "6.2"}, "0.1.0", "the kernel was 6.1 and is 6.2"),
        ({"python": "CPython 3.12.1"}, "0.1.0", "Python was CPython 3.11.7 and is CPython 3.12.1"),
        ({"packages": {"gevent": "27.1"}}, "0.1.0", "gevent was 26.9.0 and is 27.1"),
        ({"packages": {}}, "0.1.0", "gevent was 26.9.0 and is None"),
        ({}, "0.2.0", "transport-bench was 0.1.0 and is 0.2.0"),
    ],
)
def test_a_stale_calibration_is_refused_and_the_change_named(
    tmp_path: Path, changes: dict[str, Any], version: str, what: str
) -> None:
    found, note = calibration.for_run(ENVIRONMENT | changes, version, stored(tmp_path))
    assert found is None
    assert note == f"the calibration is stale ({what}); make calibrate"


def test_a_calibration_of_another_format_is_refused_not_guessed(tmp_path: Path) -> None:
    path = stored(tmp_path, format="transport-bench-calibration/2")
    found, note = calibration.for_run(ENVIRONMENT, "0.1.0", path)
    assert found is None
    assert note is not None
    assert "format 'transport-bench-calibration/2'" in note


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b"{}", b'{"format": "transport-bench-calibration/1"}'],
)
def test_a_file_that_is_no_calibration_does_not_stop_a_run(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(content)
    found, note = calibration.for_run(ENVIRONMENT, "0.1.0", path)
    assert found is None
    assert note is not None
    assert note.endswith("make calibrate")


@contextmanager
def silence(_trials: int) -> Iterator[Any]:
    yield SimpleNamespace(began=lambda *_: None, ended=lambda *_: None)


@pytest.mark.parametrize("stale", [False, True])
def test_a_run_takes_the_calibration_of_its_machine_into_its_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stale: bool
) -> None:
    environment = facts.describe(cores.pinning()) | ({"kernel": "another"} if stale else {})
    monkeypatch.setattr(
        calibration, "PATH", stored(tmp_path, environment=environment, version=__version__)
    )
    # Nothing is started for it: a server of one's own has no journal of disconnects.
    experiment = narrow(load("quick"), modes=["gevent"], scenarios=["disconnect"])
    own = {"gevent": running("http://127.0.0.1:9")}
    executor = ProcessExecutor(experiment, tmp_path, subjects=own)
    Run(experiment, tmp_path, executor).run(silence)
    result = read(tmp_path)
    if stale:
        assert result.calibration is None
        assert "the kernel was another" in result.environment["calibration"]
    else:
        assert result.calibration is not None
        assert result.calibration["format"] == calibration.FORMAT
        assert "calibration" not in result.environment
