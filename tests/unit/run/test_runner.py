"""Around a trial: is the server what it should be, how long will it take, who was connected."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from loadtests.machine import cores
from loadtests.machine import limits as machine_limits
from loadtests.machine.cores import Pinning
from loadtests.machine.journal import WrongConnections, verify_connections
from loadtests.record.words import Transport
from loadtests.run.experiment import ExperimentError, load, parse
from loadtests.run.feasible import check, shortage
from loadtests.run.narrowing import narrow
from loadtests.run.plan import plan

EXPERIMENT = parse(
    """\
name = "mine"
[echo]
clients = 40
rate_hz = 40
warmup_s = 0.5
latency_s = 3
throughput_s = 2
[broadcast]
recipients = 100
publishers = 2
rate_hz = 10
warmup_s = 0.25
measure_s = 4
[disconnect]
clients = 5
ping_interval_s = 2
ping_timeout_s = 1
""",
    "mine.toml",
)

# --- who was connected


def journal(tmp_path: Path, *transports: str, after: str = "") -> Path:
    path = tmp_path / "journal.jsonl"
    lines = [
        json.dumps({"event": "connect", "sid": str(n), "transport": transport, "at_ns": n})
        for n, transport in enumerate(transports)
    ]
    gone = json.dumps({"event": "disconnect", "sid": "0", "reason": "x", "at_ns": 9})
    path.write_text("".join(line + "\n" for line in [*lines, gone]) + after, encoding="utf-8")
    return path


def test_clients_that_are_all_there_and_on_the_right_transport_are_fine(tmp_path: Path) -> None:
    verify_connections(journal(tmp_path, "polling", "polling"), Transport.POLLING, 2)


@pytest.mark.parametrize(
    ("transports", "words"),
    [
        (("polling", "websocket"), "{'polling': 1, 'websocket': 1}, it should have seen 2 over"),
        (("websocket", "websocket"), "{'websocket': 2}"),
        (("polling",), "{'polling': 1}"),
        (("polling", "polling", "polling"), "{'polling': 3}"),
        ((), "connections {}"),
    ],
)
def test_client_that_is_missing_or_elsewhere_fails_the_trial(
    tmp_path: Path, transports: tuple[str, ...], words: str
) -> None:
    with pytest.raises(WrongConnections) as caught:
        verify_connections(journal(tmp_path, *transports), Transport.POLLING, 2)
    assert words in str(caught.value)
    assert str(caught.value).endswith("over polling")


def test_line_that_the_server_is_writing_does_not_matter(tmp_path: Path) -> None:
    # The clients have just gone, so the server may be noting the last of them.
    path = journal(tmp_path, "polling", after='{"event": "disconn')
    verify_connections(path, Transport.POLLING, 1)


# --- how long


@pytest.mark.parametrize(
    ("scenario", "at_least", "at_most"),
    [
        ("echo", 2 * 0.5 + 3 + 2, 2 * 0.5 + 3 + 2 + 4),
        ("broadcast", 0.25 + 4, 0.25 + 4 + 4),
        ("disconnect", 2.25 * 2 + 3, 2.25 * 2 + 3 + 7),
    ],
)
def test_trial_takes_what_it_measures_and_some_seconds_more(
    scenario: str, at_least: float, at_most: float
) -> None:
    assert at_least < EXPERIMENT.variant(scenario).expected_s < at_most


def test_scenario_that_is_not_there_takes_no_known_time() -> None:
    with pytest.raises(KeyError):
        narrow(EXPERIMENT, scenarios=["echo"]).variant("broadcast")


@pytest.mark.parametrize(("name", "minutes"), [("quick", 2.6), ("default", 24), ("full", 90)])
def test_profile_takes_no_longer_than_it_says(name: str, minutes: float) -> None:
    experiment = load(name)
    total_s = sum(
        experiment.variant(each.scenario, each.variant).expected_s for each in plan(experiment)
    )
    assert total_s < minutes * 60


# --- open files


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []
    monkeypatch.setattr(machine_limits, "allow_open_files", asked.append)
    return asked


def test_open_files_are_for_two_connections_of_each_client(asked: list[int]) -> None:
    assert shortage(EXPERIMENT.variant("broadcast").clients) is None
    assert asked == [2 * 100 + 100]


def test_too_few_open_files_say_how_many_clients_would_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine_limits, "allow_open_files", lambda needed: 200)
    assert shortage(EXPERIMENT.variant("broadcast").clients) == (
        "100 clients need 300 open files, and 200 are allowed; at most 50 clients would work, "
        "or raise ulimit -n"
    )


def test_too_few_ports_say_how_many_clients_would_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_limits, "ephemeral_ports", lambda: 150)
    assert shortage(EXPERIMENT.variant("broadcast").clients) == (
        "100 clients need 200 ports to connect from, and there are 150; at most 75 clients would "
        "work, or widen net.ipv4.ip_local_port_range"
    )
    assert shortage(EXPERIMENT.variant("disconnect").clients) is None


def test_experiment_is_refused_only_if_none_of_its_trials_can_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine_limits, "ephemeral_ports", lambda: 150)
    check(EXPERIMENT, EXPERIMENT.scenarios)  # broadcast alone has too many clients
    with pytest.raises(ExperimentError, match="experiment mine: broadcast: 100 clients need 200"):
        check(EXPERIMENT, ["broadcast"])


class FakeResource:
    RLIM_INFINITY = -1
    RLIMIT_NOFILE = 7

    def __init__(self, soft: int, hard: int) -> None:
        self.limits = (soft, hard)

    def getrlimit(self, _which: int) -> tuple[int, int]:
        return self.limits

    def setrlimit(self, _which: int, limits: tuple[int, int]) -> None:
        self.limits = limits


@pytest.mark.parametrize(
    ("limits", "needed", "answer", "after", "reason"),
    [
        ((1024, 4096), 1000, None, (1024, 4096), "enough already"),
        ((1024, 4096), 1024, None, (1024, 4096), "just enough"),
        ((1024, 4096), 2000, None, (2000, 4096), "raised as far as needed"),
        ((1024, 4096), 4096, None, (4096, 4096), "up to the hard limit"),
        ((1024, 4096), 4097, 4096, (1024, 4096), "not beyond it"),
        ((1024, -1), 10**6, None, (10**6, -1), "no hard limit"),
        ((-1, -1), 10**6, None, (-1, -1), "no limit at all stays none"),
    ],
)
def test_limit_of_open_files_is_raised_as_far_as_needed(
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, int],
    needed: int,
    answer: int | None,
    after: tuple[int, int],
    reason: str,
) -> None:
    fake = FakeResource(*limits)
    monkeypatch.setattr(machine_limits, "resource", fake)
    assert answer == machine_limits.allow_open_files(needed), reason
    assert after == fake.limits, reason


def test_system_without_such_limits_allows_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_limits, "resource", None)
    assert machine_limits.allow_open_files(10**9) is None


# --- cores


@pytest.mark.parametrize(
    ("mine", "siblings", "expected", "reason"),
    [
        ({0, 1}, "each", (1, 0, None), "two cores of their own"),
        ({0, 1, 2, 3}, "each", (3, 2, None), "the last ones"),
        ({0, 1, 2, 3}, "neighbours", (3, 1, None), "not two threads of one core"),
        ({0, 1, 2, 3}, "halves", (3, 2, None), "0 and 2, 1 and 3 are threads of one"),
        ({4, 9}, "each", (9, 4, None), "those that this process may use"),
    ],
)
def test_server_and_generator_get_cores_that_share_nothing(
    monkeypatch: pytest.MonkeyPatch,
    mine: set[int],
    siblings: str,
    expected: tuple[int | None, int | None, str | None],
    reason: str,
) -> None:
    groups = {
        "each": str,
        "neighbours": lambda core: str(core // 2),
        "halves": lambda c: str(c % 2),
    }
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: mine, raising=False)
    monkeypatch.setattr(cores, "_siblings", groups[siblings])
    assert Pinning(*expected) == cores.pinning(), reason


def test_two_threads_of_one_core_are_used_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1}, raising=False)
    monkeypatch.setattr(cores, "_siblings", lambda _core: "0-1")
    found = cores.pinning()
    assert (found.server, found.generator) == (1, 0)
    assert "slow each other down" in str(found.note)


def test_one_core_is_not_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0}, raising=False)
    found = cores.pinning()
    assert (found.server, found.generator) == (None, None)
    assert "one core only" in str(found.note)
