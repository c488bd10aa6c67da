"""What a browser's headers cost: what is said of our client beside the lean one."""

from __future__ import annotations

import csv
import io

import msgspec

from loadtests.record.results import PlannedTrial, Trial
from loadtests.record.words import Client
from loadtests.run.conductor import measured_with
from reports.pages.exports import to_csv, to_markdown
from reports.pages.html import to_html
from reports.sections.drawn import draw_all
from reports.sections.lean import costs
from reports.summary import Summary, summarise
from tests.unit.reports.builder import cells, failed, measurement, planned, ran, result


def both(
    ours: list[float], lean: list[float | None], transport: str = "polling", **more: float
) -> Summary:
    """Server CPU per echo in one cell with both clients, a block per pair; None failed."""
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    for block, (one, other) in enumerate(zip(ours, lean, strict=True)):
        first = planned(2 * block, transport=transport, block=block)
        second = msgspec.structs.replace(
            first, number=2 * block + 1, rows=["echo:lean"], client=Client.LEAN
        )
        plan += [first, second]
        trials.append(ran(2 * block, measurement("echo", server_cpu=one, **more)))
        if other is None:
            trials.append(failed(2 * block + 1))
            continue
        found = measured_with(Client.LEAN, [measurement("echo", server_cpu=other, **more)])
        trials.append(ran(2 * block + 1, *found))
    return summarise(result(plan, trials))


def test_cost_over_polling_is_a_ratio_within_blocks() -> None:
    # The machine got four times slower from block to block; the ratio did not move.
    (cost,) = costs(both([120.0, 240.0, 480.0], [100.0, 200.0, 400.0]))
    assert cost.row == "echo"
    assert cost.sentences == (
        "gevent × polling: the server spends 280 µs per message with them, "
        "233 µs per message without (1.20 × [1.20, 1.20]).",
    )
    assert cost.table.head[:2] == ("cell", "server CPU, µs per message")
    assert [str(entry) for entry in cost.table.lines[0][:2]] == [
        "gevent × polling",
        "280 / 233 1.20 × [1.20, 1.20]",
    ]


def test_difference_that_the_trials_do_not_tell_is_none() -> None:
    (cost,) = costs(both([100.0, 130.0], [110.0, 100.0]))
    assert cost.sentences[0].endswith("; the trials do not tell the two apart.")


def test_websocket_has_its_line_and_no_sentence() -> None:
    (cost,) = costs(both([100.0], [100.0], "websocket"))
    assert cost.sentences == ()
    assert "100 / 100 1.00 ×" in str(cost.table.lines[0][1])


def test_number_that_is_missing_costs_nothing_and_says_so() -> None:
    (cost,) = costs(both([100.0, 100.0], [None, None]))
    assert cost.sentences == ()
    assert str(cost.table.lines[0][1]) == "100 / – failed"


def test_lean_client_is_no_cell_of_its_own() -> None:
    run = both([120.0, 121.0], [100.0, 100.0])
    assert {row.row for row in run.own_rows} == {"echo"}
    assert {row["scenario"] for row in csv.DictReader(io.StringIO(to_csv(run)))} == {
        "echo",
        "echo:lean",
    }
    page = to_html(run, draw_all(run))
    section = page.partition('<section id="lean"')[2].partition("</section>")[0]
    assert "gevent × polling: the server spends" in section
    assert "python-socketio's" not in page
    assert "## What a browser's headers cost" in to_markdown(run)


def test_run_without_the_lean_client_says_nothing_of_headers() -> None:
    run = summarise(cells("latency_p50", gevent=(1.0, 2.0)))
    assert costs(run) == []
    assert "browser's headers" not in to_html(run, []) + to_markdown(run)
