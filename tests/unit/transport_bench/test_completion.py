"""A shell that has read the completion's script completes what the command takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.record.words import Transport
from servers.modes import ADAPTERS
from tests.support import ROOT
from transport_bench.completion import script

_BASH = """\
{script}
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_transport_bench_completion transport-bench 2>/dev/null
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

_ZSH = """\
compdef() {{ : }}
compadd() {{ local each; for each in ${{(P)${{@[-1]}}}}; do print -r -- "$each"; done }}
_describe() {{ local each; for each in ${{(P)3}}; do print -r -- "${{each%%:*}}"; done }}
{script}
words=({words})
CURRENT=$#words
_transport_bench_completion
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which the command is, as pip would put it there."""
    program = tmp_path / "transport-bench"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m transport_bench "$@"\n')
    program.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


def completed(shell: str, template: str, path: str, *words: str) -> list[str]:
    quoted = " ".join(f"'{word}'" for word in ("transport-bench", *words))
    done = subprocess.run(
        [shell, "-c", template.format(script=script(shell), words=quoted)],
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.split()


WORDS = [
    (["co"], ["compare", "completion"]),
    (["run", "qu"], ["quick"]),
    (["gate", "c"], ["ci", "compression"]),
    (["run", "quick", "--modes", ""], list(ADAPTERS)),
    (
        ["run", "quick", "--modes", "threading,gev"],
        ["threading,gevent", "threading,gevent-websocket"],
    ),
    (["run", "quick", "--transports", ""], list(Transport)),
    (["run", "quick", "--transports", "polling,"], ["polling,websocket"]),
    (["run", "quick", "--scenarios", "echo,bro"], ["echo,broadcast"]),
    (["run", "quick", "--no-r"], ["--no-report"]),
    (["serve", "thr"], ["threading"]),
    (["completion", "z"], ["zsh"]),
]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(("words", "expected"), WORDS, ids=lambda each: " ".join(each))
def test_bash_completes(path: str, words: list[str], expected: list[str]) -> None:
    assert sorted(completed("bash", _BASH, path, *words)) == sorted(expected)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize(("words", "expected"), WORDS, ids=lambda each: " ".join(each))
def test_zsh_completes(path: str, words: list[str], expected: list[str]) -> None:
    assert sorted(completed("zsh", _ZSH, path, *words)) == sorted(expected)


def test_a_word_that_no_profile_begins_with_may_be_a_file(path: str) -> None:
    environment = {
        "COMP_WORDS": "transport-bench run mine.t",
        "COMP_CWORD": "2",
        "_TRANSPORT_BENCH_COMPLETE": "bash_complete",
        "PATH": path,
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["transport-bench"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["file,mine.t"]
