"""The command line that a server becomes, and what is asked before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from servers import under_uwsgi
from servers.modes import ADAPTERS

SETTINGS = {"gevent": 1000, "http_websockets": True}


def words(host: str = "127.0.0.1") -> list[str]:
    return under_uwsgi.command(host, 5000, SETTINGS)


def following(option: str, line: list[str]) -> str:
    """The word behind an option that is there once."""
    assert line.count(option) == 1
    return line[line.index(option) + 1]


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1:5000"), ("0.0.0.0", "0.0.0.0:5000"), ("::1", "[::1]:5000")],
)
def test_it_listens_where_it_is_told_to_and_nowhere_else(host: str, address: str) -> None:
    line = words(host)
    assert following("--http", line) == address
    assert [word for word in line if "socket" in word and word != "--http-websockets"] == []


def test_documented_options_are_there_in_uwsgis_spelling() -> None:
    line = words()
    assert following("--gevent", line) == "1000"
    assert {"--master", "--http-websockets"} <= set(line)
    assert not any("_" in word for word in line if word.startswith("--"))


def test_option_without_a_value_is_followed_by_the_next_option() -> None:
    line = words()
    flags = ("--strict", "--master", "--lazy-apps", "--need-app", "--no-orphans", "--die-on-term")
    assert all(following(flag, line).startswith("--") for flag in flags)
    assert "True" not in line


def test_one_process_serves() -> None:
    assert following("--processes", words()) == "1"


def test_hangup_ends_the_master_instead_of_starting_again() -> None:
    assert following("--hook-master-start", words()) == "unix_signal:1 kill_them_all"


def test_what_is_loaded_makes_the_application() -> None:
    module, _, function = following("--module", words()).partition(":")
    assert function == f"{under_uwsgi.application.__name__}()"
    assert sys.modules[module] is under_uwsgi
    assert Path(following("--pythonpath", words()), *module.split(".")).with_suffix(".py").is_file()


@pytest.mark.parametrize(("highest", "backlog"), [("128\n", "128"), ("4096\n", "4096")])
def test_no_more_connections_wait_than_the_system_allows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, highest: str, backlog: str
) -> None:
    (tmp_path / "somaxconn").write_text(highest)
    monkeypatch.setattr(under_uwsgi, "_HIGHEST_BACKLOG", tmp_path / "somaxconn")
    assert following("--listen", words()) == backlog


def test_system_that_does_not_tell_gets_what_every_system_allows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(under_uwsgi, "_HIGHEST_BACKLOG", tmp_path / "nowhere")
    assert following("--listen", words()) == "128"


# --- what is asked before


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A module and a program as the package installs them, the program yet to be written."""
    (tmp_path / "uwsgidecorators.py").write_text("import uwsgi\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "uwsgidecorators", raising=False)
    program = tmp_path / "uwsgi"
    monkeypatch.setattr(under_uwsgi, "_PROGRAM", program)
    return program


def write(program: Path, flags: str) -> None:
    program.write_text(f"#!/bin/sh\n[ $1 = --cflags ] && echo '{flags}'\n")
    program.chmod(0o755)


def test_uwsgi_that_was_built_with_openssl_will_do(installed: Path) -> None:
    write(installed, "-O2 -DUWSGI_SSL -DUWSGI_ZLIB")
    under_uwsgi.require()


def test_uwsgi_that_was_built_without_openssl_is_refused(installed: Path) -> None:
    write(installed, "-O2 -DUWSGI_ZLIB")
    with pytest.raises(ImportError, match=r"built without OpenSSL.*libssl-dev"):
        under_uwsgi.require()


def test_module_without_its_program_is_refused(installed: Path) -> None:
    with pytest.raises(ImportError, match=f"{installed} does not exist"):
        under_uwsgi.require()


def test_module_that_fails_for_another_reason_is_refused(installed: Path) -> None:
    write(installed, "-DUWSGI_SSL")
    installed.with_name("uwsgidecorators.py").write_text("import another_that_is_missing\n")
    with pytest.raises(ImportError, match="another_that_is_missing"):
        under_uwsgi.require()


# --- what is run again


def test_outside_of_uwsgi_nothing_is_patched() -> None:
    # In a process of its own: this one has imported gevent long ago.
    code = (
        "import sys\n"
        "from servers import under_uwsgi\n"
        "from servers.modes import ADAPTERS\n"
        "under_uwsgi.require = lambda: None\n"
        "ADAPTERS['uwsgi-gevent'].patch()\n"
        "print(under_uwsgi.is_inside(), 'gevent' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(under_uwsgi.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert found.stdout == "False False\n", found.stderr


def test_mode_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "servers.modes.find_spec", lambda name: None if name == "uwsgidecorators" else name
    )
    lack = ADAPTERS["uwsgi-gevent"].MODE.missing()
    assert lack == "mode uwsgi-gevent is not installed; run: pip install uwsgi"
