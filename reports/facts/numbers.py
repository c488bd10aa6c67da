"""How numbers are spelled, for people and for files."""

from __future__ import annotations

import numpy

from loadtests.arithmetic.estimates import Estimate
from loadtests.record.words import Unit
from reports.facts.stats import Ratio

_MS_PER_S = 1000
#: From here on a number is nothing that was measured, and has too many digits to be read.
_HUGE = 1e15
#: So many decimals show three digits of a thousandth of a nanosecond in ms; more is nothing.
_FINEST = 12
#: So many decimals of a ratio are read at most.
_FINE = 3
#: From here on so many times as much is a size and no measure.
_LARGE_FACTOR = 1e6

#: What stands where there is no number.
EMPTY = "–"


def plain(value: float | None) -> str:
    """For files: up to six significant digits, no exponent; empty where there is no number."""
    if value is None:
        return ""
    return str(numpy.format_float_positional(value, precision=6, fractional=False, trim="-"))


def short(value: float) -> str:
    """For people: three significant digits, whole numbers from 1,000 on (``1,234``).

    A number that is whole is written as one: ``2`` lost messages, not ``2.00``.
    """
    if abs(value) >= _HUGE:
        return f"{value:.3g}"
    if abs(value) < 10**-_FINEST:
        return "0"
    if value == round(value):
        return f"{value:,.0f}"
    return f"{value:,.{decimals(value)}f}"


def number_of(value: object) -> float | None:
    """A number from where a result file may hold anything; None for what is none, or huge."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _HUGE else None


def decimals(value: float) -> int:
    """How many decimals show three significant digits of a number."""
    if value == 0:
        return 0
    shown = f"{abs(value):.2e}"  # rounds first, so that 9.996 is 10.0 and not 10.00
    return min(max(0, 2 - int(shown.partition("e")[2])), _FINEST)


def readable(estimate: Estimate, unit: Unit) -> tuple[Estimate, Unit]:
    """For people: seconds below 1 as milliseconds, the interval's ends with them."""
    if unit is not Unit.SECONDS or not 0 < estimate.value < 1:
        return estimate, unit
    low, high = (None if end is None else end * _MS_PER_S for end in (estimate.low, estimate.high))
    return Estimate(estimate.value * _MS_PER_S, low, high, estimate.trials), Unit.MILLISECONDS


def with_unit(estimate: Estimate, unit: Unit) -> str:
    """The estimate alone, with its unit: ``12.3 ms``."""
    estimate, unit = readable(estimate, unit)
    return f"{short(estimate.value)} {unit}"


def seconds(value: float) -> str:
    """A time in the unit that reads best: ``950 ms``, ``2.10 s``."""
    return with_unit(Estimate(value, None, None, 1), Unit.SECONDS)


def seconds_span(low: float, high: float) -> str:
    """``1.79 to 2.48 ms``: the unit once where it is the same; one number where both are."""
    first, last = seconds(low), seconds(high)
    if first == last:
        return first
    number, _, unit = first.partition(" ")
    return f"{number if last.endswith(f' {unit}') else first} to {last}"


def times(found: Ratio) -> str:
    """``0.95 × [0.92, 0.98]``; without brackets where there is no interval.

    Two decimals, and more where they are needed to see that the interval leaves out 1.
    """
    numbers = [end for end in (found.value, found.low, found.high) if end is not None]
    places = max(2, decimals(found.value) - 1) if found.value < 1 else 2
    while found.apart and places < _FINE and any(f"{end:.{places}f}" == "1.00" for end in numbers):
        places += 1
    value, *ends = (_factor(number, places) for number in numbers)
    return f"{value} × [{', '.join(ends)}]" if ends else f"{value} ×"


def _factor(number: float, places: int) -> str:
    if number >= _LARGE_FACTOR:
        return f"{number:.3g}"
    return f"{number:,.{min(places, decimals(number)) if number >= 10 else places}f}"


def percent(value: float) -> str:
    """Whole percents, one decimal below ten."""
    return f"{value:.1f}" if abs(value) < 10 else f"{value:.0f}"


def counted(count: int, noun: str) -> str:
    """``1 cell``, ``2 cells``, ``1,200 cells``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
