"""Whatever an experiment file holds, it is read, or refused in one line that names the file."""

from __future__ import annotations

import random
import string

import pytest

from loadtests.run.experiment import PROFILES, ExperimentError, parse
from loadtests.run.feasible import check
from loadtests.run.plan import plan
from tests.unit.run.test_experiment import WHOLE

ROUNDS = 400
TEXTS = [WHOLE, *(path.read_text(encoding="utf-8") for path in sorted(PROFILES.glob("*.toml")))]
VALUES = (
    "-1", "0", "1e309", "-0.0", "inf", "nan", "1" + "0" * 400, "0x10", "true", '""', '"x"', "[]",
    "[[]]", "{}", "[1, 2]", '["gevent", "gevent"]', "1979-05-27",
    '"\\u0000"', '"\\ufffe"', "'''\n'''",
)  # fmt: skip
LINES = (
    "[",
    "]",
    "= 1",
    "[echo]",
    "[[echo]]",
    "[a.b.c]",
    'name = "y"',
    "[[disconnect.sweep]]",
    "#",
)


def mutated(text: str, chance: random.Random) -> str:
    """A file as a slip of the hand, or somebody who means it, would leave it."""
    lines = text.splitlines()
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                del lines[place]
                lines = lines or [""]
            case 1:
                lines.insert(place, chance.choice(LINES))
            case 2:
                key = lines[place].partition("=")[0]
                lines[place] = f"{key}= {chance.choice(VALUES)}"
            case 3:
                line = lines[place]
                at = chance.randrange(len(line) + 1)
                lines[place] = line[:at] + chance.choice(string.printable) + line[at + 1 :]
            case 4:
                depth = chance.choice((10, 200, 5000))
                lines[place] = f"deep = {'[' * depth}{']' * depth}"
            case 5:
                lines[place] = lines[place].replace("_", chance.choice(("", "-", "__")))
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(4))
def test_a_changed_file_is_read_or_refused_in_one_line(seed: int) -> None:
    chance = random.Random(seed)
    refused = 0
    for _ in range(ROUNDS):
        text = mutated(chance.choice(TEXTS), chance)
        try:
            found = parse(text, "mine.toml")
            check(found, found.scenarios)
            assert plan(found)
        except ExperimentError as error:
            refused += 1
            (line,) = str(error).splitlines()
            assert "mine" in line or found.name in line
            assert len(line) < 1000
    assert 0 < refused < ROUNDS


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 100_000,
        "x = " + "{a = " * 50_000,
        ".".join(["a"] * 100_000) + " = 1",
        "[" + ".".join(["a"] * 100_000) + "]",
        'name = "' + "x" * 1_000_000 + '"\n[echo]\n',
    ],
    ids=["lists", "tables", "keys", "heads", "name"],
)
def test_a_monster_is_one_line(text: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(text, "mine.toml")
    (line,) = str(refused.value).splitlines()
    assert line.startswith("mine.toml")
    assert len(line) < 1000


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        (1_000_000_000, "days, more than 7"),
        (100_000, "days, more than 7"),
    ],
)
def test_more_blocks_than_anybody_has_time_for_say_how_long_that_is(
    blocks: int, words: str
) -> None:
    found = parse(WHOLE.replace("blocks = 3", f"blocks = {blocks}"), "mine.toml")
    with pytest.raises(ExperimentError) as refused:
        check(found, found.scenarios)
    assert words in str(refused.value)
    assert "blocks would fit" in str(refused.value)


@pytest.mark.parametrize(
    "text", ["seed = 1" + "0" * 5000, "seed = 1" + "0" * 400, "blocks = 1" + "0" * 400]
)
def test_a_number_of_any_length_is_read_or_refused_in_one_line(text: str) -> None:
    key = text.partition(" ")[0]
    other = "\n".join(line for line in WHOLE.splitlines() if not line.startswith(key))
    with pytest.raises(ExperimentError, match=r"^mine.toml"):
        parse(f"{text}\n{other}", "mine.toml")


def test_a_scenario_with_blocks_of_its_own_does_not_make_a_plan_endless() -> None:
    text = WHOLE.replace("blocks = 3", "blocks = 1000000000")
    alone = text[: text.index("[echo]")] + text[text.index("[disconnect]") :] + "blocks = 2\n"
    found = parse(alone, "mine.toml")
    check(found, found.scenarios)
    assert {planned.block for planned in plan(found)} == {0, 1}


def test_a_plan_of_what_will_not_run_is_bounded_as_well() -> None:
    text = WHOLE.replace("blocks = 3", "blocks = 1000000000")
    found = parse(text[: text.index("[echo]")] + text[text.index("[disconnect]") :], "mine.toml")
    with pytest.raises(ExperimentError, match="trials, more than 1,000,000"):
        check(found, [])


@pytest.mark.parametrize(
    "text", ["# " + "." * 50 + "\n", 'description = """\n' + ". " * 40 + '\n"""\n']
)
def test_dots_in_words_are_no_nesting(text: str) -> None:
    assert parse(text + WHOLE, "mine.toml").name == "mine"
