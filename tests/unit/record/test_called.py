"""A message names a command as whoever called it can call it again."""

from __future__ import annotations

import pytest

from loadtests.record import called, command_line
from loadtests.record.exits import Exit

INSTALLED = {called.VARIABLE: "transport-bench"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("python -m loadtests", "transport-bench"),
        ("python -m loadtests gate", "transport-bench gate"),
        ("python -m reports build /a run", "transport-bench report /a run"),
        ("python -m reports gate folder", "transport-bench report folder"),
        ("python -m reports compare", "transport-bench compare"),
        ("make calibrate", "transport-bench calibrate"),
        ("make node", "transport-bench doctor --install"),
        ("make nodes", "make nodes"),
        ("transport-bench init", "transport-bench init"),
    ],
)
def test_the_installed_command_is_named_where_it_was_called(said: str, expected: str) -> None:
    assert called.command(said, INSTALLED) == expected
    assert called.command(said, {}) == said


def test_what_installs_an_extra_depends_on_how_all_else_was_installed() -> None:
    assert called.package("browser", INSTALLED) == "pip install playwright"
    assert called.package("browser", {}) == "make setup"


def test_an_error_is_told_under_the_name_that_was_called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(called.VARIABLE, "transport-bench")
    assert command_line.complain("python -m loadtests gate", "no", Exit.WRONG_CALL) == 2
    assert capsys.readouterr().err == "transport-bench gate: no\n"
