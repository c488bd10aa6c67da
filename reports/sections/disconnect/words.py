"""How windows and reasons are spelled for readers."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.record.results import Window
from reports.sections.disconnect.clients import at_once


def window_text(window: Window) -> str:
    """``at once`` or ``1 to 3.9 s``."""
    if at_once(window):
        return "at once"
    return f"{figure(window.earliest_s)} to {figure(window.latest_s)} s"


def reasons_text(reasons: Sequence[tuple[str, int]]) -> str:
    """``ping timeout``; with how often where there are several."""
    if len(reasons) == 1:
        return reasons[0][0]
    return ", ".join(f"{reason} ({count})" for reason, count in reasons)


def figure(value: float) -> str:
    """Seconds of a rule, no finer than it is meant: ``65``, ``12.5``, ``3.29``."""
    if value >= 20:
        return f"{value:,.0f}"
    return f"{round(value, 1 if value >= 10 else 2):g}"
