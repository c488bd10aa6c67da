"""Paths of an SVG in few letters: by distances, without digits that nobody sees."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[A-Za-z]|-?[\d.]+(?:e-?\d+)?")
#: Shapes are a few points wide, and need a digit more than places do.
PLACES, SHAPES = 1, 2


def corners(places: list[tuple[float, float]]) -> str:
    """A path with a corner at each place, even where they are in a line."""
    here, text = (0, 0), ""
    for place in places:
        there = (round(place[0] * 10**PLACES), round(place[1] * 10**PLACES))
        text += ("l" if text else "M") + _joined([there[0] - here[0], there[1] - here[1]], PLACES)
        here = there
    return text


def has_extent(path: str) -> bool:
    """False for a tick of no length."""
    return any(token not in {"M", "L", "z", "0", "-0"} for token in _TOKEN.findall(path))


def relative(path: str, digits: int) -> str:
    """The same path by distances; a corner's error does not add up to the next."""
    parts: list[tuple[str, list[int]]] = []
    here, start, command = (0, 0), (0, 0), "M"
    pending: list[int] = []
    for token in _TOKEN.findall(path):
        if token in "zZ":
            parts.append(("z", []))
            here = start
        elif token.isalpha():
            command = token
        else:
            pending.append(round(float(token) * 10**digits))
            if len(pending) < {"C": 6, "Q": 4}.get(command, 2):
                continue
            distances = [value - here[place % 2] for place, value in enumerate(pending)]
            here = (pending[-2], pending[-1])
            if command == "M":
                start, command = here, "L"
                parts.append(("M", [*here]))
            elif not _prolongs(parts[-1], command, distances):
                parts.append((command.lower(), distances))
            pending = []
    return "".join(name + _joined(numbers, digits) for name, numbers in parts)


def _prolongs(last: tuple[str, list[int]], command: str, distances: list[int]) -> bool:
    """Make the last line longer where the next goes on level or upright the same way."""
    name, before = last
    if (name, command) != ("l", "L"):
        return False
    for along, across in ((0, 1), (1, 0)):
        level = before[across] == distances[across] == 0
        if level and before[along] * distances[along] >= 0:
            before[along] += distances[along]
            return True
    return False


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
