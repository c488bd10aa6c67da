"""The sentences of advice, once: filled in here, and in the script of the page's form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from reports.facts.numbers import counted

_MS_PER_S = 1000
#: From here on a number is nothing that was measured.
_HUGE = 1e15

#: A key is grounds of a ruling, with ``.need`` where a need has a sentence of its own, or a part.
WORDS: Mapping[str, str] = {
    "held": "{told}.",
    "beyond-time": "{told}: {excess} beyond the limit.",
    "beyond-time.silent": "{told}: {excess} later than asked.",
    "beyond-load": "{told}; asked is {times} times as much.",
    "overloaded": "{told}.",
    "arithmetic": (
        "Would take about {percent} % of one core by its CPU time per message (arithmetic): a core "
        "has no more than a core."
    ),
    "disagree": "The measurements disagree: {told}; but {against}.",
    "undecided": "Too few trials to tell on which side of the limit this is: {told}.",
    "undecided.silent": "{told}; no rule says how long it may take on this server.",
    "fewer": (
        "In time at this total rate or more with fewer clients: {told}. With {clients} not "
        "measured."
    ),
    "fewer.clients": "{told}; more were not tried.",
    "fewer.broadcast": (
        "In time at this rate or more to fewer clients: {told}. To {clients} not measured."
    ),
    "slower": "In time at a lower rate: {told}. At {rate} a second not measured.",
    "other": "The nearest that was measured: {told}.",
    "distrusted": "{told}.",
    "nothing": "This run did not measure it.",
    "alone": "Echoes and broadcasts at the same time were not measured; each is judged alone.",
    "would-take": (
        "Would take about {percent} % of one core by its CPU time per message (arithmetic)."
    ),
    "memory": "About {mib} MiB for the connections alone (arithmetic).",
    "setting": "By the rules, at any mode, {setting} keeps it.",
    "no-setting": (
        "No heartbeat keeps it by the rules: let the clients send something, and watch for it."
    ),
    "cells.met": "All of it is met by measurement, each need alone: {cells}.",
    "cells.not met": "Something is not met: {cells}.",
    "cells.not measured": "Nothing speaks against it, but not all was measured: {cells}.",
    "asked.clients": "{count} clients at the same time",
    "asked.echo": "{echo} echoes a second of each, {total} of all, 99 of 100 within {p99}",
    "asked.broadcast": (
        "{broadcast} broadcasts a second of the whole application, each to all clients, 99 of 100 "
        "copies within {p99}"
    ),
    "asked.silent": "a client that falls silent noticed within {detect}",
}

#: What a need is called before its verdict.
NAMES: Mapping[str, str] = {
    "clients": "Clients at once",
    "echo": "Echo",
    "broadcast": "Broadcast",
    "silent": "Silent client",
    "together": "Both at once",
}

#: What it means, wherever it is shown.
NOTES: Sequence[str] = (
    "Met: a measurement of this load, or of a heavier one, kept the limit with its whole interval. "
    "Not met: a measurement of this load, or of a lighter one, missed it with its whole interval. "
    "All else is not measured: nothing is read off beyond what was measured.",
    "It holds for this run: its machine, its versions, its messages, and a server without work of "
    "its own.",
)

#: What to measure for each need: tables of an experiment file, and above them what each file has.
TOML: Mapping[str, str] = {
    "file": 'name = "advise"\nblocks = 5',
    "clients": "[connections]\nsteps = [{steps}]",
    "echo": "[curve]\nclients = {count}\nrates_hz = [{whole_hz}]\nseconds = 20\ndrain_s = 10",
    "broadcast": (
        "[broadcast]\nrecipients = {count}\npublishers = 1\nrate_hz = {broadcast_hz}\n"
        "measure_s = 60\ndrain_s = 10"
    ),
    "silent": (
        "[disconnect]\nclients = 20\nping_interval_s = {interval_s}\nping_timeout_s = {timeout_s}\n"
        'causes = ["freeze"]\nblocks = 1'
    ),
}


def fill(key: str, need: str = "", **values: str) -> str:
    """Words with their values; a need's own where it has some."""
    words = WORDS[f"{key}.{need}" if f"{key}.{need}" in WORDS else key]
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], words)


def sentence(key: str, need: str = "", **values: str) -> str:
    """The same with a capital letter."""
    text = fill(key, need, **values)
    return text[:1].upper() + text[1:]


def spelled(value: float) -> str:
    """A number for people, about three digits: ``1,240``, ``12.4``, ``0.5``.

    Halves go up, as JavaScript's ``toFixed`` has them, so that the form spells them alike.
    """
    if abs(value) >= _HUGE:
        return f"{value:.3g}"
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if places else text


def rate(value: float) -> str:
    """A rate that somebody asked for: with three decimals at most, however large."""
    rounded = Decimal(value).quantize(Decimal("0.001"), rounding=ROUND_HALF_UP)
    return f"{rounded:,f}".rstrip("0").rstrip(".")


def time(milliseconds: float) -> str:
    """``12.4 ms``, and seconds from a second on."""
    if milliseconds >= _MS_PER_S:
        return f"{spelled(milliseconds / _MS_PER_S)} s"
    return f"{spelled(milliseconds)} ms"


def span(value_ms: float, low_ms: float | None, high_ms: float | None, trials: int) -> str:
    """``12.4 ms [11, 13.6] (5 trials)``: no brackets where there is no interval."""
    ends = ""
    if low_ms is not None and high_ms is not None:
        factor = _MS_PER_S if value_ms >= _MS_PER_S else 1
        ends = f" [{spelled(low_ms / factor)}, {spelled(high_ms / factor)}]"
    return f"{time(value_ms)}{ends} ({counted(trials, 'trial')})"
