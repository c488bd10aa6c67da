"""Who is called what changes no estimate: neither the order of trials and turns nor the ratios."""

from __future__ import annotations

import math
import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.record.results import Result
from loadtests.record.words import Transport
from loadtests.run.experiment import Experiment, experiment_of
from loadtests.run.plan import plan
from loadtests.run.turns import order_of
from loadtests.scenarios.disconnect.options import Disconnect
from loadtests.scenarios.echo import Echo
from reports.facts.best import Question, answers
from reports.facts.rows import Cell, Row, outcomes_of, rows_of
from reports.facts.stats import ratio
from servers.modes import MAIN
from tests.support.machine_speed import Block, Machine, drift
from tests.support.present import present
from tests.unit.reports.matrix import realistic

MODES = sorted(MAIN)
ECHO = Echo(clients=2, rate_hz=10, latency_s=1, throughput_s=1)
RESULT = realistic(scenarios=("echo", "broadcast"), modes=tuple(MODES), blocks=5)

#: The modes by other names, which are the same ones.
relabellings = st.permutations(MODES).map(lambda names: dict(zip(MODES, names, strict=True)))


# --- the order of trials and of turns


def experiment(modes: list[str], seed: int) -> Experiment:
    scenarios = {
        "echo": ECHO,
        "disconnect": Disconnect(clients=2, ping_interval_s=2, ping_timeout_s=1),
    }
    return experiment_of("test", scenarios, modes=modes, blocks=4, seed=seed)


@given(names=relabellings, seed=st.integers(0, 2**32))
def test_plan_asks_who_stands_where_and_not_who_is_called_what(
    names: dict[str, str], seed: int
) -> None:
    before = plan(experiment(MODES, seed))
    after = plan(experiment([names[mode] for mode in MODES], seed))
    assert [
        (each.block, each.group, each.scenario, names[each.mode], each.transport) for each in before
    ] == [(each.block, each.group, each.scenario, each.mode, each.transport) for each in after]


@given(names=relabellings, number=st.integers(0, 20), seed=st.integers(0, 2**32))
def test_turns_ask_who_stands_where_and_not_who_is_called_what(
    names: dict[str, str], number: int, seed: int
) -> None:
    before = order_of(MODES, number, seed)
    after = order_of([names[mode] for mode in MODES], number, seed)
    assert [names[mode] for mode in before] == after


# --- ratios


def rows(result: Result) -> dict[tuple[str, str, Transport, str], Row]:
    found = rows_of(outcomes_of(result), interrupted=False)
    return {
        (each.row, each.cell.mode, each.cell.transport, each.metric.name): each for each in found
    }


def relabelled(result: Result, names: dict[str, str]) -> Result:
    """The same run, had the modes been called that."""
    return msgspec.structs.replace(
        result,
        plan=[msgspec.structs.replace(each, mode=names[each.mode]) for each in result.plan],
    )


@given(names=relabellings)
def test_ratios_of_a_run_are_the_same_by_other_names(names: dict[str, str]) -> None:
    before, after = rows(RESULT), rows(relabelled(RESULT, names))
    assert len(before) == len(after)
    for (row, mode, transport, metric), found in before.items():
        same = after[row, names[mode], transport, metric]
        assert same.values == found.values
        assert same.estimate == found.estimate
        for other in MODES:
            base = before[row, other, transport, metric].values
            same_base = after[row, names[other], transport, metric].values
            assert ratio(base, found.values) == ratio(same_base, same.values)


@given(names=relabellings)
def test_the_best_is_the_same_cell_by_another_name(names: dict[str, str]) -> None:
    questions = [
        Question("", "echo", "latency_p50"),
        Question("", "echo", "throughput"),
        Question("", "broadcast", "server_cpu"),
    ]
    before = answers(questions, list(rows(RESULT).values()))
    after = answers(questions, list(rows(relabelled(RESULT, names)).values()))
    assert [each.certainty for each in before] == [each.certainty for each in after]
    assert [{Cell(names[cell.mode], cell.transport) for cell in each.cells} for each in before] == [
        set(each.cells) for each in after
    ]


@given(
    numbers=st.lists(st.tuples(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6)), min_size=2, max_size=9),
    rng=st.randoms(),
)
def test_ratio_the_other_way_is_one_over_it_and_blocks_may_come_in_any_order(
    numbers: list[tuple[float, float]], rng: random.Random
) -> None:
    base, other = zip(*numbers, strict=True)
    one, back = present(ratio(base, other)), present(ratio(other, base))
    assert one.value == pytest.approx(1 / back.value)
    assert present(one.low) == pytest.approx(1 / present(back.high))
    assert one.apart == back.apart
    rng.shuffle(numbers)
    again = present(ratio(*zip(*numbers, strict=True)))
    assert (again.value, again.low) == pytest.approx((one.value, one.low))


@pytest.mark.parametrize("costs_us", [(150.0, 900.0, 400.0), (400.0, 150.0, 900.0)])
def test_truth_is_in_its_interval_in_95_of_100_runs_whoever_costs_what(
    costs_us: tuple[float, ...],
) -> None:
    block = Block(dict(zip(MODES, costs_us, strict=True)))
    machine = Machine(drift(0.01), block.lasts_s + 1, 0.02, np.random.default_rng(1))
    blocks, runs, within = 5, 300, 0
    first, second = MODES[:2]
    for run in range(runs):
        trials = []
        for number in range(blocks):
            machine.now_s = 0
            trials.append(block.in_turns(machine, order_of, blocks * run + number))
        found = present(ratio([each[first] for each in trials], [each[second] for each in trials]))
        within += present(found.low) <= costs_us[1] / costs_us[0] <= present(found.high)
    # Four standard deviations of a binomial count.
    assert within / runs == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / runs))
