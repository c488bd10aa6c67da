"""The command as pip installs it, where no checkout can be imported."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import ROOT


def built(folder: Path) -> Path:
    """A wheel of the checkout."""
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target=wheel",
        f"--directory={folder}",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    [wheel] = folder.glob("*.whl")
    return wheel


class Installed(NamedTuple):
    """An environment that has the command.

    Attributes:
        program: the command.
        packages: where pip has put it.
        environment: variables of a user who has nothing else.
    """

    program: Path
    packages: Path
    environment: dict[str, str]

    def call(self, *words: str, folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Call it in a folder; it is to end with that code."""
        done = subprocess.run(
            [str(self.program), *words],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done


@pytest.fixture(scope="package")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """It, among the packages that the tests run with: only ours are installed anew."""
    top = tmp_path_factory.mktemp("installed")
    place = top / "environment"
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin" / "python"
    [packages] = place.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", f"--python={python}", "install", "--quiet"]
    pip += ["--no-deps", "--no-index", "--disable-pip-version-check", "--force-reinstall"]
    subprocess.run([*pip, str(built(top / "dist"))], check=True, timeout=60)
    dropped = {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return Installed(
        place / "bin" / "transport-bench",
        packages,
        kept | {"XDG_CACHE_HOME": str(top / "cache"), "TRANSPORT_BENCH_BESIDE": "1"},
    )
