"""Paths of an SVG in few letters: by distances, without digits that nobody sees."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

_TOKEN = re.compile(r"[A-Za-z]|-?[\d.]+(?:e-?\d+)?")
#: So many corners at most are passed at once: each is looked at for every further one.
_MOST_PASSED = 40
#: Shapes are a few points wide, and need a digit more than places do.
PLACES, SHAPES = 1, 2

#: Numbers of a place, in units of the last decimal.
Place = tuple[int, int]


def corners(places: list[tuple[float, float]]) -> str:
    """A path with a corner at each place, even where they are in a line.

    To a whole point, less than a pixel: marks are several wide, and the files of a chart have them
    to a millionth.
    """
    here, text = (0, 0), ""
    for x, y in places:
        there = (round(x), round(y))
        text += ("l" if text else "M") + _joined([there[0] - here[0], there[1] - here[1]], 0)
        here = there
    return text


def has_extent(path: str) -> bool:
    """False for a tick of no length."""
    return any(token not in {"M", "L", "z", "0", "-0"} for token in _TOKEN.findall(path))


def relative(path: str, digits: int) -> str:
    """The same path by distances, without corners that nobody sees; errors do not add up.

    Args:
        path: as matplotlib writes it: absolute M, L, C, Q and z.
        digits: how many decimals are kept.
    """
    parts: list[str] = []
    here, start = (0, 0), (0, 0)
    line: list[Place] = []
    for name, numbers in [*_commands(path, digits), ("", [])]:
        if name == "L":
            line.append((numbers[0], numbers[1]))
            continue
        for corner in _thinned(here, line):
            parts.append("l" + _joined([corner[0] - here[0], corner[1] - here[1]], digits))
            here = corner
        line = []
        if name == "M":
            here = start = (numbers[0], numbers[1])
            parts.append("M" + _joined(numbers, digits))
        elif name in {"C", "Q"}:
            distances = [value - here[place % 2] for place, value in enumerate(numbers)]
            parts.append(name.lower() + _joined(distances, digits))
            here = (numbers[-2], numbers[-1])
        elif name == "z":
            parts.append("z")
            here = start
    return "".join(parts)


def _commands(path: str, digits: int) -> Iterator[tuple[str, list[int]]]:
    """Each command with its numbers, in units of the last decimal."""
    name, numbers = "M", []
    for token in _TOKEN.findall(path):
        if token == "z":
            yield "z", []
        elif token.isalpha():
            name = token
        else:
            numbers.append(round(float(token) * 10**digits))
            if len(numbers) == {"C": 6, "Q": 4}.get(name, 2):
                yield name, numbers
                name, numbers = "L" if name == "M" else name, []


def _thinned(start: Place, line: list[Place]) -> list[Place]:
    """A line's corners without those that lie within a unit of the way past them."""
    kept: list[Place] = []
    passed: list[Place] = []
    for corner in line:
        if passed and (
            len(passed) > _MOST_PASSED or any(_off(one, start, corner) > 1 for one in passed)
        ):
            start = passed[-1]
            kept.append(start)
            passed = []
        passed.append(corner)
    return kept + passed[-1:]


def _off(place: Place, start: Place, end: Place) -> float:
    """How far a place is from the way between two others."""
    along = (end[0] - start[0], end[1] - start[1])
    beside = (place[0] - start[0], place[1] - start[1])
    length = along[0] ** 2 + along[1] ** 2
    share = (along[0] * beside[0] + along[1] * beside[1]) / length if length else 0.0
    share = min(max(share, 0.0), 1.0)
    return math.hypot(beside[0] - share * along[0], beside[1] - share * along[1])


def _joined(values: list[int], digits: int) -> str:
    text = ""
    for value in values:
        word = number(value / 10**digits, digits)
        text += word if not text or word.startswith("-") else f" {word}"
    return text


def number(value: float, digits: int = PLACES) -> str:
    """So many decimals at most, and no digit that says nothing: ``.5``."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    text = text.removeprefix("0") if text.startswith("0.") else text
    return text.replace("-0.", "-.") if text not in {"-0", ""} else "0"
