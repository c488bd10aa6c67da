"""The files for other programs."""

from __future__ import annotations

import csv
import io
import json

import pytest

from loadtests.scenarios.registry import metrics_of
from reports.pages.exports import SUMMARY_FORMAT, to_csv, to_json, to_markdown
from reports.summary import Summary, summarise
from tests.unit.reports.builder import cells, echo_trials, failed, planned, result
from tests.unit.reports.matrix import realistic, troubled


@pytest.fixture(scope="module")
def summary() -> Summary:
    return summarise(troubled())


def test_csv_has_exactly_the_columns_of_the_interface(summary: Summary) -> None:
    assert to_csv(summary).split("\n")[0] == (
        "scenario,mode,transport,metric,unit,estimate,ci_low,ci_high,trials,status,"
        "ratio_low,ratio_high,reference"
    )


def test_csv_has_one_line_per_number_and_line_feeds_only(summary: Summary) -> None:
    text = to_csv(summary)
    assert "\r" not in text
    assert text.endswith("\n")
    assert len(list(csv.reader(io.StringIO(text)))) == 1 + len(summary.rows)


def test_csv_spells_numbers_plainly() -> None:
    text = to_csv(summarise(echo_trials(10.0, 11.0, 12.0)))
    assert "echo,gevent,websocket,latency_p50,ms,11,8.51586,13.4841,3,ok,,,\n" in text


def test_csv_of_a_single_trial_has_no_interval() -> None:
    assert ",latency_p50,ms,1.5,,,1,ok,,,\n" in to_csv(summarise(echo_trials(1.5)))


def test_csv_ends_in_the_ratio_to_the_best_of_all_cells() -> None:
    run = summarise(cells("throughput", gevent=(100.0, 200.0, 50.0), eventlet=(90.0, 180.0, 45.0)))
    text = to_csv(run)
    assert ",ok,1,1,gevent × websocket\n" in text
    assert ",ok,0.9,0.9,gevent × websocket\n" in text
    found = next(
        one
        for one in json.loads(to_json(run))["rows"]
        if (one["mode"], one["metric"]) == ("eventlet", "throughput")
    )
    assert found["ratio"] == pytest.approx(0.9)
    assert found["reference"] == "gevent × websocket"


def test_csv_of_a_failed_cell_has_its_lines_and_no_numbers() -> None:
    text = to_csv(summarise(result([planned(0)], [failed(0)])))
    lines = text.splitlines()[1:]
    assert len(lines) == len(metrics_of("echo"))
    assert all(line.endswith(",,,,0,failed,,,") for line in lines)


def test_csv_quotes_a_label_with_a_comma() -> None:
    text = to_csv(summarise(cells("latency_p50", **{'my, "own"': (1.0,)})))
    assert next(iter(csv.DictReader(io.StringIO(text))))["mode"] == 'my, "own"'


def test_json_has_the_rows_with_reasons_and_trials(summary: Summary) -> None:
    found = json.loads(to_json(summary))
    assert found["format"] == SUMMARY_FORMAT == "transport-bench-summary/1"
    assert len(found["rows"]) == len(summary.rows)
    (row,) = [
        one
        for one in found["rows"]
        if (one["scenario"], one["mode"], one["transport"], one["metric"])
        == ("broadcast", "eventlet", "polling", "delivery_p50")
    ]
    assert row["status"] == "invalid"
    assert row["reasons"] == ["1 of 3 trials failed: the server ended with code 1"]
    assert [value is None for value in row["values"]] == [False, False, True]


def test_json_has_findings_and_first_places(summary: Summary) -> None:
    found = json.loads(to_json(summary))
    assert {one["kind"] for one in found["findings"]} >= {"failed", "invalid", "delayed-ack"}
    throughput = next(one for one in found["best"] if one["metric"] == "throughput")
    assert (throughput["mode"], throughput["certainty"]) == ("gevent", "clear")


def test_markdown_says_first_what_there_is_to_say_in_short(summary: Summary) -> None:
    text = to_markdown(summary)
    order = [
        text.index(heading)
        for heading in (
            "## In short",
            "| Over WebSocket |",
            "| Over long-polling |",
            "- warning: ",
            "<details>",
            "## To be told within",
            "## Coming from eventlet",
            "## Best at",
            "## Can these",
            "## echo",
            "## Failed and invalid",
        )
    ]
    assert order == sorted(order)


SEVEN = ("eventlet", "gevent", "threading", *(f"a-rather-long-label-{n}" for n in range(4)))


def test_markdown_has_sixty_lines_before_what_is_folded_and_fits_a_comment() -> None:
    for run in (troubled(), realistic(modes=SEVEN), realistic(modes=("gevent",), blocks=1)):
        text = to_markdown(summarise(run))
        assert text.partition("<details>")[0].count("\n") <= 60
        assert len(text) < 60_000
        assert text.count("<details>") == text.count("</details>")


def test_markdown_of_labels_that_never_end_fits_a_comment_too() -> None:
    labels = tuple(letter * 5000 for letter in "abcd")
    text = to_markdown(summarise(realistic(modes=labels, blocks=2)))
    assert len(text) < 60_000
    assert "more had no room here" in text
    assert text.count("<details>") == text.count("</details>")


def test_json_has_the_sentences(summary: Summary) -> None:
    said = json.loads(to_json(summary))["in_short"]
    assert said == [str(sentence) for sentence in summary.short.sentences]
    assert said


def test_markdown_tables_have_as_many_cells_in_every_line(summary: Summary) -> None:
    for block in to_markdown(summary).split("\n\n"):
        if block.startswith("|"):
            assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def test_files_for_programs_keep_seconds() -> None:
    run = summarise(cells("detection_p50", "disconnect", gevent=(0.000962,)))
    assert "detection_p50,s,0.000962,,,1,ok,,,\n" in to_csv(run)
    (best,) = json.loads(to_json(run))["best"]
    assert (best["estimate"], best["unit"]) == (0.000962, "s")
    assert "0.962 ms" in to_markdown(run)


def test_markdown_aligns_numbers_to_the_right_and_sentences_to_the_left(summary: Summary) -> None:
    parts = [part for part in to_markdown(summary).split("\n\n") if part.startswith("|")]
    words = ("| told within", "| best at", "| in |")
    sentences = [part for part in parts if part.startswith(words)]
    assert len(sentences) == 4
    assert all(set(part.splitlines()[1].split("|")[2:-1]) == {" --- "} for part in sentences)
    tables = [part for part in parts if part not in sentences]
    assert all(set(part.splitlines()[1].split("|")[2:-1]) == {" ---: "} for part in tables)


def test_markdown_escapes_what_a_label_may_bring() -> None:
    text = to_markdown(summarise(cells("latency_p50", **{"a|b<script>\n# c": (1.0,)})))
    assert "a\\|b\\<script\\> \\# c × websocket" in text
    assert "<script>" not in text.replace("\\<script", "")
