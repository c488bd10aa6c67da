"""What is written at run time goes into the checkout, or where the user is, never beside pip's."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests import ROOT
from loadtests.record import places
from loadtests.record.places import CACHE_VARIABLE


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rooms as pip leaves them, and a user in a folder of their own."""
    rooms = tmp_path / "site-packages" / "rooms"
    rooms.mkdir(parents=True)
    (rooms / "package-lock.json").write_text("{}", encoding="utf-8")
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    return rooms


def test_a_checkout_keeps_everything_in_itself() -> None:
    assert places.RUNS == ROOT / "reports" / "runs"
    assert places.CACHE == ROOT / ".cache"
    assert places.NODE == places.APPLICATION == ROOT
    assert places.CALIBRATION.parent == places.RUNS


def test_runs_of_an_installed_command_are_where_the_user_is(
    installed: Path, tmp_path: Path
) -> None:
    assert places.runs_of(installed) == tmp_path / "mine" / "transport-bench-runs"


def test_runs_are_no_changes_to_the_users_repository(installed: Path, tmp_path: Path) -> None:
    runs = tmp_path / "mine" / "transport-bench-runs"
    places.make(runs / "one", runs)
    assert (runs / ".gitignore").read_text(encoding="utf-8") == "*\n"
    places.make(tmp_path / "elsewhere", runs)
    assert not (tmp_path / ".gitignore").exists()


def test_a_folder_that_has_been_removed_is_no_reason_to_crash(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").rmdir()
    assert places.runs_of(installed) == Path("transport-bench-runs")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOME": "/home/me"}, "/home/me/.cache/transport-bench"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/cache"}, "/cache/transport-bench"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "here"}, "/home/me/.cache/transport-bench"),
        ({"HOME": "/empty", CACHE_VARIABLE: "/told"}, "/told"),
    ],
)
def test_the_cache_is_the_users(
    installed: Path, environment: dict[str, str], expected: str
) -> None:
    assert places.cache_of(installed, environment) == Path(expected)


def test_other_versions_of_the_official_client_have_another_folder(
    installed: Path, tmp_path: Path
) -> None:
    before = places.node_of(installed, tmp_path)
    assert before == places.node_of(installed, tmp_path)
    (installed / "package-lock.json").write_text('{"newer": 1}', encoding="utf-8")
    assert before.parent == tmp_path
    assert before != places.node_of(installed, tmp_path)


def test_an_installed_gate_compares_the_copy_that_the_user_is_in(
    installed: Path, tmp_path: Path
) -> None:
    assert places.application_of(installed) == installed
    servers = tmp_path / "mine" / "servers"
    servers.mkdir()
    (servers / "app.py").touch()
    assert places.application_of(installed) == installed  # servers of somebody else's
    (servers / "__main__.py").touch()
    assert places.application_of(installed) == tmp_path / "mine"
