"""What git knows of an application."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.gate import git
from loadtests.gate.errors import ArmError
from loadtests.record.proof import source_of
from servers import proof
from tests.support.repositories import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.write("servers/app.py", "print('first')\n")
    made.write("servers/modes/günther und co.py", "")
    made.write("servers/static/demo.css", "a {}\r\n")
    made.write("elsewhere.py", "")
    made.write(".gitignore", "__pycache__/\n")
    made.commit("v1")
    return made


def test_commit_has_many_names(repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    repository.git("tag", "--annotate", "--message=x", "annotated")
    for name in ("main", "v1", "HEAD", commit, commit[:7], "annotated"):
        assert git.commit_of(repository.root, name) == commit


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("mian", "unknown ref 'mian'; did you mean main?"),
        ("feature", "unknown ref 'feature'; it may have to be fetched first"),
        ("HEAD:servers", "unknown ref 'HEAD:servers'"),
        ("--all", "unknown ref '--all'"),
        ("", "unknown ref ''"),
    ],
)
def test_ref_that_is_none_is_told_in_one_line(repository: Repository, ref: str, words: str) -> None:
    with pytest.raises(ArmError) as caught:
        git.commit_of(repository.root, ref)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_folder_that_is_no_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArmError, match=r"is not a git repository \(fatal: .*\), so it has no main"):
        git.commit_of(tmp_path, "main")


def test_machine_without_git_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArmError, match="git is not installed"):
        git.commit_of(tmp_path, "main")
    assert git.state(tmp_path) == (None, False)


def test_tree_is_dirty_where_what_is_served_differs(repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    assert git.state(repository.root) == (commit, False)
    repository.write("elsewhere.py", "changed")
    repository.write("servers/__pycache__/app.pyc", "compiled")
    assert git.state(repository.root) == (commit, False)
    repository.write("servers/new.py", "")
    assert git.state(repository.root) == (commit, True)


def test_folder_outside_of_git_has_no_commit(tmp_path: Path) -> None:
    assert git.state(tmp_path) == (None, False)


def test_git_and_the_server_make_the_same_digest(repository: Repository) -> None:
    repository.write("servers/__pycache__/app.cpython-311.pyc", "compiled")
    repository.write("servers/legacy.pyc", "compiled")
    listed = source_of(git.blobs(repository.root, "HEAD"))
    assert listed == proof.source(repository.root / "servers")
    repository.write("servers/app.py", "print('second')\n")
    assert listed != proof.source(repository.root / "servers")


def test_name_of_a_file_is_part_of_the_digest(repository: Repository) -> None:
    before = proof.source(repository.root / "servers")
    repository.git("mv", "servers/app.py", "servers/application.py")
    assert before != proof.source(repository.root / "servers")


def test_export_is_the_application_of_the_commit_alone(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("servers/app.py", "print('second')\n")
    repository.commit()
    before = repository.git("status", "--porcelain", "--branch")
    folder = tmp_path / "export"
    folder.mkdir()
    git.export(repository.root, git.commit_of(repository.root, "v1"), folder)
    assert [each.name for each in folder.iterdir()] == ["servers"]
    assert (folder / "servers" / "app.py").read_text(encoding="utf-8") == "print('first')\n"
    assert proof.source(folder / "servers") == source_of(git.blobs(repository.root, "v1"))
    assert repository.git("status", "--porcelain", "--branch") == before
    assert len(repository.git("worktree", "list").splitlines()) == 1


def test_application_may_lie_below_the_top_of_its_repository(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.write("bench/servers/app.py", "1\n")
    repository.write("bench/requirements.lock", "flask==1\n")
    repository.write("servers/another.py", "2\n")
    commit = repository.commit()
    root, folder = repository.root / "bench", tmp_path / "export"
    folder.mkdir()
    assert set(git.blobs(root, commit)) == {"servers/app.py"}
    assert git.text(root, commit, git.LOCK) == "flask==1\n"
    git.export(root, commit, folder)
    assert proof.source(folder / "servers") == source_of(git.blobs(root, commit))


def test_file_that_a_commit_has_not_is_none(repository: Repository) -> None:
    assert git.text(repository.root, "HEAD", git.LOCK) is None


def test_repository_that_is_broken_is_told_in_gits_words(
    repository: Repository, tmp_path: Path
) -> None:
    commit = repository.git("rev-parse", "HEAD")
    tree = repository.git("rev-parse", "HEAD:servers")
    (repository.root / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(ArmError, match=r"^(fatal|error): "):
        git.export(repository.root, commit, tmp_path)
