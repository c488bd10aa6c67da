"""A repository with an application that differs between two commits."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.repositories import Repository, with_our_application


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository whose application differs between two tags."""
    made = with_our_application(tmp_path_factory.mktemp("whole") / "repository")
    app = made.root / "servers" / "app.py"
    app.write_text(f"{app.read_text('utf-8')}\n# slower\n", encoding="utf-8")
    made.commit("second")
    return made


@pytest.fixture
def repository(whole: Repository, tmp_path: Path) -> Repository:
    """A copy of it, to be changed."""
    shutil.copytree(whole.root, tmp_path / "repository")
    return Repository(tmp_path / "repository")
