"""Avalanche: a real server is killed under real official clients, and they come back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from loadtests.machine.launch import SERVE, LaunchError, RunningServer, serving
from loadtests.machine.node import missing
from loadtests.record.results import Measurement
from loadtests.record.words import Transport
from loadtests.scenarios.avalanche import Avalanche, trial
from loadtests.scenarios.avalanche.numbers import METRICS
from loadtests.scenarios.bench import Outcome, Stage
from loadtests.scenarios.disconnect.outage import expected
from loadtests.scenarios.disconnect.rows import Official, Outage
from loadtests.scenarios.disconnect.windows import TOLERANCE_S
from loadtests.scenarios.errors import TrialFailed
from tests.support.measuring import faulty, in_a_quiet_moment
from tests.support.present import present

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are killed and watched"),
    pytest.mark.usefixtures("nothing_stays"),
]
CLIENTS = 30
FEW_AT_ONCE = Avalanche(clients=CLIENTS, down_s=0.5, connect_rate_hz=60, patience_s=5)


class Serve:
    """Starts servers of gevent: the first one as it is, the second one with a fault, if any."""

    def __init__(self, fault: str | None) -> None:
        self._commands = [SERVE, SERVE if fault is None else faulty(fault)]

    def __call__(
        self, port: int, log: Path, journal: Path
    ) -> AbstractContextManager[RunningServer]:
        return serving(
            "gevent",
            ping_interval_s=25,
            ping_timeout_s=20,
            log=log,
            journal=journal,
            port=port,
            command=self._commands.pop(0),
        )


def conducted(
    folder: Path,
    transport: Transport = Transport.WEBSOCKET,
    fault: str | None = None,
) -> Outcome:
    """A trial whose second server may have a fault."""
    stage = Stage(
        mode="gevent",
        transport=transport,
        seed=1,
        serve=Serve(fault),
        label=folder / "trial",
        core=None,
    )
    ready, outcome = trial.conduct(stage, FEW_AT_ONCE)
    assert ready["mode"] == "gevent"
    assert [each.row for each in outcome.measurements] == ["avalanche"]
    return outcome


def need_node() -> None:
    lacks = missing()
    if lacks is not None:
        pytest.skip(lacks)


@pytest.fixture
def nothing_stays() -> Iterator[None]:
    """No process that the test started is there after it."""
    before = set(psutil.Process().children(recursive=True))
    yield
    after = [each for each in psutil.Process().children(recursive=True) if each not in before]
    assert [each.cmdline() for each in after] == []


@pytest.mark.parametrize(
    "transport",
    [Transport.WEBSOCKET, pytest.param(Transport.POLLING, marks=pytest.mark.full)],
)
def test_all_are_back_as_soon_as_their_own_delays_let_them(
    tmp_path: Path, transport: Transport
) -> None:
    need_node()

    def check(folder: Path) -> None:
        outcome = conducted(folder, transport)
        (found,) = outcome.measurements
        assert found.metrics.keys() == METRICS.keys()
        assert found.invalid == found.unavailable == found.notes == {}
        assert (found.metrics["not_back"], found.metrics["refused"]) == (0, 0)
        away_s = outcome.generator.numbers["away_s"]
        latest_s = expected.reconnected_latest_s(Official.JAVASCRIPT, Outage.KILL, (away_s, away_s))
        assert outcome.generator.numbers["reconnected_latest_s"] == latest_s
        assert present(found.metrics["back_max"]) <= latest_s + TOLERANCE_S
        counted = ("reconnected_later", "connected_twice")
        assert [outcome.generator.numbers[name] for name in counted] == [0, 0]
        assert len(found.reconnections) == found.samples["answer"] == CLIENTS
        assert 0 < present(found.metrics["returns"]) <= CLIENTS
        for name in ("answer_max", "server_cpu", "server_rss", "generator_cpu"):
            assert present(found.metrics[name]) > 0
        assert outcome.generator.transport == transport
        assert "socket.io-client" in outcome.generator.versions

    in_a_quiet_moment(check, tmp_path)


def test_without_the_official_client_the_row_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "missing", lambda: "run: make node")
    (found,) = conducted(tmp_path).measurements
    assert set(found.metrics.values()) == {None}
    assert found.unavailable == dict.fromkeys(METRICS, "run: make node")


# --- servers with faults of a known size


def of_faulty(folder: Path, fault: str, transport: Transport = Transport.WEBSOCKET) -> Measurement:
    need_node()
    (found,) = conducted(folder, transport, fault).measurements
    return found


@pytest.mark.parametrize(
    ("transport", "reason"),
    [
        pytest.param(Transport.POLLING, "xhr poll error: 503", marks=pytest.mark.long),
        (Transport.WEBSOCKET, "websocket error: Unexpected server response: 503"),
    ],
)
def test_attempts_that_a_server_refuses_are_counted_each_once_and_their_clients_come_later(
    tmp_path: Path, transport: Transport, reason: str
) -> None:
    def check(folder: Path) -> None:
        # Not the first ones: what began while nobody had an answer yet does not count.
        found = of_faulty(folder, "refuses:10,10", transport)
        assert (found.metrics["refused"], found.metrics["not_back"]) == (10, 0)
        assert found.notes == {"refused": f"most often: {reason} (10 of 10)"}

    in_a_quiet_moment(check, tmp_path)


def test_server_that_takes_nobody_back_is_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough for each to have tried, and no longer.
    monkeypatch.setattr(expected, "observed_s", lambda *_: 0.0)
    found = of_faulty(tmp_path, "refuses:0,1000000")
    assert found.metrics["not_back"] == CLIENTS
    assert present(found.metrics["refused"]) >= CLIENTS
    assert found.metrics["back_p50"] is found.metrics["back_max"] is None
    assert f"({CLIENTS} of {CLIENTS}, 5 s)" in found.invalid["back_max"]
    assert found.unavailable["answer_max"] == "no client came back"


def test_handler_that_takes_its_time_is_what_those_who_are_back_wait_for(tmp_path: Path) -> None:
    found = of_faulty(tmp_path, "delays:0.3")
    assert present(found.metrics["answer_p50"]) >= 300
    assert found.metrics["not_back"] == 0


@pytest.mark.full
def test_server_that_never_answers_messages_leaves_no_time_of_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expected, "observed_s", lambda *_: 1.0)
    found = of_faulty(tmp_path, "mute:0")
    assert found.metrics["not_back"] == 0
    assert found.metrics["answer_max"] is None
    assert found.invalid["answer_max"] == (
        f"longer than was waited for: answers never arrived ({CLIENTS} of {CLIENTS})"
    )


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("die:5", TrialFailed, "the server died during the trial (code 3)"),
        ("absent:0", LaunchError, "gevent server ended with code 1 before it was ready"),
    ],
)
def test_server_that_dies_before_all_are_back_is_told_in_one_line_with_its_log(
    tmp_path: Path, fault: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as raised:
        of_faulty(tmp_path, fault)
    said = str(raised.value)
    assert said.startswith(words)
    assert said.endswith(f"its log: {tmp_path / 'trial-server-2.log'}")
    assert "\n" not in said
