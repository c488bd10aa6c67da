"""When a client that went away is to be noticed, by python-engineio's own rules."""

from __future__ import annotations


def longest_s(ping_interval_s: float, ping_timeout_s: float) -> float:
    """The longest that a silent client can go unnoticed, in seconds."""
    return ping_interval_s + 3 * ping_timeout_s
