"""Whoever wrote a wrong experiment is told the file, the line and the field."""

from __future__ import annotations

import pytest

from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios.registry import SCENARIOS
from tests.unit.run.test_experiment import WHOLE


def changed(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new, 1)


#: what is wrong: (text, line, field, words)
BROKEN = {
    "a wrong type": (changed("blocks = 3", 'blocks = "3"'), 3, "blocks", "Expected `int`"),
    "a wrong type in a table": (
        changed("rate_hz = 40", 'rate_hz = "fast"'),
        9,
        "echo.rate_hz",
        "Expected `float`",
    ),
    "a fraction of a client": (changed("clients = 4", "clients = 4.5"), 8, "echo.clients", "int"),
    "a compression that is a word": (
        'name = "x"\ncompression = "no"\n',
        2,
        "compression",
        "true or false, or a table",
    ),
    "a table that is a number": (
        'name = "x"\necho = 3\n',
        2,
        "echo",
        "Expected `object",
    ),
    "an unknown field": (
        changed("seed = 7", "sead = 7"),
        2,
        "sead",
        "unknown field `sead`",
    ),
    "an unknown field in a table": (
        changed("throughput_s = 1", "throughput_s = 1\nduration = 3"),
        12,
        "echo.duration",
        "unknown field `duration`",
    ),
    "an unknown field in the second table of that name": (
        changed("measure_s = 1", "measure_s = 1\nclients = 3"),
        18,
        "broadcast.clients",
        "unknown field `clients`",
    ),
    "an unknown table": (
        WHOLE + "\n[telepathy]\nbytes = 3\n",
        25,
        "telepathy",
        "unknown field `telepathy`",
    ),
    "a table with a dot in its name": (
        changed('name = "mine"\n', 'name = "mine"\n\n[message.echo]\nevent = "a"\n'),
        3,
        "message",
        "did you mean messages?",
    ),
    "a missing field": (changed("rate_hz = 40\n", ""), 7, "echo", "field `rate_hz`"),
    "a missing name": (changed('name = "mine"\n', ""), 1, "name", "field `name`"),
    "no client": (changed("clients = 4", "clients = 0"), 8, "echo.clients", ">= 1"),
    "a rate of nothing": (changed("rate_hz = 40", "rate_hz = 0"), 9, "echo.rate_hz", "> 0"),
    "a rate that is no number": (
        changed("rate_hz = 40", "rate_hz = nan"),
        9,
        "echo.rate_hz",
        "> 0",
    ),
    "a rate without end": (changed("rate_hz = 40", "rate_hz = inf"), 9, "echo.rate_hz", ""),
    "a trial without end": (changed("latency_s = 1", "latency_s = inf"), 10, "echo.latency_s", ""),
    "a warm-up below zero": (
        changed("clients = 4", "clients = 4\nwarmup_s = -1"),
        9,
        "echo.warmup_s",
        ">= 0",
    ),
    "a payload without room for an identity": (
        changed("clients = 4", "clients = 4\npayload_bytes = 15"),
        9,
        "echo.payload_bytes",
        ">= 16",
    ),
    "a payload that is too long": (
        changed("clients = 4", "clients = 4\npayload_bytes = 500001"),
        9,
        "echo.payload_bytes",
        "<= 500000",
    ),
    "no block": (changed("blocks = 3", "blocks = 0"), 3, "blocks", ">= 1"),
    "no mode at all": (
        changed('modes = ["gevent", "threading"]', "modes = []"),
        4,
        "modes",
        "length >= 1",
    ),
    "an unknown mode": (
        changed('"threading"]', '"treading"]'),
        4,
        "modes",
        "unknown mode 'treading'; did you mean threading? known: eventlet, gevent, ",
    ),
    "a mode that is a number": (changed('"threading"]', "7]"), 4, "modes[1]", "Expected `str`"),
    "an unknown transport": (changed('"polling"', '"sse"'), 5, "transports[0]", "'sse'"),
    "an unknown cause": (changed('"close"', '"leave"'), 23, "disconnect.causes[0]", "'leave'"),
    "a cause named twice": (changed('"close"', '"kill"'), 19, "disconnect", "named twice"),
    "more publishers than recipients": (
        changed("publishers = 2", "publishers = 6"),
        13,
        "broadcast",
        "cannot be more of them",
    ),
    "a broken heartbeat": (
        changed("[echo]", "[server]\nping_interval_s = 0\n[echo]"),
        8,
        "server.ping_interval_s",
        "> 0",
    ),
    "a quoted key, for which its table stands": (
        changed("clients = 4", '"clients" = 0'),
        7,
        "echo.clients",
        ">= 1",
    ),
    "an inline table": (
        'name = "x"\n\necho = {clients = 0, rate_hz = 1, latency_s = 1, throughput_s = 1}\n',
        3,
        "echo.clients",
        ">= 1",
    ),
    "a dotted key": (
        'name = "x"\n\nserver.ping_timeout_s = 0\n',
        3,
        "server.ping_timeout_s",
        "> 0",
    ),
    "a header with a comment and spaces": (
        changed("[echo]", "[ echo ]  # ours").replace("clients = 4", "  clients=0"),
        8,
        "echo.clients",
        ">= 1",
    ),
}


@pytest.mark.parametrize(("text", "line", "field", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_message_names_file_line_and_field(text: str, line: int, field: str, words: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        parse(text, "some/mine.toml")
    message = str(caught.value)
    assert message.startswith(f"some/mine.toml, line {line}, "), message
    assert field in message
    assert words in message
    assert "\n" not in message


def test_file_without_a_scenario_is_told_which_there_are() -> None:
    with pytest.raises(ExperimentError) as caught:
        parse('name = "x"\n', "x.toml")
    tables = ", ".join(f"[{name}]" for name in SCENARIOS)
    assert str(caught.value) == f"x.toml, line 1: no scenario; add at least one of {tables}"


@pytest.mark.parametrize(
    ("text", "line"),
    [("name = \n", 1), ('name = "x"\n[echo\n', 2), ('name = "x"\n\nblocks == 2\n', 3)],
)
def test_syntax_error_has_its_line(text: str, line: int) -> None:
    with pytest.raises(ExperimentError, match=rf"x\.toml: not valid TOML: .*line {line},"):
        parse(text, "x.toml")


def test_key_that_is_given_twice_is_a_syntax_error() -> None:
    with pytest.raises(ExperimentError, match="not valid TOML: Cannot overwrite"):
        parse('name = "x"\nname = "y"\n', "x.toml")
