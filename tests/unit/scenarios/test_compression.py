"""Compression: its rows, its texts, and what its turns may lack."""

from __future__ import annotations

import zlib
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.client import packets
from loadtests.scenarios import compression, packed_numbers
from loadtests.scenarios.compression import SCENARIO
from loadtests.scenarios.errors import Unfinished
from loadtests.scenarios.messages import TextMaker, identity
from loadtests.scenarios.packed import Compression, PackedRow
from loadtests.scenarios.texts import texts
from loadtests.scenarios.turns import Taken

#: Before what a compressor looks back on, bytes.
WINDOW = 32 * 1024


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("compression:64", PackedRow(64, True)),
        ("compression:64:without", PackedRow(64, False)),
        ("compression:064", None),
        ("compression", None),
        ("compression:64:lean", None),
        ("payload:64", None),
    ],
)
def test_row_says_size_and_whether_it_is_compressed(name: str, row: PackedRow | None) -> None:
    assert PackedRow.parse(name) == row
    assert row is None or str(row) == name


def test_rows_are_in_order_of_size_with_compression_first() -> None:
    rows = [str(row) for row in Compression(sizes=[1024, 64]).parties]
    assert SCENARIO.order is not None
    assert sorted(rows, key=SCENARIO.order) == [
        "compression:64",
        "compression:64:without",
        "compression:1024",
        "compression:1024:without",
    ]


@pytest.mark.parametrize("length", [32, 64, 1024, 16_384])
def test_texts_are_of_their_length_always_the_same_and_none_comes_again_too_soon(
    length: int,
) -> None:
    found = texts(1, length)
    assert {len(each.encode()) for each in found} == {length}
    assert found == texts(1, length)
    assert len(found) * length > WINDOW
    assert len(set(found)) > 0.999 * len(found)


def test_texts_are_packed_to_something_like_a_third() -> None:
    text = "".join(texts(1, 1024)[:16]).encode()
    assert 0.2 < len(zlib.compress(text)) / len(text) < 0.5


@pytest.mark.parametrize("number", [0, 9, 12_345])
def test_message_of_words_says_whose_it_is_and_has_its_length(number: int) -> None:
    made = TextMaker("my room event", 3, texts(1, 64), "/test", "red@room")
    event, message = packets.decode(made.make(number)).data
    assert (event, message["room"], len(message["data"])) == ("my room event", "red@room", 64)
    assert identity([message]) == (3, number)


def test_patience_is_for_the_draining_of_every_turn() -> None:
    options = Compression(sizes=[64], rounds=3, drain_s=2)
    turns = 2 * options.rounds * compression._turns_each(options)
    assert SCENARIO.longest_wait_s(options) == turns * 2


def test_trial_that_was_interrupted_in_its_first_round_is_unfinished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = Compression(sizes=[64])
    made: Any = [SimpleNamespace(row=row, compressed=row.packed) for row in options.parties]
    piece: Any = SimpleNamespace(kind="compression:64 open")
    taken: Any = Taken([piece], [piece], {})
    monkeypatch.setattr(compression, "in_turns", lambda *_, **__: taken)
    monkeypatch.setattr(packed_numbers.Carried, "of", staticmethod(lambda _party: None))
    bench: Any = None
    with pytest.raises(Unfinished):
        compression._measured(bench, options, made)
