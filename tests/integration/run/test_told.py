"""A server that wants a path, a namespace, a token of each kind, and to be trusted."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from loadtests.record.results import read
from tests.support import ROOT
from tests.support.certificates import Issued, issue
from tests.support.locusts import free_port, requests_of_locust, run
from tests.support.measuring import loadtests
from tests.support.waiting import until

SERVER = Path(__file__).with_name("demanding_server.py")
TOLD = (
    "--path=/live",
    "--namespace=/chat",
    "--header=X-Token: hush-header",
    "--query=token=hush-query",
    "--cookie=session=hush-cookie",
    '--auth={"token": "hush-auth"}',
)
ECHO = """
name = "told"
[echo]
clients = 2
rate_hz = 20
warmup_s = 0
latency_s = 0.4
throughput_s = 0.2
[broadcast]
recipients = 2
publishers = 1
rate_hz = 10
warmup_s = 0
measure_s = 0.3
"""


@contextmanager
def demanding(log: Path, issued: Issued | None = None) -> Iterator[str]:
    port = free_port()
    files = [] if issued is None else [str(issued.certificate), str(issued.key)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(SERVER), str(port), *files],
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        until(listens)
        yield f"{'http' if issued is None else 'https'}://127.0.0.1:{port}/shop"
    finally:
        process.kill()
        process.wait()


def in_files(words: bytes, folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file() and words in each.read_bytes()]


def test_run_tells_connections_all_of_it_and_stores_no_secret(tmp_path):
    file, out = tmp_path / "told.toml", tmp_path / "run"
    # The table's are below those of the command line.
    table = '[target]\nheaders = { x-token = "hush-table" }\nnamespace = "/nowhere"\n'
    file.write_text(ECHO + table, encoding="utf-8")
    with demanding(tmp_path / "server.log") as url:
        done = loadtests("run", str(file), "--url", url, "--out", str(out), *TOLD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hush" not in done.stdout + done.stderr
    assert in_files(b"hush", out) == []
    result = read(out)
    assert result.experiment["target"]["cookies"] == {"session": "(hidden)"}
    agreed = {trial.generator.compression for trial in result.trials}
    assert agreed == {"", "permessage-deflate"}


def test_run_trusts_whom_it_is_told_to_over_both_transports(tmp_path):
    issued = issue(tmp_path)
    file, out = tmp_path / "told.toml", tmp_path / "run"
    file.write_text(ECHO.partition("[broadcast]")[0], encoding="utf-8")
    trusting = f"--ca-file={os.path.relpath(issued.authority, ROOT)}"
    with demanding(tmp_path / "server.log", issued) as url:
        called = ("run", str(file), "--url", url, "--out", str(out), *TOLD, trusting)
        done = loadtests(*called, "--no-compression")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {trial.generator.compression for trial in read(out).trials} == {"", "none"}


def test_locust_tells_connections_all_of_it(tmp_path):
    prefix, log = tmp_path / "told", tmp_path / "log"
    options = ("--users=2", "--spawn-rate=2", "--rate=10", "--run-time=1s", "--transport=upgrade")
    with demanding(tmp_path / "server.log") as url:
        code = run("--host", url, *options, *TOLD, "--csv", str(prefix), log=log)
        said = log.read_text()
        assert code == 0, said
        assert requests_of_locust(prefix)["upgrade"] == 2
        code = run("--host", url, *options, *TOLD[:-1], log=log)
    said += log.read_text()
    assert code == 1
    assert "namespace /chat refused: no auth" in said
    assert "hush" not in said
    assert [each for each in in_files(b"hush", tmp_path) if each.name != "server.log"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--header", "hush"), "--header: expected NAME:VALUE"),
        (("--insecure", "--ca-file", "/no.pem"), "insecure trusts everybody"),
        (("--auth", "hush"), "--auth: no JSON"),
    ],
)
def test_locust_refuses_what_makes_no_sense_in_one_line(tmp_path, options, words):
    log = tmp_path / "log"
    code = run("--host=http://127.0.0.1:1", "--users=1", "--run-time=1s", *options, log=log)
    (line,) = [one for one in log.read_text().splitlines() if "locust: error:" in one]
    assert code == 2
    assert words in line
    assert "hush" not in log.read_text()


def test_certificate_is_trusted_as_one_is_told(tmp_path):
    issued = issue(tmp_path)
    log = tmp_path / "log"
    options = (*TOLD, "--users=1", "--rate=10", "--run-time=1s", "--no-compression")
    with demanding(tmp_path / "server.log", issued) as url:
        assert run("--host", url, *options, log=log) == 1
        assert "certificate" in log.read_text()
        assert run("--host", url, *options, "--insecure", log=log) == 0, log.read_text()
        trusting = ("--ca-file", str(issued.authority))
        assert run("--host", url, *options, *trusting, log=log) == 0, log.read_text()
