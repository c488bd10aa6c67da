"""What runs on GitHub: pinned, with no more rights than it needs; exit codes that count."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loadtests.gate.command import command
from tests.support import ROOT

ACTION = ROOT / "action.yml"
WORKFLOWS = [
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    ROOT / "transport_bench" / "templates" / "workflow.yml",  # for other people's repositories
]


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses:\s*(\S+)", path.read_text(encoding="utf-8"))
    others = [each for each in used if not each.startswith("./")]
    assert [each for each in others if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_may_write(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "permissions:\n  contents: read\n" in text
    # Publishing writes pages, in a job that runs no code of anybody's.
    _, _, publishing = text.partition("\n  publish:\n")
    assert not re.search(r"^\s*[\w-]+: write", text.removesuffix(publishing), re.MULTILINE)
    assert "run:" not in publishing
    assert set(re.findall(r"([\w-]+): write", publishing)) <= {"pages", "id-token"}


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_no_exit_code_of_a_comparison_goes_through_make(path: Path) -> None:
    assert not re.search(r"make\s+(gate|compare)", path.read_text(encoding="utf-8"))


def test_action_has_few_inputs_and_the_command_knows_them() -> None:
    text = ACTION.read_text(encoding="utf-8")
    inputs = re.findall(r"^  ([a-z-]+):\n    description:", text, re.MULTILINE)
    assert 1 <= len(inputs) <= 5
    options = {option for parameter in command.params for option in parameter.opts}
    assert {f"--{name}" for name in inputs} - {"--experiment", "--options"} <= options
    assert set(re.findall(r"--[a-z-]+", re.search(r"default: (--.*)", text)[1])) <= options  # type: ignore[index]
