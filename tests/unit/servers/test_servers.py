"""The registry of modes, and what a server says and notes of itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from servers.journal import Journal
from servers.modes import ADAPTERS, Mode
from servers.ready import websocket_implementation
from tests.support import ROOT

# --- the registry


def test_registry_has_the_three_modes_under_their_own_names() -> None:
    assert {"eventlet", "gevent", "threading"} <= ADAPTERS.keys()
    assert list(ADAPTERS) == [adapter.MODE.name for adapter in ADAPTERS.values()]


def test_every_module_of_the_package_is_a_mode() -> None:
    modules = {path.stem for path in (ROOT / "servers" / "modes").glob("*.py")} - {"__init__"}
    assert len(modules) == len(ADAPTERS)


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_has_both_functions(name: str) -> None:
    adapter = ADAPTERS[name]
    assert isinstance(adapter.MODE, Mode)
    assert callable(adapter.patch)
    assert callable(adapter.serve)


@pytest.mark.parametrize(
    ("name", "async_mode", "patched"),
    [("eventlet", "eventlet", True), ("gevent", "gevent", True), ("threading", "threading", False)],
)
def test_mode_says_what_must_be_true_of_its_server(
    name: str, async_mode: str, patched: bool
) -> None:
    mode = ADAPTERS[name].MODE
    assert (async_mode, patched) == (mode.async_mode, mode.patched)


@pytest.mark.parametrize(
    "module", ["servers.modes", "servers.__main__", "loadtests.run.experiment"]
)
def test_asking_for_the_names_imports_no_server_and_patches_nothing(module: str) -> None:
    # A process of its own: this one has imported gevent long ago.
    code = (
        f"import sys, {module}\n"
        "print([name for name in ('gevent', 'eventlet', 'flask', 'flask_socketio', 'engineio', "
        "'simple_websocket') if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert (found.stdout, found.stderr) == ("[]\n", "")


def test_what_reads_the_command_line_makes_no_thread_local_before_the_patch() -> None:
    code = "import sys, servers.__main__; print('click' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert (found.stdout, found.stderr) == ("False\n", "")


def test_plain_threads_are_the_standard_librarys() -> None:
    # In a process of its own, for the same reason.
    code = (
        "import sys\n"
        "from servers.modes import ADAPTERS\n"
        "ADAPTERS['threading'].patch()\n"
        "from servers.ready import is_patched\n"
        "print(is_patched(), 'gevent' in sys.modules, 'eventlet' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert found.stdout == "False False False\n", found.stderr


@pytest.mark.parametrize("mode", ["eventlet", "gevent"])
def test_patched_server_says_so(mode: str) -> None:
    code = (
        "from servers.modes import ADAPTERS\n"
        f"ADAPTERS['{mode}'].patch()\n"
        "from servers.ready import is_patched\n"
        "print(is_patched())"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert found.stdout == "True\n", found.stderr


# --- which WebSocket


def engine(module: str | None) -> SimpleNamespace:
    cls = None if module is None else type("WebSocket", (), {"__module__": module})
    return SimpleNamespace(_async={"websocket": cls})


@pytest.mark.parametrize(
    ("module", "package"),
    [
        (None, None),
        ("engineio.async_drivers._websocket_wsgi", "simple-websocket"),
        ("eventlet.websocket", "eventlet"),
        ("engineio.async_drivers.gevent", "gevent-websocket"),
        ("engineio.async_drivers.gevent_uwsgi", "uwsgi"),
    ],
)
def test_websocket_implementation_is_named_after_its_package(
    module: str | None, package: str | None
) -> None:
    assert package == websocket_implementation(engine(module))


def test_websocket_implementation_is_found_in_a_base_class_too() -> None:
    base = type("Base", (), {"__module__": "engineio.async_drivers._websocket_wsgi"})
    derived = type("Derived", (base,), {"__module__": "engineio.async_drivers.gevent"})
    assert (
        websocket_implementation(SimpleNamespace(_async={"websocket": derived}))
        == "simple-websocket"
    )


# --- the journal


def entries(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_journal_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    assert entries(path) == []
    journal.connected("a", "polling", 5)
    assert entries(path) == [{"event": "connect", "sid": "a", "transport": "polling", "at_ns": 5}]
    journal.disconnected("a", "ping timeout", 2**62)
    assert entries(path) == [
        {"event": "connect", "sid": "a", "transport": "polling", "at_ns": 5},
        {"event": "disconnect", "sid": "a", "reason": "ping timeout", "at_ns": 2**62},
    ]


def test_journal_appends_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path).connected("a", "polling", 1)
    Journal(path).connected("b", "websocket", 2)
    assert [entry["sid"] for entry in entries(path)] == ["a", "b"]


def test_entry_is_one_line_whatever_the_reason_says(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path).disconnected("a", 'two\nlines and a "quote" \N{SNOWMAN}', 1)
    content = path.read_bytes()
    assert (content.count(b"\n"), content.endswith(b"\n")) == (1, True)
    assert entries(path)[0]["reason"] == 'two\nlines and a "quote" \N{SNOWMAN}'


# --- what is not installed


def test_mode_whose_package_is_missing_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = {"gevent"}
    monkeypatch.setattr("servers.modes.find_spec", lambda name: name if name in there else None)
    for mode, packages in {
        "gevent-websocket": "gevent-websocket",
        "gunicorn-gevent": "gunicorn packaging simple-websocket",
    }.items():
        lack = ADAPTERS[mode].MODE.missing()
        assert lack == f"mode {mode} is not installed; run: pip install {packages}"


#: Its package is compiled when it is installed, which not everybody can.
NOT_PINNED = {"uwsgi-gevent"}


@pytest.mark.parametrize("name", sorted(ADAPTERS.keys() - NOT_PINNED))
def test_pinned_packages_bring_every_mode_but_one(name: str) -> None:
    assert ADAPTERS[name].MODE.missing() is None


def test_gevent_hides_what_is_a_mode_of_its_own() -> None:
    code = (
        "from servers.modes import ADAPTERS\n"
        "ADAPTERS['gevent'].patch()\n"
        "try:\n"
        "    import geventwebsocket\n"
        "except ImportError:\n"
        "    print('hidden')\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert found.stdout == "hidden\n", found.stderr
