"""Last words: why a process ended, in what it printed."""

from __future__ import annotations

import pytest

from loadtests.machine.logs import raised, reason, tells

READY = '{"ready": true, "mode": "eventlet", "port": 39587}\n'
TRACEBACK = """\
Traceback (most recent call last):
  File "servers/__main__.py", line 119, in main
    adapter.serve(application, options.host, port)
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
OSError: no coffee
"""
CHAINED = f"""\
Traceback (most recent call last):
  File "boot.py", line 5, in bad
KeyError: 'inner'

During handling of the above exception, another exception occurred:

{TRACEBACK}"""
EVENTLET = """\
servers/modes/eventlet.py:24: EventletDeprecationWarning:\x20
Eventlet is deprecated. It is currently being maintained in bugfix mode, and
we strongly recommend against using it for new projects.

If you are already using Eventlet, we recommend migrating to a different
framework.  For more detail see
https://eventlet.readthedocs.io/en/latest/asyncio/migration.html

  import eventlet
"""
#: Which it says of an instance that is none, and goes on.
EVENTLET_GOES_ON = """\
An exception was thrown while monkey_patching for eventlet.
Traceback (most recent call last):
  File "eventlet/patcher.py", line 607, in _upgrade_instances
RuntimeError: Working outside of request context.

This typically means that you attempted to use functionality that needed
an active HTTP request.
"""
GEVENT = "2026-11-26T01:02:03Z <Greenlet at 0x7f: run> failed with OSError\n"
GUNICORN_STARTS = f"""\
[2026-11-26 01:01:53 +0000] [22] [ERROR] Exception in worker process
{CHAINED}no coffee
[2026-11-26 01:01:53 +0000] [20] [ERROR] Worker (pid:22) exited with code 3.
[2026-11-26 01:01:53 +0000] [20] [ERROR] Shutting down: Master
[2026-11-26 01:01:53 +0000] [20] [ERROR] Reason: Worker failed to boot.
"""
GUNICORN_DIES = """\
[2026-11-26 01:01:51 +0000] [20] [ERROR] Worker (pid:22) was sent SIGKILL! Perhaps out of memory?
[2026-11-26 01:01:51 +0000] [20] [ERROR] Shutting down: Master
[2026-11-26 01:01:51 +0000] [20] [ERROR] Reason: the worker died
"""
FAILED_TO_BOOT = "[2026-11-26 01:01:53 +0000] [20] [ERROR] Reason: Worker failed to boot."


@pytest.mark.parametrize(
    ("words", "log"),
    [
        pytest.param("it printed nothing", "", id="nothing"),
        pytest.param("it printed nothing", "\n \n", id="blank lines"),
        pytest.param("no luck", "first\nno luck\n\n", id="plain lines"),
        pytest.param("x" * 300, "x" * 1000, id="a long line"),
        pytest.param("OSError: no coffee", TRACEBACK, id="traceback"),
        pytest.param("OSError: no coffee", CHAINED, id="chained traceback"),
        pytest.param(
            "OSError: no coffee; then: at all", f"{TRACEBACK}at all", id="message of two lines"
        ),
        pytest.param(
            f"OSError: no coffee; then: {GEVENT.strip()}", READY + TRACEBACK + GEVENT, id="gevent"
        ),
        pytest.param(
            'File "a.py", line 1, in f',
            TRACEBACK[:35] + '  File "a.py", line 1, in f',
            id="killed in the middle of a traceback",
        ),
        pytest.param("it printed nothing more", f"hello\n{READY}", id="killed without a word"),
        pytest.param(
            "it printed nothing more", EVENTLET + EVENTLET_GOES_ON + READY, id="eventlet killed"
        ),
        pytest.param("OSError: no coffee", EVENTLET + EVENTLET_GOES_ON + TRACEBACK, id="eventlet"),
        pytest.param("it printed nothing", EVENTLET, id="a warning only"),
        pytest.param("no luck", f"{READY}no luck\n{EVENTLET}", id="a warning at the end"),
        pytest.param(
            "OSError: no coffee", f"a.py:1: Warning: no source\n{TRACEBACK}", id="without source"
        ),
        pytest.param(
            f"OSError: no coffee; then: {FAILED_TO_BOOT}", GUNICORN_STARTS, id="gunicorn starts"
        ),
        pytest.param(
            "[2026-11-26 01:01:51 +0000] [20] [ERROR] Reason: the worker died",
            READY + GUNICORN_DIES,
            id="gunicorn dies",
        ),
    ],
)
def test_reason_is_the_last_error(words: str, log: str) -> None:
    assert words == reason(log)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("", False),
        ("\n \n", False),
        ('{"ready": true}\n', False),
        ('warming up\n{"ready": true}\n', False),
        ("Type     Name      # reqs      # fails |\n----|\n  Aggregated  4\n", False),
        ('{"ready": true}\nTraceback (most recent call last):\n', True),
        ("no server there\nType     Name      # reqs      # fails |\n", True),
    ],
)
def test_log_tells_something_beside_what_every_log_has(log: str, expected: bool) -> None:
    assert tells(log) is expected


ONE = f"""{READY}, "pid": 1}}
Exception in thread Thread-3:
Traceback (most recent call last):
  File "app.py", line 3, in say
    x["text"]
KeyError: 'text'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "app.py", line 5, in say
ValueError: no
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (f'{READY}, "pid": 1}}\nserved\n', ""),
        (f"Traceback (most recent call last):\nOSError: before\n{READY}, 1}}\n", ""),
        (ONE, "an exception: KeyError (app.py, line 3)"),
        (ONE + ONE.split("\n", 1)[1], "2 exceptions, the first: KeyError (app.py, line 3)"),
        (ONE.replace("app.py", "/usr/lib/python3.11/site-packages/werkzeug/serving.py"), ""),
    ],
    ids=["none", "before it was ready", "one that came of another", "two", "of a library"],
)
def test_exceptions_since_a_server_was_ready_are_counted(log: str, expected: str) -> None:
    assert raised(log) == expected
