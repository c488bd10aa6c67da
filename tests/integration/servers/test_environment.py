"""What surrounds a server, its environment and the moment at which it is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from loadtests import ROOT
from servers.modes import ADAPTERS


def test_debugger_stays_off_whatever_the_environment_says(serve, installed_mode, monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    with serve(installed_mode) as server:
        assert server.ready.debug is False
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{server.url}/console")  # Werkzeug's debugger would answer there
        assert "Debugger" not in server.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("mode", ["eventlet", "gunicorn-gevent"])
def test_server_that_is_still_starting_can_be_stopped(mode, number):
    for after_s in (0.25, 0.4, 0.55, 0.7):
        server = subprocess.Popen(
            [sys.executable, "-m", "servers", mode, "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            time.sleep(after_s)
            server.send_signal(number)
            server.wait(5)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


@pytest.mark.parametrize("mode", ["gunicorn-gevent", "gunicorn-threads", "uwsgi-gevent"])
def test_server_whose_worker_dies_has_died(serve, mode):
    if lack := ADAPTERS[mode].MODE.missing():
        pytest.skip(lack)
    with serve(mode) as server:
        os.kill(server.ready.pid, signal.SIGKILL)
        assert server.process.wait(5) != 0
