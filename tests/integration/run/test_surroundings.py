"""Whole commands where nobody reads, characters are few, or somebody has configured Locust."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from loadtests.machine.launch import generating
from loadtests.record.results import read
from loadtests.record.words import Status
from tests.support import ROOT
from tests.support.waiting import until

STORED = ROOT / "tests" / "data" / "result-quick.json"
EXPERIMENT = """
name = "one"
modes = ["threading"]
transports = ["websocket"]
[echo]
clients = 2
rate_hz = 20
warmup_s = 0
latency_s = 0.5
throughput_s = 0.2
"""
#: What a user may have for load tests of something else, and what nobody's Locust knows.
SETTINGS = "host = http://127.0.0.1:1\nusers = 7\nrun-time = 1s\nmaster = true\nunheard-of = 3\n"
IN_TOML = "[tool.locust]\nheadless = false\nprocesses = 2\nspawn-rate = 0.01\n"
IN_ENVIRONMENT = {
    "LOCUST_USERS": "5",
    "LOCUST_RUN_TIME": "1s",
    "LOCUST_MODE_WORKER": "true",
    "LOCUST_USER_CLASSES": "Nobody",
    "LOCUST_SKIP_LOG_SETUP": "true",
    "http_proxy": "http://127.0.0.1:1",
}
FILES = {"index.html", "summary.csv", "summary.json", "summary.md", "result.json", "charts"}

needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has one")


def called(
    *words: str, redirected: str = "", folder: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a module of ours with the redirections of a shell."""
    command = [sys.executable, "-m", *words]
    return subprocess.run(
        ["bash", "-c", f'"$@" {redirected}; exit "${{PIPESTATUS[0]}}"', "bash", *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def experiment(tmp_path: Path) -> str:
    file = tmp_path / "one.toml"
    file.write_text(EXPERIMENT, encoding="utf-8")
    return str(file)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    shutil.copy(STORED, tmp_path / "result.json")
    return tmp_path


@pytest.mark.parametrize(
    ("redirected", "why"),
    [
        (">&-", b"it is closed"),
        pytest.param(">/dev/full", b"No space left on device", marks=needs_dev_full),
    ],
)
def test_run_whose_output_cannot_be_written_keeps_every_file(
    tmp_path: Path, experiment: str, redirected: str, why: bytes
) -> None:
    out = tmp_path / "run"
    done = called("loadtests", "run", experiment, "--out", str(out), redirected=redirected)
    assert done.returncode == 4
    assert b"python -m loadtests: standard output: " + why in done.stderr
    assert b"Traceback" not in done.stderr
    assert read(out).ended == "complete"
    assert {path.name for path in out.iterdir()} >= FILES


def test_reader_that_had_enough_does_not_end_a_run(tmp_path: Path, experiment: str) -> None:
    out = tmp_path / "run"
    done = called("loadtests", "run", experiment, "--out", str(out), redirected="| head -c 1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert read(out).ended == "complete"
    assert {path.name for path in out.iterdir()} >= FILES


def test_run_goes_the_whole_way_where_only_ascii_can_be_shown(
    tmp_path: Path, experiment: str
) -> None:
    out = tmp_path / "run"
    done = called(
        *("loadtests", "run", experiment, "--out", str(out)),
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"echo threading ? websocket ok" in done.stdout
    assert done.stdout.isascii()
    assert "×" in (out / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_report_is_built_whatever_the_terminal_can_show(stored: Path, encoding: str) -> None:
    done = called("reports", "build", str(stored), PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "In short" in done.stdout.decode(encoding)
    assert {path.name for path in stored.iterdir()} >= FILES


@pytest.mark.parametrize(
    ("redirected", "code"),
    [
        ("| head -c 1", 0),
        (">&-", 4),
        pytest.param(">/dev/full", 4, marks=needs_dev_full),
        pytest.param(">/dev/full 2>/dev/full", 4, marks=needs_dev_full),
    ],
)
def test_page_that_is_printed_says_whether_it_was(redirected: str, code: int) -> None:
    results = [str(path) for path in sorted((ROOT / "docs" / "results").glob("*.json"))]
    done = called("reports", "disconnect", *results, redirected=redirected)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == (1 if code and "2>" not in redirected else 0)


@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
@pytest.mark.parametrize("redirected", [">&-", "<&- >&-"])
def test_server_whose_output_is_closed_serves_and_ends_when_asked(
    tmp_path: Path, mode: str, redirected: str
) -> None:
    _serves_until_asked(tmp_path, mode, redirected)


@needs_dev_full
@pytest.mark.parametrize("mode", ["eventlet", "gevent"])
def test_server_whose_output_is_full_serves_and_ends_when_asked(tmp_path: Path, mode: str) -> None:
    _serves_until_asked(tmp_path, mode, ">/dev/full")


@needs_dev_full
def test_server_with_no_room_for_flasks_banner_says_so(tmp_path: Path) -> None:
    done = called("servers", "threading", "--port", "0", redirected=">/dev/full")
    line = b"python -m servers: cannot serve: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, line)


def test_server_whose_journal_cannot_be_written_says_where(tmp_path: Path) -> None:
    journal = tmp_path / "nowhere" / "journal"
    done = called("servers", "threading", "--port", "0", "--journal", str(journal))
    line = f"python -m servers: cannot serve: {journal}: No such file or directory\n"
    assert (done.returncode, done.stderr) == (2, line.encode())


def _serves_until_asked(folder: Path, mode: str, redirected: str) -> None:
    command = [sys.executable, "-m", "servers", mode, "--port", "0"]
    log = folder / "log"
    with log.open("wb") as words:
        server = subprocess.Popen(
            ["sh", "-c", f'exec "$@" {redirected}', "sh", *command], cwd=ROOT, stderr=words
        )
    try:
        until(lambda: f"{mode}: http://" in log.read_text(encoding="utf-8"))
        server.terminate()
        assert server.wait(10) == 0
        assert "Traceback" not in log.read_text(encoding="utf-8")
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def configured(tmp_path: Path) -> dict[str, str]:
    """An environment of somebody who has configured Locust in every way that it knows."""
    home = tmp_path / "home"
    home.mkdir()
    for name in (".locust.conf", "locust.conf"):
        (home / name).write_text(SETTINGS, encoding="utf-8")
    (home / "pyproject.toml").write_text(IN_TOML, encoding="utf-8")
    return {"HOME": str(home), **IN_ENVIRONMENT}


def test_trial_takes_nothing_from_its_users_configuration_of_locust(
    tmp_path: Path, experiment: str, configured: dict[str, str]
) -> None:
    out = tmp_path / "run"
    words = ("loadtests", "run", experiment, "--out", str(out))
    done = called(*words, folder=Path(configured["HOME"]), **configured)
    assert (done.returncode, done.stderr) == (0, b"")
    (trial,) = read(out).trials
    assert trial.status is Status.OK, trial.reason
    (log,) = out.glob("logs/*-generator.log")
    assert "unheard-of" not in log.read_text(encoding="utf-8")


def test_trials_locust_is_at_home_nowhere_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured: dict[str, str]
) -> None:
    for name, value in configured.items():
        monkeypatch.setenv(name, value)
    with generating(1, log=tmp_path / "log") as locust:
        process = psutil.Process(locust.pid)
        # The leash becomes Locust, in the same process.
        until(lambda: "locust" in process.cmdline())
        environment, folder = process.environ(), Path(process.cwd())
        assert str(folder) == environment["HOME"]
        assert list(folder.iterdir()) == []
        assert not configured.keys() - {"HOME"} & environment.keys()
    assert not folder.exists()


def test_plain_locust_reads_its_users_configuration(
    tmp_path: Path, configured: dict[str, str]
) -> None:
    # As Locust's users expect: an option that it does not know in ~/.locust.conf is an error.
    options = ("-f", str(ROOT / "loadtests" / "locustfile.py"), "--headless", "--run-time", "1s")
    done = called("locust", *options, folder=tmp_path, HOME=configured["HOME"])
    assert done.returncode == 2
    assert b"unheard-of" in done.stderr


def test_locust_refuses_a_password_in_the_host_and_does_not_repeat_it(tmp_path: Path) -> None:
    options = ("-f", str(ROOT / "loadtests" / "locustfile.py"), "--headless", "--run-time", "1s")
    host = "http://me:secret@127.0.0.1:5000"
    done = called("locust", *options, "--host", host, folder=tmp_path)
    assert done.returncode == 2
    assert b"a user or a password" in done.stderr
    assert b"secret" not in done.stdout + done.stderr
