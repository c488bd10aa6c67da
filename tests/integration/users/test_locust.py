"""Locust with the application under test, as somebody who knows Locust runs it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest

from loadtests.arithmetic.board import Board
from loadtests.machine.launch import serving
from tests.support.locusts import (
    HASTY,
    Page,
    free_port,
    latency_of,
    locust,
    requests_of_locust,
    requests_of_ours,
    rows,
    run,
)
from tests.support.waiting import SLOWNESS, until

#: Wherever this runs, a system that allows a process no more than so many open files.
FEW_FILES = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
from loadtests.locustfile import *
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The application under test."""
    folder = tmp_path_factory.mktemp("server")
    with serving(
        "gevent",
        ping_interval_s=25,
        ping_timeout_s=20,
        log=folder / "server.log",
        journal=folder / "journal.jsonl",
    ) as server:
        yield server.url


def test_one_process_agrees_with_locust_and_leaves_every_file(url, tmp_path):
    prefix, report, log = tmp_path / "one", tmp_path / "one.html", tmp_path / "log"
    options = ("--users=4", "--spawn-rate=4", "--rate=20", "--run-time=2s", "--transport=upgrade")
    files = ("--csv", str(prefix), "--html", str(report))
    code = run("--host", url, *options, *files, "--stop-timeout=9", log=log)
    said = log.read_text()
    assert code == 0, said
    assert "Not all users finished" not in said
    counted = requests_of_locust(prefix)
    assert counted == requests_of_ours(prefix)
    assert (counted["connect"], counted["upgrade"]) == (4, 4)
    assert 60 < counted["echo"] <= 4 * 20 * 2
    assert re.search(r"upgrade +echo +service time +\d+ +\d+\.\d{3}", said)
    assert '"name": "echo"' in report.read_text()
    again = Board()
    again.add(json.loads(Path(f"{prefix}_latency.json").read_text()))
    (echo,) = [row for row in again.rows() if (row.name, row.measure) == ("echo", "latency")]
    assert str(echo.p99_ms) == latency_of(prefix, "echo")["p99_ms"]
    # Locust rounds to whole milliseconds what is below 100 of them.
    (locusts,) = [row for row in rows(Path(f"{prefix}_stats.csv")) if row["Name"] == "echo"]
    assert float(locusts["Median Response Time"]) == pytest.approx(echo.p50_ms, abs=1)
    assert float(locusts["Max Response Time"]) == pytest.approx(echo.max_ms, abs=0.001)


@pytest.fixture
def hasty(tmp_path: Path) -> Path:
    """The locustfile, but workers report twice a second."""
    file = tmp_path / "hasty.py"
    file.write_text(HASTY, encoding="utf-8")
    return file


def test_deliveries_between_processes_of_one_host_are_timed(url, hasty, tmp_path):
    prefix, log = tmp_path / "many", tmp_path / "log"
    options = ("--users=4", "--spawn-rate=4", "--rate=10", "--run-time=2s", "--processes=2")
    files = ("--scenario=broadcast", "--csv", str(prefix))
    code = run("--host", url, *options, *files, log=log, file=hasty)
    assert code == 0, log.read_text()
    assert requests_of_locust(prefix) == requests_of_ours(prefix)
    delivery = latency_of(prefix, "delivery")
    assert int(delivery["count"]) > 4 * 4 * 10 * 0.5
    assert (delivery["untimed"], delivery["lost"]) == ("0", "0")
    assert 0 < float(delivery["p50_ms"]) < 1000


def has_users(page: Page, count: int) -> bool:
    return page.users() == count


