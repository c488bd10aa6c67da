"""Outage: real servers that go away under real official clients, and nothing that stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import psutil
import pytest

from loadtests import ROOT
from loadtests.machine.launch import RunningServer, serving
from loadtests.machine.node import missing
from loadtests.record.words import Transport
from loadtests.scenarios.bench import Outcome, Stage
from loadtests.scenarios.disconnect.options import ServerGone
from loadtests.scenarios.disconnect.outage import clients, expected, trial
from loadtests.scenarios.disconnect.rows import Official, Outage
from loadtests.scenarios.errors import TrialFailed
from tests.support.measuring import in_a_quiet_moment
from tests.support.present import present
from tests.support.waiting import SLOWNESS, until

HEARTBEAT_S = 1

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are stopped and watched")


def serve(
    port: int, log: Path, journal: Path, mode: str = "threading"
) -> AbstractContextManager[RunningServer]:
    return serving(
        mode,
        ping_interval_s=HEARTBEAT_S,
        ping_timeout_s=HEARTBEAT_S,
        log=log,
        journal=journal,
        port=port,
    )


def measure(
    folder: Path,
    *causes: Outage,
    transport: Transport = Transport.WEBSOCKET,
    size: int = 2,
    mode: str = "threading",
) -> Outcome:
    options = ServerGone(
        clients=size,
        ping_interval_s=HEARTBEAT_S,
        ping_timeout_s=HEARTBEAT_S,
        down_s=0.5,
        causes=list(causes or Outage),
    )
    stage = Stage(
        mode=mode,
        transport=transport,
        seed=1,
        serve=partial(serve, mode=mode),
        label=folder / "trial",
        core=None,
    )
    ready, outcome = trial.conduct(stage, options)
    assert ready["mode"] == mode
    assert [each.row for each in outcome.measurements] == options.rows
    return outcome


def need_node() -> None:
    lacks = missing()
    if lacks is not None:
        pytest.skip(lacks)


@pytest.fixture
def nothing_stays():
    """No process that the test started is there after it."""
    before = set(psutil.Process().children(recursive=True))
    yield
    after = [each for each in psutil.Process().children(recursive=True) if each not in before]
    assert [each.cmdline() for each in after] == []


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize(
    ("mode", "transport"),
    [
        pytest.param("threading", Transport.POLLING, marks=pytest.mark.long),
        ("threading", Transport.WEBSOCKET),
        # Two processes each, all of which must be killed, stopped and started.
        pytest.param("gunicorn-gevent", Transport.POLLING, marks=pytest.mark.long),
        pytest.param("gunicorn-threads", Transport.WEBSOCKET, marks=pytest.mark.full),
    ],
)
def test_official_clients_notice_as_their_rules_say_and_come_back(tmp_path, mode, transport):
    need_node()

    def check(folder):
        outcome = measure(folder, transport=transport, mode=mode)
        for each in outcome.measurements:
            assert len(each.reconnections) == 2, each.row
            assert each.invalid == each.unavailable == {}
            counted = ("unnoticed", "not_reconnected", "outside")
            assert [each.metrics[name] for name in counted] == [0, 0, 0], each
            assert present(each.metrics["reconnected_max"]) > 0
        facts = outcome.generator
        assert facts.connections == 4
        assert facts.crashes == []
        assert {"python-socketio", "python-engineio", "node", "socket.io-client"} <= set(
            facts.versions
        )
        for cause in Outage:
            for client in Official:
                told = getattr(facts.outages[cause], client)
                assert told.reconnected_later == told.connected_twice == 0, told
                assert told.left_out == 0

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.usefixtures("nothing_stays")
def test_rows_of_a_client_that_is_not_installed_say_so_and_the_others_are_measured(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(trial, "missing", lambda: "run: make node")
    python, javascript = measure(tmp_path, Outage.RESTART).measurements
    assert set(javascript.unavailable.values()) == {"run: make node"}
    assert set(javascript.metrics.values()) == {None}
    assert python.metrics["unnoticed"] == 0
    assert {each.reason for each in python.reconnections} == {"transport error"}


@pytest.mark.usefixtures("nothing_stays")
def test_clients_that_did_not_come_back_are_counted_and_the_next_outage_has_all(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(trial, "missing", lambda: "run: make node")
    # Nobody is back so soon: the first attempt comes after half a second.
    monkeypatch.setattr(expected, "observed_s", lambda *_: 0.0)
    outcome = measure(tmp_path, Outage.RESTART, Outage.KILL, size=5)
    first, second = (each for each in outcome.measurements if not each.unavailable)
    assert present(first.metrics["not_reconnected"]) > 0
    assert first.metrics["unnoticed"] == 0
    assert "reconnected_max" in first.invalid
    told = present(outcome.generator.outages[Outage.KILL].python)
    assert told.started_anew is True
    assert len(second.reconnections) == 5


@pytest.mark.usefixtures("nothing_stays")
def test_clients_that_end_in_the_middle_fail_the_trial_in_one_line(tmp_path, monkeypatch):
    need_node()
    script = (
        "console.log(JSON.stringify({ready: true, versions: {},"
        " at_ns: Number(process.hrtime.bigint())}));"
        "setTimeout(() => { console.error('out of luck'); process.exit(7); }, 300)"
    )
    monkeypatch.setitem(clients.COMMANDS, Official.JAVASCRIPT, ("node", "-e", script, "--"))
    with pytest.raises(TrialFailed) as raised:
        measure(tmp_path)
    assert str(raised.value) == (
        "the javascript clients ended with code 7: out of luck; "
        f"their log: {tmp_path / 'trial-javascript.log'}"
    )


def test_run_that_is_killed_while_the_server_is_stopped_leaves_nothing(tmp_path):
    script = (
        "import sys; from pathlib import Path;"
        "from loadtests.record.words import Transport;"
        "from loadtests.scenarios.disconnect.rows import Outage;"
        "from tests.integration.run.test_outage import measure;"
        "measure(Path(sys.argv[1]), Outage.FREEZE, transport=Transport.POLLING)"
    )
    runner = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT)
    family: list[psutil.Process] = []
    try:
        until(lambda: any(map(_stopped, below(runner))), "a server is stopped", 20 * SLOWNESS)
        family = below(runner)
        assert len(family) >= 2  # the server and the clients
        os.kill(runner.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
    finally:
        runner.kill()
        runner.wait()
        for each in family:
            if each.is_running():
                each.kill()


def below(runner: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """All that a run has started."""
    assert runner.poll() is None
    return psutil.Process(runner.pid).children(recursive=True)


def _stopped(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


def test_javascript_library_waits_as_long_as_derived_before_each_attempt():
    need_node()
    # What Math.random can give in steps of a ten-thousandth, for each of the first six attempts.
    script = """
    const { Backoff } = require("./node_modules/socket.io-client/build/cjs/contrib/backo2.js");
    const waits = Array.from({ length: 6 }, () => []);
    for (let n = 0; n < 10000; n++) {
      Math.random = () => n / 10000;
      const backoff = new Backoff({ min: 1000, max: 5000, jitter: 0.5 });
      waits.forEach((each) => each.push(backoff.duration()));
    }
    const bounds = waits.map((each) => [Math.min(...each) / 1000, Math.max(...each) / 1000]);
    console.log(JSON.stringify(bounds));
    """
    done = subprocess.run(
        ["node", "-e", script], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True
    )
    derived = [expected.delay_s(Official.JAVASCRIPT, attempt) for attempt in range(6)]
    assert json.loads(done.stdout) == [pytest.approx(bounds, abs=0.005) for bounds in derived]
