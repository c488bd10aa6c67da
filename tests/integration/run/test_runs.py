"""Whole runs: what goes wrong in one trial stays in its rows, and nothing is left running."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from loadtests import ROOT
from loadtests.__main__ import _exit_code
from loadtests.machine import launch
from loadtests.record.results import read
from loadtests.record.words import Status
from loadtests.run.experiment import load
from loadtests.scenarios.registry import metrics_of
from tests.support.measuring import TINY, faulty, loadtests, tried
from tests.support.present import present
from tests.support.waiting import SLOWNESS, until

ECHO_ONLY = """
modes = ["gevent"]
transports = ["websocket"]
[echo]
clients = 3
rate_hz = 30
warmup_s = 0
latency_s = 0.5
throughput_s = 0.2
"""


def test_server_that_dies_fails_its_rows_with_the_reason_and_the_log(tmp_path):
    result = tried(ECHO_ONLY, tmp_path, faulty("die:5"))
    assert result.ended == "complete"
    (trial,) = result.trials
    assert trial.status is Status.FAILED
    assert "died during the trial (code 3)" in present(trial.reason)
    assert "websocket-server.log" in present(trial.reason)
    built = subprocess.run(
        [sys.executable, "-m", "reports", "build", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert built.returncode == 4
    rows = _rows(tmp_path / "summary.csv")
    assert {row["status"] for row in rows} == {"failed"}
    assert {row["metric"] for row in rows} == metrics_of("echo").keys()


def test_mode_that_is_not_installed_has_rows_that_say_how_and_fails_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "servers.modes.find_spec", lambda name: None if name == "gunicorn" else name
    )
    both = ECHO_ONLY.replace('["gevent"]', '["gevent", "gunicorn-gevent"]')
    result = tried(both, tmp_path)
    assert {trial.status for trial in result.trials} == {Status.OK, Status.UNAVAILABLE}
    assert _exit_code(result) == 0
    built = subprocess.run(
        [sys.executable, "-m", "reports", "build", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    rows = [row for row in _rows(tmp_path / "summary.csv") if row["mode"] == "gunicorn-gevent"]
    assert {(row["status"], row["estimate"]) for row in rows} == {("unavailable", "")}
    assert {row["metric"] for row in rows} == metrics_of("echo").keys()
    told = "mode gunicorn-gevent is not installed; run: pip install gunicorn"
    assert told in (tmp_path / "summary.md").read_text()


def test_lost_client_leaves_the_others_and_no_number_is_trusted(tmp_path):
    (trial,) = tried(ECHO_ONLY, tmp_path, faulty("drop_client:5")).trials
    assert trial.status is Status.OK
    (measurement,) = trial.measurements
    assert present(measurement.metrics["throughput"]) > 0
    known = {name for name, value in measurement.metrics.items() if value is not None}
    assert measurement.invalid.keys() >= known
    expected = "clients lost their connection: disconnected by the server (1 of 3)"
    assert measurement.invalid["throughput"] == expected


def test_server_that_never_gets_ready_fails_its_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "READY_TIMEOUT_S", 1.0)
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    result = tried(ECHO_ONLY, tmp_path, command)
    assert "gevent server not ready after 1 s; its log: " in present(result.trials[0].reason)


def test_server_that_ends_at_once_fails_its_trial_in_its_own_words(tmp_path):
    command = (sys.executable, "-c", "import sys; sys.exit('no coffee')")
    result = tried(ECHO_ONLY, tmp_path, command)
    assert "ended with code 1 before it was ready: no coffee" in present(result.trials[0].reason)


def test_generator_that_ends_at_once_fails_its_trial_in_its_own_words(tmp_path, monkeypatch):
    broken = tmp_path / "locustfile.py"
    broken.write_text("raise SystemExit('no users today')")
    monkeypatch.setattr(launch, "LOCUSTFILE", broken)
    (trial,) = tried(ECHO_ONLY, tmp_path).trials
    assert "the load generator ended with code 1: no users today" in present(trial.reason)


def test_server_with_another_heartbeat_than_asked_is_not_measured(tmp_path):
    script = (
        "import sys; sys.argv.append('--ping-timeout=7');"
        "from servers.__main__ import main; main(sys.argv[1:])"
    )
    command = (sys.executable, "-c", script)
    result = tried(ECHO_ONLY, tmp_path, command)
    assert "ping_timeout is 7.0, it should be 20" in present(result.trials[0].reason)


def test_server_in_another_mode_than_asked_is_not_measured(tmp_path):
    script = (
        "import sys; sys.argv[1] = 'threading';"
        "from servers.__main__ import main; main(sys.argv[1:])"
    )
    command = (sys.executable, "-c", script)
    result = tried(ECHO_ONLY, tmp_path, command)
    assert "async_mode is 'threading', it should be 'gevent'" in present(result.trials[0].reason)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_interrupt_keeps_what_was_measured_and_leaves_nothing_running(tmp_path, number):
    out = tmp_path / "run"
    runner = _start(out)
    children = _wait_for_trials(runner, out, 1)
    runner.send_signal(number)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 4, output
    assert "Traceback" not in output
    result = read(out)
    assert result.ended == "interrupted"
    assert 1 <= len(result.trials) < len(result.plan)
    assert (out / "index.html").exists()
    rows = _rows(out / "summary.csv")
    cells = {(row["scenario"], row["mode"], row["transport"]) for row in rows}
    assert len(cells) == 2 * 3  # echo, disconnect:close and disconnect:kill
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def test_killed_runner_takes_its_processes_with_it_and_leaves_a_result(tmp_path):
    out = tmp_path / "run"
    runner = _start(out)
    children = _wait_for_trials(runner, out, 1)
    runner.kill()
    runner.communicate(timeout=10)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert read(out).ended == "running"
    assert len(read(out).trials) >= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["quik"], "unknown profile 'quik'; did you mean quick?"),
        (["quick", "--modes", "gevnt"], "unknown mode 'gevnt'; did you mean gevent?"),
        (["quick", "--transports", "sse"], "unknown transport 'sse'"),
        (["quick", "--scenarios", "echos"], "unknown scenario 'echos'; did you mean echo?"),
        (["nowhere.toml"], "nowhere.toml: cannot be read"),
        (["quick", "--url", "http://no such host"], "http://no such host"),
        (["quick", "--url", "ftp://127.0.0.1:1"], "expected http://HOST:PORT"),
        (["quick", "--label", "mine"], "--label names the server of --url"),
        (["quick", "--url", "http://127.0.0.1:1", "--modes", "gevent"], "--modes starts servers"),
    ],
)
def test_wrong_call_is_one_line_and_exit_code_2(arguments, words):
    done = loadtests("run", *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert words in line


def test_broken_experiment_names_the_line_and_the_field(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\n\n[echo]\nclients = 5\nrate_hz = -3\nlatency_s = 1\n')
    done = loadtests("run", str(file))
    assert done.returncode == 2
    assert f"{file}, line 5, echo.rate_hz: " in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_folder_that_holds_a_run_is_not_written_over(tmp_path):
    (tmp_path / "result.json").write_text("{}")
    done = loadtests("run", str(TINY), "--out", str(tmp_path))
    assert done.returncode == 2
    assert "holds a run already" in done.stderr


def test_more_clients_than_open_files_are_refused_with_the_number_that_works(tmp_path):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    file = tmp_path / "many.toml"
    file.write_text(
        f'name = "many"\n[echo]\nclients = {hard}\nrate_hz = 1\nlatency_s = 1\nthroughput_s = 1\n'
    )
    done = loadtests("run", str(file), "--out", str(tmp_path / "run"))
    assert done.returncode == 2
    assert f"at most {(hard - 100) // 2} clients would work" in done.stderr


def test_server_that_is_not_there_fails_every_row_and_keeps_the_report(tmp_path):
    file = tmp_path / "echo.toml"
    file.write_text('name = "test"\n' + ECHO_ONLY)
    out = tmp_path / "run"
    done = loadtests("run", str(file), "--url", "http://127.0.0.1:1", "--out", str(out))
    assert done.returncode == 4
    assert "Connection refused" in present(read(out).trials[0].reason)
    assert (out / "index.html").exists()


def test_server_of_ones_own_is_measured_and_what_it_cannot_tell_is_unavailable(serve, tmp_path):
    out = tmp_path / "run"
    with serve("threading") as server:
        done = loadtests(
            "run", str(TINY), "--url", server.url, "--label", "mine", "--out", str(out)
        )
    assert done.returncode == 0, done.stdout
    rows = _rows(out / "summary.csv")
    assert {row["mode"] for row in rows} == {"mine"}
    unavailable = [row for row in rows if row["status"] == "unavailable"]
    assert {row["estimate"] for row in unavailable} == {""}
    assert {"server_cpu", "server_rss", "detection_p50"} <= {row["metric"] for row in unavailable}
    measured = {row["metric"] for row in rows if row["status"] == "ok"}
    assert {"latency_p50", "throughput", "delivery_p50", "generator_cpu"} <= measured


def test_profiles_load_by_name():
    assert {"quick", "default", "full", "ci"} == {
        load(name).name for name in ("quick", "default", "full", "ci")
    }


def test_locust_runs_the_locustfile_and_has_real_response_times(serve, tmp_path):
    with serve("gevent") as server:
        done = _locust(server.url, tmp_path, "--transport=polling", "--scenario=echo", "--rate=10")
    assert done.returncode == 0, done.stderr
    rows = {row["Name"]: row for row in _rows(tmp_path / "locust_stats.csv")}
    assert int(rows["echo"]["Request Count"]) > 20
    # gevent's kept connections wait 40 ms for an acknowledgement; zero would be Locust's default.
    assert float(rows["echo"]["Median Response Time"]) > 30
    assert int(rows["connect"]["Request Count"]) == 4


@pytest.mark.full
def test_locust_counts_messages_that_nobody_answers_as_failures(serve, tmp_path):
    with serve("gevent", command=faulty("mute:0")) as server:
        done = _locust(server.url, tmp_path, "--rate=10", "--run-time=8s")
    assert done.returncode == 1  # Locust's own code for failures
    rows = {row["Name"]: row for row in _rows(tmp_path / "locust_stats.csv")}
    assert int(rows["echo"]["Failure Count"]) == int(rows["echo"]["Request Count"]) > 20


def test_locust_counts_every_delivery_of_a_broadcast(serve, tmp_path):
    with serve("eventlet") as server:
        done = _locust(server.url, tmp_path, "--scenario=broadcast", "--rate=5")
    assert done.returncode == 0, done.stderr
    rows = {row["Name"]: row for row in _rows(tmp_path / "locust_stats.csv")}
    assert int(rows["delivery"]["Request Count"]) > 4 * 4 * 5
    assert float(rows["delivery"]["Average Response Time"]) > 0


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _locust(url: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "locust", "-f", str(launch.LOCUSTFILE), "--headless"),
            *("--host", url, "--users=4", "--spawn-rate=4", "--run-time=4s"),
            *("--csv", str(folder / "locust"), *options),
        ],
        cwd=folder,  # from anywhere, not only from the project's folder
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _start(out: Path) -> subprocess.Popen[str]:
    narrowed = ("--modes", "gevent", "--scenarios", "echo,disconnect")
    return subprocess.Popen(
        [sys.executable, "-m", "loadtests", "run", str(TINY), *narrowed, "--out", str(out)],
        cwd=ROOT,
        env=os.environ | {"CI": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait_for_trials(runner: subprocess.Popen[str], out: Path, count: int) -> list[psutil.Process]:
    """Wait until so many trials are in the result and another is under way; its processes."""
    file = out / "result.json"
    until(
        lambda: file.exists() and len(json.loads(file.read_text())["trials"]) >= count,
        f"trials in the result: {count}",
        60 * SLOWNESS,
    )

    def under_way() -> list[psutil.Process]:
        children = psutil.Process(runner.pid).children(recursive=True)
        return children if len(children) >= 2 else []

    return until(under_way, "another trial")
