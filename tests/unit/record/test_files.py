"""Replacing files: whatever happens, there is the old one or the new one, and nothing beside it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from loadtests.record import files
from tests.support.disk import at_most


def test_file_is_there_and_nothing_beside_it(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        files.replace(tmp_path / "result.json", content)
        assert [(tmp_path / "result.json", content)] == [
            (path, path.read_bytes()) for path in tmp_path.iterdir()
        ]


def test_full_disk_leaves_the_old_file_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(b"old")
    with at_most(100), pytest.raises(OSError, match="File too large") as caught:
        files.replace(path, bytes(1000))
    assert (str(path), errno.EFBIG) == (caught.value.filename, caught.value.errno)
    assert [(path, b"old")] == [(each, each.read_bytes()) for each in tmp_path.iterdir()]


def test_folder_that_has_gone_is_told_by_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "result.json"
    with pytest.raises(FileNotFoundError) as caught:
        files.replace(path, b"new")
    assert str(path) == caught.value.filename
    assert not path.parent.exists()


def test_interrupted_writing_leaves_the_old_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(b"old")

    def interrupted(self: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.replace(path, b"new")
    assert [(path, b"old")] == [(each, each.read_bytes()) for each in tmp_path.iterdir()]
