"""How WebSocket compression is switched off: in the application, or in front of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.machine.launch import serving
from loadtests.record.words import Transport
from tests.support.locusts import free_port
from tests.support.waiting import PATIENCE_S, until

MODES = ("eventlet", "gevent", "threading", "gunicorn-gevent")

#: What somebody would write; ``{off}`` is the middleware or nothing.
APPLICATION = """
import sys
mode, port = "{mode}", {port}
if mode == "eventlet":
    import eventlet
    eventlet.monkey_patch()
elif mode == "gevent":  # gunicorn's worker does that by itself
    from gevent import monkey
    monkey.patch_all()
sys.modules["geventwebsocket"] = None  # where it is installed, it serves, and never compresses
from flask import Flask
from flask_socketio import SocketIO

class WithoutCompression:
    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return self.app(environ, start_response)

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent" if mode == "gunicorn-gevent" else mode)
{off}

@socketio.on("connect", namespace="/test")
def connected():
    pass

if __name__ == "__main__":  # gunicorn takes the application and serves it by itself
    socketio.run(app, host="127.0.0.1", port=port, allow_unsafe_werkzeug=True)
"""
OFF = "app.wsgi_app = WithoutCompression(app.wsgi_app)"

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {url};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      {off}
    }}
  }}
}}
"""


def compressed(port: int) -> bool:
    """Whether a session's messages are, there; waits until somebody listens."""
    found = until(lambda: _session(port), "a connection")
    assert found is not None
    found.close()
    return found.compressed


def _session(port: int) -> Session | None:
    session = Session(locate(f"http://127.0.0.1:{port}"), (Transport.WEBSOCKET,), "/test")
    try:
        session.connect(timeout_s=5)
    except ConnectionFailed as error:
        if "refused" in str(error) or "502" in str(error):
            return None
        raise
    return session


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()  # with whatever it has started
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def command_of(mode: str, script: Path, port: int) -> list[str]:
    """What serves the script in a mode."""
    if mode != "gunicorn-gevent":
        return [sys.executable, str(script)]
    options = ("--chdir", str(script.parent), "--graceful-timeout", "1", "-k", "gevent", "-w", "1")
    bound = ("-b", f"127.0.0.1:{port}")
    return [sys.executable, "-m", "gunicorn", *options, *bound, f"{script.stem}:app"]


@pytest.mark.parametrize("mode", MODES)
def test_a_middleware_that_takes_the_offer_away_switches_it_off(mode: str, tmp_path: Path) -> None:
    for off, expected in (("", True), (OFF, False)):
        script = tmp_path / f"app_{'off' if off else 'on'}.py"  # Python would keep one's bytecode
        port = free_port()
        script.write_text(APPLICATION.format(off=off, mode=mode, port=port))
        with running(command_of(mode, script, port)):
            assert compressed(port) is expected


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
@pytest.mark.parametrize("mode", ["gevent", "gunicorn-gevent"])
def test_a_proxy_that_drops_the_header_switches_it_off(mode: str, tmp_path: Path) -> None:
    with serving(
        mode,
        ping_interval_s=25,
        ping_timeout_s=20,
        log=tmp_path / "server.log",
        journal=tmp_path / "journal.jsonl",
    ) as server:
        for off, expected in (("", True), ('proxy_set_header Sec-WebSocket-Extensions "";', False)):
            port = free_port()
            configuration = tmp_path / "nginx.conf"
            configuration.write_text(
                NGINX.format(folder=tmp_path, port=port, url=server.url, off=off)
            )
            with running(["nginx", "-p", str(tmp_path), "-c", str(configuration)]):
                assert compressed(port) is expected
