"""What a command line may be given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from loadtests.generator.arguments import COUNT, FILE, FOLDER, LABEL, NAMES, SECONDS


def taken(kind: click.ParamType[Any], text: str) -> Any:
    return kind.convert(text, None, None)


def test_numbers_that_make_sense_are_taken() -> None:
    assert (taken(COUNT, "1"), taken(COUNT, "250")) == (1, 250)
    assert (taken(SECONDS, "0.3"), taken(SECONDS, "3600")) == (0.3, 3600.0)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "9" * 5000])
def test_count_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        taken(COUNT, text)


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "3601", "x", ""])
def test_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        taken(SECONDS, text)


def test_names_are_cut_at_commas() -> None:
    assert taken(NAMES, " echo,broadcast ,") == ["echo", "broadcast"]


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_list_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no name is given"):
        taken(NAMES, text)


@pytest.mark.parametrize("text", ["mine", "a b", "gevent 1.2 (new)", "прод", "x" * 40, "...", "-"])
def test_label_that_can_be_shown_and_be_in_a_files_name_is_taken(text: str) -> None:
    assert text == taken(LABEL, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " mine",
        "mine ",
        ".",
        "..",
        "a/b",
        "../../etc",
        "a\\b",
        "x" * 41,
        "x" * 300,
        "a\nb",
        "a\tb",
        "\x1b[31m",
        "\x7f",
        "\ufffe",
        "\udcff",
        "a\u202eb",
        "\u00a0",
    ],
)
def test_label_that_cannot_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(click.BadParameter, match="1 to 40 printable characters, no slash") as told:
        taken(LABEL, text)
    assert told.value.message.isprintable()
    assert len(told.value.message) < 350


def test_place_to_write_is_of_its_kind(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert (file, tmp_path) == (taken(FILE, str(file)), taken(FOLDER, str(tmp_path)))
    with pytest.raises(click.BadParameter, match="is a file"):
        taken(FOLDER, str(file))
    with pytest.raises(click.BadParameter, match="is a folder"):
        taken(FILE, str(tmp_path))
    with pytest.raises(click.BadParameter, match="File name too long"):
        taken(FOLDER, "x" * 300)


def test_place_that_no_other_process_could_be_told_of_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="is not UTF-8"):
        taken(FOLDER, "run-\udcff")  # a byte that is none of UTF-8, as Python hands it over
