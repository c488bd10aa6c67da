"""What all commands have in common: one line for what is wrong, and the exit code."""

from __future__ import annotations

import click
import pytest

from loadtests.record.command_line import Command, Commands, complain, run, system_words
from loadtests.record.exits import Exit

NAME = "python -m something"


@click.group(cls=Commands, no_args_is_help=False)
def something() -> None:
    """Do something."""


@something.command()
@click.option("--out")
@click.option("--fail", is_flag=True)
@click.option("--each", multiple=True)
def act(out: str | None, fail: bool, each: tuple[str, ...]) -> int:
    """Act."""
    click.echo(f"{out} {each}")
    return Exit.FAILED if fail else Exit.FINE


@something.command()
def stop() -> int:
    """Be interrupted."""
    raise KeyboardInterrupt


def test_exit_codes_are_those_of_the_design() -> None:
    codes = {each.name: each.value for each in Exit}
    assert codes == {
        "FINE": 0,
        "WRONG_CALL": 2,
        "INCONCLUSIVE": 3,
        "FAILED": 4,
        "REGRESSION": 99,
    }


@pytest.mark.parametrize(("arguments", "code"), [(["act"], 0), (["act", "--fail"], 4)])
def test_code_is_the_commands(arguments: list[str], code: int) -> None:
    assert code == run(something, NAME, arguments)


def test_commands_of_a_group_take_each_option_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(act, Command)
    assert run(something, NAME, ["act", "--out", "a", "--out=b"]) == 2
    line = f"{NAME} act: --out is given 2 times. See --help.\n"
    assert ("", line) == capsys.readouterr()


def test_option_that_is_meant_to_be_given_often_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(something, NAME, ["act", "--each", "a", "--each", "b"]) == 0
    assert capsys.readouterr().out == "None ('a', 'b')\n"


def test_value_that_looks_like_the_option_is_no_second_one() -> None:
    assert run(something, NAME, ["act", "--out", "--out"]) == 0


def test_interrupted_command_is_one_line_and_four(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(something, NAME, ["stop"]) == 4
    assert capsys.readouterr() == ("", f"{NAME}: interrupted\n")


def test_complaint_is_one_line_that_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert complain(NAME, "a\n  b \x1b[31mred\u202e", Exit.FAILED) == 4
    assert capsys.readouterr().err == f"{NAME}: a b ?[31mred?\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(2, "No such file or directory", "a/b"), "a/b: No such file or directory"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("what a library says"), "what a library says"),
    ],
)
def test_error_of_the_system_is_told_without_its_number(error: OSError, words: str) -> None:
    assert words == system_words(error)