@pytest.mark.full
def test_master_adds_up_its_workers_and_keeps_what_a_dead_one_had_reported(url, hasty, tmp_path):
    prefix, port = tmp_path / "master", str(free_port())
    options = ("--users=4", "--spawn-rate=4", "--rate=20", "--run-time=3s", "--expect-workers=2")
    with ExitStack() as stack:
        master = stack.enter_context(
            locust(
                *("--headless", "--master", "--master-bind-host=127.0.0.1"),
                *("--master-bind-port", port, "--host", url, *options, "--csv", str(prefix)),
                log=tmp_path / "master.log",
            )
        )
        workers = [
            stack.enter_context(
                locust(
                    *("--worker", "--master-port", port),
                    log=tmp_path / f"worker-{number}.log",
                    file=hasty,
                )
            )
            for number in range(2)
        ]
        said = tmp_path / "master.log"
        until(lambda: "All users spawned" in said.read_text(), "all users", 20 * SLOWNESS)
        time.sleep(2)
        workers[0].kill()
        assert master.wait(20) == 0, said.read_text()
        assert workers[1].wait(10) == 0
    counted = requests_of_locust(prefix)
    assert counted == requests_of_ours(prefix)
    assert counted["connect"] == 4
    # More than the two users can have sent whose worker lived to the end.
    assert counted["echo"] > 2 * 20 * 3


def test_web_page_starts_edits_resets_and_stops(url, tmp_path):
    port, log = free_port(), tmp_path / "log"
    page = Page(port)
    with locust("--web-host=127.0.0.1", f"--web-port={port}", log=log) as process:
        until(page.is_there)
        start = {"user_count": 3, "spawn_rate": 10, "host": url, "rate": 20, "transport": "polling"}
        for wrong, words in (
            ({"host": ""}, "no host: give --host http://HOST:PORT"),
            ({"host": "ftp://x"}, "ftp://x: expected http://HOST:PORT"),
            ({"transport": "sse"}, "'sse' is none of polling, websocket, upgrade"),
            ({"rate": "fast"}, "fast is not a number above 0"),
            ({"user_count": 10**9}, "users would work"),
        ):
            answer = page.post("/swarm", **start | wrong)
            assert not answer["success"]
            assert words in answer["message"]
        assert page.post("/swarm", **start)["success"]
        until(lambda: page.users() == 3 and page.count_of("echo") > 20)
        home = page.get("/")
        assert all(f'"{option}"' in home for option in ("transport", "scenario", "payload_bytes"))
        assert '"extended_tabs"' in home
        (tab,) = page.get("/stats/requests")["extended_stats"]
        assert {"connect", "echo"} == {row["name"] for row in tab["data"]}
        assert "polling,echo,latency," in page.get("/socketio/latency/csv")
        for count in (5, 1):
            assert page.post("/swarm", user_count=count, spawn_rate=10)["success"]
            until(partial(has_users, page, count))
        urlopen(f"http://127.0.0.1:{port}/stats/reset", b"", timeout=5).close()
        assert page.count_of("connect") == 0
        until(lambda: page.count_of("echo") > 5)
        assert page.post("/stop")["success"]
        until(lambda: page.get("/stats/requests")["state"] == "stopped")
        process.terminate()
        assert process.wait(10) == 0
    said = log.read_text()
    assert said.count("Latency in ms") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no host: give --host http://HOST:PORT"),
        (["--host=http://127.0.0.1:1", "--transport=polling", "--users=1000"], "users would work"),
        (["--host=tcp://127.0.0.1:1", "--processes=2"], "tcp://127.0.0.1:1: expected http://"),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_code_2(tmp_path, options, words):
    log, file = tmp_path / "log", tmp_path / "few_files.py"
    file.write_text(FEW_FILES, encoding="utf-8")
    assert run("--only-summary", "--run-time=1s", *options, log=log, file=file) == 2
    said = log.read_text()
    assert len([line for line in said.splitlines() if words in line]) == 1, said
    assert "Traceback" not in said


def test_refused_connection_is_a_failure_of_each_user_in_its_words(tmp_path):
    prefix, log = tmp_path / "refused", tmp_path / "log"
    options = ("--users=3", "--spawn-rate=3", "--run-time=1s", "--host=http://127.0.0.1:1")
    assert run(*options, "--csv", str(prefix), log=log) == 1
    assert "Traceback" not in log.read_text()
    (failure,) = rows(Path(f"{prefix}_failures.csv"))
    assert failure["Occurrences"] == "3"
    assert "Connection refused" in failure["Error"]
    assert latency_of(prefix, "connect")["failed"] == "3"
    assert requests_of_locust(prefix) == requests_of_ours(prefix)
