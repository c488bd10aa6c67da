"""A scenario's options as a sentence: "40 clients, 300 sends per second, 32 bytes each."."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.facts.fingerprints import words

#: What a name's ending says of its number.
_UNITS = {"_s": "s", "_hz": "per second", "_ms": "ms", "_bytes": "bytes", "_mib": "MiB"}
#: Names that read better as other words, around their value.
_PHRASES = {
    "rate_hz": "{} sends per second",
    "measure_s": "measured for {} s",
    "warmup_s": "warmed up for {} s",
    "drain_s": "replies awaited for up to {} s more",
    "settle_s": "{} s of rest between",
    "payload_bytes": "{} bytes each",
    "latency_s": "{} s of it at this rate",
    "throughput_s": "{} s as fast as it goes",
    "ping_interval_s": "a ping every {} s",
    "ping_timeout_s": "{} s to answer it",
    "down_s": "the server away for {} s",
    "idle_s": "idle for {} s",
    "every_s": "once in {} s",
}


def sentence(options: object) -> str:
    """All that is set of a table of options, in its order; empty where it is none.

    Args:
        options: a table of an experiment, as the result file has it.
    """
    if not isinstance(options, Mapping):
        return words(options)
    parts = [phrase(str(name), value) for name, value in options.items()]
    told = ", ".join(part for part in parts if part)
    return f"{told[:1].upper()}{told[1:]}." if told else ""


def phrase(name: str, value: Any) -> str:
    """One option in words; empty where it is not set."""
    if value is None or value in ([], {}, ""):
        return ""
    if isinstance(value, bool):
        return f"{_plain(name)}: {'yes' if value else 'no'}"
    if isinstance(value, Mapping):
        inner = (phrase(str(key), one) for key, one in value.items())
        return f"{_plain(name)} ({', '.join(part for part in inner if part)})"
    if isinstance(value, list):
        return f"{_plain(name)} {_listed(value)}"
    if name in _PHRASES:
        return _PHRASES[name].format(words(value))
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return f"{_plain(name.removesuffix(ending))} {words(value)} {unit}"
    if isinstance(value, int) and name.endswith("s"):
        return f"{value:,} {_plain(name if value != 1 else name[:-1])}"
    return f"{_plain(name)} {words(value)}"


def _listed(values: list[Any]) -> str:
    told = [
        f"({', '.join(filter(None, (phrase(str(k), v) for k, v in one.items())))})"
        if isinstance(one, Mapping)
        else words(one)
        for one in values
    ]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def _plain(name: str) -> str:
    return name.replace("_", " ")
