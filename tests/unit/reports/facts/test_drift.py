"""The servers' CPU time per message over the run, each cell against itself."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.record.generator_facts import SliceFacts
from loadtests.record.results import Result
from reports.facts.drift import moments, together
from reports.facts.run import facts_of
from reports.sections.drawn import kinds_of
from reports.summary import summarise
from tests.unit.reports.builder import SOUND, cells, echo_trials
from tests.unit.reports.charts.test_gallery import drawn, texts

NAME = "speed-over-the-run"


def sliced(**costs: tuple[float | None, ...]) -> Result:
    """A trial per mode; what a message cost its server in each of its slices, turn by turn."""
    base = cells("latency_p50", **dict.fromkeys(costs, (1.0,)))
    trials = []
    for turn, (trial, own) in enumerate(zip(base.trials, costs.values(), strict=True)):
        slices = [
            SliceFacts(begun_s=10.0 * place + turn, seconds=1.0, server_cpu_us=cost)
            for place, cost in enumerate(own)
        ]
        generator = msgspec.structs.replace(SOUND, slices=slices)
        trials.append(msgspec.structs.replace(trial, generator=generator))
    return msgspec.structs.replace(base, trials=trials)


def leaving_out(run: Result, place: int) -> Result:
    """The same; this slice of the first trial is in no number."""
    first = run.trials[0]
    slices = [
        msgspec.structs.replace(each, left_out="stolen") if number == place else each
        for number, each in enumerate(first.generator.slices)
    ]
    generator = msgspec.structs.replace(first.generator, slices=slices)
    changed = msgspec.structs.replace(first, generator=generator)
    return msgspec.structs.replace(run, trials=[changed, *run.trials[1:]])


def test_drift_of_the_machine_is_the_same_in_a_cheap_and_in_a_dear_cell() -> None:
    found = moments(facts_of(sliced(gevent=(100.0, 110.0, 120.0), threading=(400.0, 440.0, 480.0))))
    by_trial = {trial: [one.slowness for one in found if one.trial == trial] for trial in (0, 1)}
    assert by_trial[0] == pytest.approx([100 / 110, 1.0, 120 / 110])
    assert by_trial[1] == pytest.approx(by_trial[0])


def test_slice_stands_at_its_middle() -> None:
    assert [one.at_s for one in moments(facts_of(sliced(gevent=(1.0, 2.0))))] == [0.5, 10.5]


def test_slice_that_was_left_out_moves_no_median_and_is_still_there() -> None:
    run = leaving_out(sliced(gevent=(100.0, 100.0, 900.0)), 2)
    found = moments(facts_of(run))
    assert [(one.slowness, one.counted) for one in found] == [(1, True), (1, True), (9, False)]
    assert {slowness for _, slowness in together(found)} == {1.0}


def test_slice_without_a_cpu_time_is_no_moment() -> None:
    assert len(moments(facts_of(sliced(gevent=(None, 0.0, 5.0))))) == 1
    assert moments(facts_of(leaving_out(sliced(gevent=(5.0,)), 0))) == []


def test_all_cells_together_are_the_median_of_each_stretch() -> None:
    run = sliced(gevent=(1.0, 1.0, 2.0), eventlet=(1.0, 1.0, 2.0), threading=(1.0, 1.0, 8.0))
    found = together(moments(facts_of(run)), stretches=2)
    assert [slowness for _, slowness in found] == [1.0, 2.0]
    assert together([]) == []


def test_chart_stands_beside_that_of_cpu_time_where_there_are_slices() -> None:
    names = [kind.name for _, kind in kinds_of(summarise(sliced(gevent=(1.0, 2.0))))]
    assert names.index(NAME) == names.index("cpu-per-message") + 1
    assert NAME not in [kind.name for _, kind in kinds_of(summarise(echo_trials(1.0)))]


def test_chart_marks_what_was_left_out_and_says_so() -> None:
    run = sliced(gevent=(1.0, 1.1, 5.0), eventlet=(1.0, 1.1, 1.0))
    assert "left out" in texts(drawn(leaving_out(run, 2))[NAME])
    assert "left out" not in texts(drawn(run)[NAME])


@pytest.mark.parametrize("cost", [1e15, 1e-14, 1.0])
def test_chart_of_any_numbers_is_drawn(cost: float) -> None:
    words = texts(drawn(sliced(gevent=(cost, 1.0, 1.0), eventlet=(1.0,)))[NAME])
    assert "all cells, median" in words
    assert "times the cell's median" in words
