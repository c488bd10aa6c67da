"""The command from a wheel goes the whole way, and writes where the user is."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

import msgspec
import pytest

from loadtests.record.ready import Ready
from loadtests.record.results import read
from loadtests.record.words import Status
from loadtests.run.experiment import load
from tests.integration.installed.conftest import Installed, built
from tests.support import ROOT
from tests.support.measuring import TINY

SHOP = ROOT / "tests" / "support" / "applications" / "shop"


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.suffix != ".pyc" and path.is_file()}


def test_two_wheels_of_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    wheels = [built(tmp_path / name) for name in ("one", "two")]
    assert wheels[0].read_bytes() == wheels[1].read_bytes()


def test_nothing_of_ours_but_the_command_can_be_imported(
    installed: Installed, tmp_path: Path
) -> None:
    code = (
        "from importlib.util import find_spec\n"
        "names = ('transport_bench', 'servers', 'loadtests', 'reports', 'tests')\n"
        "print([name for name in names if find_spec(name)])"
    )
    python = installed.program.with_name("python")
    done = subprocess.run(
        [str(python), "-c", code],
        cwd=tmp_path,
        env=installed.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['transport_bench']"


def test_help_and_doctor_work_from_anywhere(installed: Installed, tmp_path: Path) -> None:
    assert "bench-client" in installed.call("--help", folder=tmp_path).stdout
    assert "can be measured here" in installed.call("doctor", folder=tmp_path).stdout
    found = json.loads(installed.call("doctor", "--json", folder=tmp_path).stdout)
    client = next(each for each in found["needs"] if each["name"] == "the official client")
    assert client["state"] == "missing"
    assert "transport-bench doctor --install" in client["remedy"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_goes_the_whole_way_and_leaves_the_packages_as_they_were(
    installed: Installed, tmp_path: Path
) -> None:
    before = files_in(installed.packages)
    shutil.copy(TINY, tmp_path / "mine.toml")
    narrow = ("--modes", "threading", "--transports", "websocket", "--scenarios", "echo")
    installed.call("run", "mine.toml", *narrow, folder=tmp_path)
    run = tmp_path / "transport-bench-runs" / "latest"
    assert {trial.status for trial in read(run).trials} <= {Status.OK, Status.INVALID}
    page = (run / "index.html").read_bytes()
    (run / "index.html").unlink()
    installed.call("report", folder=tmp_path)
    assert (run / "index.html").read_bytes() == page
    assert files_in(installed.packages) == before
    assert {path.name for path in tmp_path.iterdir()} == {"mine.toml", "transport-bench-runs"}


def test_what_init_writes_for_an_application_can_be_run(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(SHOP, folder, ignore=shutil.ignore_patterns("__pycache__"))
    installed.call("init", folder=folder)
    monkeypatch.chdir(folder)
    written = load("transport-bench.toml")
    assert {each.app for each in written.subject} == {"shop:create_app"}
    # Its loads take half a minute, and these a second.
    tiny = TINY.read_text(encoding="utf-8")
    tables = tiny[tiny.index("[echo]") : tiny.index("[disconnect]")]
    text = Path("transport-bench.toml").read_text(encoding="utf-8")
    Path("short.toml").write_text(text[: text.index("[echo]")] + tables, encoding="utf-8")
    narrow = ("--transports", "websocket", "--scenarios", "echo")
    installed.call("run", "short.toml", *narrow, "--no-report", folder=folder)
    result = read(folder / "transport-bench-runs" / "latest")
    assert {each.mode for each in result.plan} == set(written.modes)
    assert not [trial for trial in result.trials if trial.status is Status.FAILED]


def test_serve_is_found_beside_a_folder_that_is_called_servers(
    installed: Installed, tmp_path: Path
) -> None:
    (tmp_path / "servers").mkdir()
    (tmp_path / "servers" / "__main__.py").write_text("raise SystemExit('theirs')")
    with subprocess.Popen(
        [str(installed.program), "serve", "threading", "--port", "0"],
        cwd=tmp_path,
        env=installed.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            assert server.stdout is not None
            lines = (line for line in server.stdout if line.startswith(b'{"ready'))
            ready = msgspec.json.decode(next(lines), type=Ready)
            page = urlopen(ready.url, timeout=10).read().decode()
        finally:
            server.send_signal(signal.SIGTERM)
    assert "mode <strong" in page
    assert "transport-bench doctor --install" in page
    assert server.returncode == 0


def test_a_commit_is_an_arm_in_a_copy_of_the_project_alone(
    installed: Installed, tmp_path: Path
) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    said = installed.call("gate", "--base", "main", folder=tmp_path, code=2).stderr
    assert said.startswith("transport-bench gate: base: main of which application? --app MODULE")
    assert said.count("\n") == 1
