"""Texts that a compressor finds in them what it finds in people's: words, often the same ones.

Made from a seed. A repeated letter packs to nothing, and random bytes not at all: either would say
nothing about messages of an application.
"""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from itertools import accumulate

_VOCABULARY = 2_000
_LETTERS = string.ascii_letters + string.digits + "-_"
#: What a compressor looks back on, bytes (RFC 1951).
_REMEMBERED = 32 * 1024
_CONSONANTS, _VOWELS = "bcdfghklmnprstvw", "aeiou"
#: All texts of a size together are longer than what a compressor looks back on, 32 KiB, by far: a
#: text comes again only when it has been forgotten.
_ALL_BYTES = 512 * 1024
_FEWEST = 32


def vocabulary(seed: int) -> list[str]:
    """Words of one to four syllables, each once."""
    chance = random.Random(f"words {seed}")
    found: dict[str, None] = {}
    while len(found) < _VOCABULARY:
        syllables = chance.choice((1, 1, 2, 2, 2, 3, 3, 4))
        word = "".join(
            chance.choice(_CONSONANTS) + chance.choice(_VOWELS) for _ in range(syllables)
        )
        found.setdefault(word + chance.choice(("", "", "n", "s", "r")))
    return list(found)


def letters(seed: int, length: int) -> list[str]:
    """Letters at random, so many in each of a few texts: what images are once they are encoded.

    A compressor makes three quarters of it.
    """
    chance = random.Random(f"letters {seed} {length}")
    count = max(2, -(-_REMEMBERED // length) + 1)
    return ["".join(chance.choices(_LETTERS, k=length)) for _ in range(count)]


def texts(seed: int, length: int) -> list[str]:
    """Texts of exactly so many characters (of ASCII), enough that none comes again too soon.

    How often words come follows G. K. Zipf (1949): the k-th most frequent one with 1/k.
    """
    chance = random.Random(f"texts {seed} {length}")
    words = vocabulary(seed)
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    count = max(_FEWEST, _ALL_BYTES // length)
    return [_text(chance, words, weights, length) for _ in range(count)]


def _text(
    chance: random.Random, words: Sequence[str], weights: Sequence[float], length: int
) -> str:
    # No word is shorter than two letters and the space behind it.
    chosen = chance.choices(words, cum_weights=weights, k=length // 3 + 1)
    return " ".join(chosen)[:length].ljust(length, ".")
