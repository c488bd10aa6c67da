"""Findings about what the machine did while servers took turns."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.record.generator_facts import SliceFacts
from loadtests.record.results import Result
from reports.facts.findings import Finding, Kind, Severity
from reports.summary import summarise
from tests.unit.reports.builder import SOUND, cells, echo_trials


def found(run: Result, kind: Kind) -> list[Finding]:
    return [one for one in summarise(run).findings if one.kind is kind]


def sliced(*left_out: str) -> Result:
    """Two trials, each with a slice for each of these reasons."""
    slices = [
        SliceFacts(begun_s=float(place), seconds=1.0, server_cpu_us=100.0, left_out=why)
        for place, why in enumerate(left_out)
    ]
    base = echo_trials(1.0, 2.0)
    generator = msgspec.structs.replace(SOUND, slices=slices)
    trials = [msgspec.structs.replace(each, generator=generator) for each in base.trials]
    return msgspec.structs.replace(base, trials=trials)


def telling(name: str, *percents: float) -> Result:
    """Trials of two cells in turn, whose generators tell a share of the core."""
    base = cells("latency_p50", gevent=(1.0, 2.0), eventlet=(1.0, 2.0))
    trials = [
        msgspec.structs.replace(
            each, generator=msgspec.structs.replace(SOUND, numbers={name: percent})
        )
        for each, percent in zip(base.trials, percents, strict=True)
    ]
    return msgspec.structs.replace(base, trials=trials)


def test_slices_that_were_left_out_are_counted_by_their_cause() -> None:
    run = sliced("", "the core was slow (31 %)", "the core was slow (12 %)", "stolen (3 %)")
    (finding,) = found(run, Kind.SLICES_LEFT_OUT)
    assert finding.severity is Severity.NOTE
    assert finding.text == (
        "6 of 8 slices of load were disturbed and are in no number: the core was slow (4); "
        "stolen (2)."
    )


@pytest.mark.parametrize("run", [sliced("", ""), sliced(), echo_trials(1.0, 2.0)])
def test_slices_that_were_all_counted_are_not_worth_a_word(run: Result) -> None:
    assert not found(run, Kind.SLICES_LEFT_OUT)


@pytest.mark.parametrize(
    ("name", "kind"), [("off_turn_percent", Kind.OFF_TURN), ("others_percent", Kind.OTHERS)]
)
def test_a_core_that_is_not_left_alone_is_a_warning_that_names_the_cell(
    name: str, kind: Kind
) -> None:
    (finding,) = found(telling(name, 0.1, 5.0, 7.25, 6.0), kind)
    assert finding.severity is Severity.WARNING
    assert "eventlet × websocket up to 7.2 %" in finding.text
    assert finding.cells == ("eventlet × websocket",)
    assert not found(telling(name, 0.1, 5.0, 2.0, 0.0), kind)


def test_many_cells_are_listed_in_part_and_counted() -> None:
    base = cells("latency_p50", **{f"mode{place}": (1.0,) for place in range(8)})
    generator = msgspec.structs.replace(SOUND, numbers={"others_percent": 9.0})
    trials = [msgspec.structs.replace(each, generator=generator) for each in base.trials]
    (finding,) = found(msgspec.structs.replace(base, trials=trials), Kind.OTHERS)
    assert finding.text.count("up to 9.0 %") == 6
    assert "and 2 more" in finding.text
    assert len(finding.cells) == 8
