"""The official client is run from where it is, and put there by npm or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.machine import node
from loadtests.record.places import PACKAGE_FILES


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs, empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}")
    return folder


def put(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


def test_without_node_and_without_the_client_it_says_what_to_run(
    programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(node, "_PACKAGE", tmp_path / "package.json")
    assert (node.missing() or "").startswith("Node.js is not installed; ")
    put(programs / "node", "")
    assert node.missing() == "the official client is not installed; run: make node"
    (tmp_path / "package.json").touch()
    assert node.missing() is None


def test_a_checkouts_scripts_find_packages_above_them_and_installed_ones_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert node.command(Path("a.js")) == ("node", "a.js")
    monkeypatch.setattr(node, "is_checkout", lambda: False)
    monkeypatch.setattr(node, "_MODULES", Path("/cache/node_modules"))
    expected = ("env", "NODE_PATH=/cache/node_modules", "node", "a.js")
    assert node.command(Path("a.js")) == expected


def test_npm_installs_what_is_locked_where_it_is_told(programs: Path, tmp_path: Path) -> None:
    put(programs / "npm", 'echo "$@" > called; /bin/mkdir node_modules')
    place = tmp_path / "cache" / "node"
    assert node.install(place) == place / "node_modules"
    assert (place / "called").read_text(encoding="utf-8").startswith("ci ")
    assert all((place / name).is_file() for name in PACKAGE_FILES)


def test_an_installation_that_fails_says_why_in_one_line(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(node.NotInstalled, match="npm is not installed"):
        node.install(tmp_path)
    put(programs / "npm", "echo 'npm error code ENOTFOUND' >&2; exit 1")
    with pytest.raises(node.NotInstalled, match=r"could not install .*: code ENOTFOUND$"):
        node.install(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(node.NotInstalled, match="file"):
        node.install(tmp_path / "file" / "below")
