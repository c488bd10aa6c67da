"""What simulated pairs come to."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.gate.judged import Findings, judged
from loadtests.gate.outcome import exit_code
from loadtests.record.exits import Exit
from loadtests.record.gate import FORMAT, Counted, Gate
from loadtests.record.results import PlannedTrial
from loadtests.record.words import Transport, Verdict
from tests.unit.gate.simulated import EXPERIMENT, Machine, is_head

#: As many cells as the usual gate has.
WHOLE = msgspec.structs.replace(
    EXPERIMENT, modes=["eventlet", "gevent", "threading"], transports=list(Transport)
)


def found_on(machine: Machine, **more: float) -> Findings:
    """What it comes to there."""
    pairing, rule = machine.run(**more)  # type: ignore[arg-type]
    return judged(pairing, rule)


def lost_in(found: Findings) -> Counted:
    """The echoes that gevent lost."""
    cell = ("gevent", "lost")
    return next(each for each in found.counts if (each.mode, each.metric) == cell)


def gate_of(found: Findings, ended: str = "complete") -> Gate:
    """The file that it makes."""
    return Gate(
        format=FORMAT,
        version="1",
        started="",
        seconds=1.0,
        ended=ended,
        experiment="two",
        detect=0.1,
        level=0.05,
        arms=[],
        comparisons=list(found.comparisons),
        counts=list(found.counts),
        contrasts=list(found.contrasts),
        failures=list(found.failures),
        unfit=list(found.unfit),
    )


def test_two_that_are_alike_pass_and_a_slowdown_is_excluded() -> None:
    found = found_on(Machine())
    gated = [each for each in found.comparisons if each.gated]
    assert len(gated) == 2 * 5
    assert {each.verdict for each in gated} == {Verdict.EXCLUDED}
    assert all(each.excluded is not None and each.excluded < 0.1 for each in gated)
    assert exit_code(gate_of(found), fail_on_inconclusive=True) is Exit.FINE


def test_slower_head_is_a_regression_in_its_cells_only() -> None:
    found = found_on(Machine(cost=lambda planned: 1.2 if is_head(planned) else 1.0))
    slower = [each for each in found.comparisons if each.verdict is Verdict.SLOWER]
    assert {each.mode for each in slower} == {"gevent"}
    assert len(slower) == 5
    throughput = next(each for each in slower if each.metric == "throughput")
    assert throughput.evidence is not None
    assert throughput.evidence.ratio == pytest.approx(1 / 1.2, rel=0.02)
    assert exit_code(gate_of(found), fail_on_inconclusive=False) is Exit.REGRESSION


def test_swapped_arms_are_judged_the_other_way_round() -> None:
    def verdicts(cost: float) -> list[Verdict]:
        machine = Machine(cost=lambda planned: cost if is_head(planned) else 1.0, noise=0.0)
        return [each.verdict for each in found_on(machine).comparisons if each.gated]

    mirror = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}
    for cost in (1.0, 1.02, 1.2):
        assert verdicts(1 / cost) == [mirror.get(each, each) for each in verdicts(cost)]


def test_what_is_only_shown_convicts_nobody() -> None:
    found = found_on(Machine(cost=lambda planned: 1.5 if is_head(planned) else 1.0))
    shown = [each for each in found.comparisons if not each.gated and each.mode == "gevent"]
    assert shown
    assert {each.verdict for each in shown} == {Verdict.INCONCLUSIVE}
    assert all("only shown" in each.note for each in shown)


def test_loss_that_base_never_has_is_a_regression() -> None:
    found = found_on(Machine(lost=lambda planned: 2.0 if is_head(planned) else 0.0))
    lost = lost_in(found)
    assert (lost.metric, lost.base, lost.regression) == ("lost", 0.0, True)
    assert exit_code(gate_of(found), fail_on_inconclusive=False) is Exit.REGRESSION


def test_loss_in_one_trial_is_shown_and_no_regression() -> None:
    seen: list[int] = []

    def once(planned: object) -> float:
        if is_head(planned) and planned.scenario == "echo" and not seen:  # type: ignore[arg-type, attr-defined]
            seen.append(1)
            return 1.0
        return 0.0

    found = found_on(Machine(lost=once))
    lost = lost_in(found)
    assert (lost.head, lost.head_trials, lost.regression) == (1.0, 1, False)


def test_loss_on_both_sides_is_no_regression() -> None:
    found = found_on(Machine(lost=lambda _planned: 1.0))
    assert not any(each.regression for each in found.counts)


def test_cell_that_fails_in_head_fails_the_gate_even_if_another_is_slower() -> None:
    machine = Machine(
        failing=lambda planned: "the server died" if is_head(planned) else None,
        cost=lambda planned: 1.3 if is_head(planned, "threading") else 1.0,
    )
    found = found_on(machine)
    assert any("the server died" in each for each in found.failures)
    assert exit_code(gate_of(found), fail_on_inconclusive=False) is Exit.FAILED


def test_trial_that_went_well_when_it_was_tried_again_is_no_failure() -> None:
    seen: list[int] = []

    def once(planned: object) -> str | None:
        if is_head(planned) and not seen:  # type: ignore[arg-type]
            seen.append(1)
            return "the port was taken"
        return None

    assert not found_on(Machine(failing=once)).failures


def test_head_that_makes_its_trials_invalid_fails_the_gate() -> None:
    found = found_on(Machine(invalid=lambda p: ["latency_p50"] if is_head(p) else []))
    assert any("latency_p50" in each and "cannot keep up" in each for each in found.failures)


def test_interrupted_comparison_fails() -> None:
    found = found_on(Machine())
    assert exit_code(gate_of(found, "interrupted"), fail_on_inconclusive=False) is Exit.FAILED


def test_what_is_not_settled_passes_unless_it_is_to_fail() -> None:
    found = found_on(Machine(noise=0.5, seed=2), most=8)
    gate = gate_of(found)
    assert any(each.verdict is Verdict.INCONCLUSIVE for each in found.comparisons if each.gated)
    assert exit_code(gate, fail_on_inconclusive=False) is Exit.FINE
    assert exit_code(gate, fail_on_inconclusive=True) is Exit.INCONCLUSIVE


def test_head_that_is_slower_everywhere_is_a_regression() -> None:
    machine = Machine(cost=lambda planned: 1.3 if planned.mode.endswith("-head") else 1.0)
    pairing, rule = machine.run(WHOLE, confirm_first=8)
    found = judged(pairing, rule)
    gated = [each for each in found.comparisons if each.gated]
    assert len(gated) == 30
    assert {each.verdict for each in gated} == {Verdict.SLOWER}
    assert exit_code(gate_of(found), fail_on_inconclusive=False) is Exit.REGRESSION


@pytest.mark.parametrize("every", [2, 3])
def test_head_that_dies_now_and_then_fails_the_gate(every: int) -> None:
    seen: list[int] = []

    def now_and_then(planned: PlannedTrial) -> str | None:
        if not is_head(planned):
            return None
        seen.append(1)
        return "the server died" if len(seen) % every == 0 else None

    found = found_on(Machine(failing=now_and_then))
    assert any("the server died" in each for each in found.failures)


def test_trials_that_are_invalid_in_both_arms_say_nothing_of_head() -> None:
    machine = Machine(invalid=lambda p: ["latency_p50"] if p.scenario == "echo" else [])
    found = found_on(machine)
    assert all("too few to look at" in each for each in found.failures)
    assert found.failures


def test_suspicion_that_there_was_no_time_to_confirm_is_said() -> None:
    machine = Machine(noise=0.03, cost=lambda planned: 1.3 if is_head(planned) else 1.0)
    pairing, rule = machine.run(limit_s=290, confirm_first=8)
    notes = {each.note for each in judged(pairing, rule).comparisons if each.gated}
    assert "suspected to be slower, and there was no time to confirm it" in notes


def test_bases_that_differ_make_the_run_unfit() -> None:
    def cost(planned: object) -> float:
        return 1.3 if getattr(planned, "mode", "").endswith("-twin") else 1.0

    found = found_on(Machine(cost=cost, noise=0.02))
    assert {each.rejected for each in found.contrasts} == {True}
    assert exit_code(gate_of(found), fail_on_inconclusive=False) is Exit.INCONCLUSIVE


def test_gate_file_can_be_read_again() -> None:
    gate = gate_of(found_on(Machine()))
    assert msgspec.json.decode(msgspec.json.encode(gate), type=Gate) == gate
