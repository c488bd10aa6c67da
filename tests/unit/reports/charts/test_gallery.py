"""Charts: what they must show can be read in their text, since SVG text stays text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import msgspec
import numpy
import pytest

from loadtests.record.results import Result
from reports.charts.compact import Compact, compact, sheet
from reports.charts.distributions import curves
from reports.charts.gallery import Chart, described, inline
from reports.charts.scales import log_limits, spans_a_decade
from reports.charts.style import looks
from reports.facts.distributions import (
    Shape,
    decoded,
    density,
    distribution_of,
    merged,
    trial_distributions,
)
from reports.facts.errors import ReportError
from reports.facts.rows import outcomes_of
from reports.sections.drawn import draw_all
from reports.summary import summarise
from tests.unit.reports.builder import cells, encoded, failed, measurement, planned, ran, result
from tests.unit.reports.matrix import realistic, troubled


def drawn(run: Result) -> dict[str, Chart]:
    return {drawn.chart.kind.name: drawn.chart for drawn in draw_all(summarise(run))}


def texts(chart: Chart) -> list[str]:
    root = ElementTree.fromstring(chart.svg)
    return ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(scope="module")
def charts() -> dict[str, Chart]:
    return drawn(troubled())


def test_a_full_run_has_all_charts(charts: dict[str, Chart]) -> None:
    assert list(charts) == [
        "echo-latency",
        "echo-percentiles",
        "echo-throughput",
        "cpu-per-message",  # of all scenarios, with the first that has a message
        "broadcast-delivery",
        "disconnect-detection",
    ]


def test_a_run_without_a_scenario_has_none_of_its_charts() -> None:
    assert list(drawn(realistic(blocks=1, scenarios=("disconnect",)))) == ["disconnect-detection"]


def test_every_chart_names_modes_transports_units_and_the_better_side(
    charts: dict[str, Chart],
) -> None:
    units = {"ms", "messages/s", "seconds", "µs"}
    for chart in charts.values():
        words = " ".join(texts(chart))
        for name in ("eventlet", "gevent", "threading", "long-polling", "WebSocket"):
            assert name in words
        assert "is better" in words
        assert any(unit in words for unit in units)


def test_a_failed_cell_has_a_labelled_place(charts: dict[str, Chart]) -> None:
    for name in ("echo-latency", "echo-throughput", "disconnect-detection", "cpu-per-message"):
        assert "failed: no measurement" in texts(charts[name])
    assert "threading: failed" in texts(charts["echo-percentiles"])


def test_an_invalid_cell_is_labelled(charts: dict[str, Chart]) -> None:
    for name in ("echo-latency", "broadcast-delivery", "cpu-per-message"):
        assert "invalid" in texts(charts[name])
    assert "threading (invalid)" in texts(charts["echo-percentiles"])


def test_undetected_clients_are_counted_not_left_out(charts: dict[str, Chart]) -> None:
    # The builder freezes 20 clients in each of 3 trials, of which long-polling misses 2 each.
    assert texts(charts["disconnect-detection"]).count("6 of 60") == 3


def test_the_same_run_draws_the_same_bytes() -> None:
    run = realistic(blocks=1, scenarios=("broadcast",), messages=60)
    first, second = drawn(run), drawn(run)
    assert {name: (chart.svg, chart.png) for name, chart in first.items()} == {
        name: (chart.svg, chart.png) for name, chart in second.items()
    }


def test_png_is_twice_the_size_of_the_svg(charts: dict[str, Chart]) -> None:
    chart = charts["echo-latency"]
    width = int.from_bytes(chart.png[16:20])
    match = re.search(r'width="([\d.]+)pt"', chart.svg)
    assert match
    assert width == pytest.approx(float(match[1]) * 192 / 72, abs=2)


def test_identifiers_are_unique_in_a_page_of_all_charts(charts: dict[str, Chart]) -> None:
    page = "".join(inline(chart) + narrow(chart).svg for chart in charts.values())
    found = re.findall(r'\bid="([^"]+)"', page)
    assert len(found) == len(set(found))


def test_references_inside_an_inlined_chart_still_lead_somewhere(
    charts: dict[str, Chart],
) -> None:
    for chart in charts.values():
        text = inline(chart)
        ElementTree.fromstring(text)
        known = set(re.findall(r'\bid="([^"]+)"', text))
        used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text))
        assert used
        assert {one or other for one, other in used} <= known


def test_an_inlined_chart_is_an_image_with_a_name(charts: dict[str, Chart]) -> None:
    text = inline(charts["echo-latency"])
    assert text.startswith('<svg role="img" aria-label="Echo latency by cell.')
    assert "<metadata" not in text
    assert "<?xml" not in text


def narrow(chart: Chart) -> Compact:
    return compact(chart.narrow, f"{chart.kind.name} narrow", described(chart))


def test_a_page_has_a_third_of_the_letters_and_all_of_the_words() -> None:
    chart = drawn(realistic(blocks=1, scenarios=("disconnect",)))["disconnect-detection"]
    small = inline(chart)
    assert len(small) < len(chart.svg) / 3
    root = ElementTree.fromstring(small)
    assert ["".join(one.itertext()) for one in root.iter("text")] == texts(chart)


def test_a_dark_page_has_a_dark_chart(charts: dict[str, Chart]) -> None:
    for chart in charts.values():
        for text in (inline(chart), sheet(narrow(chart).rules)):
            assert "var(--ink)" in text
            assert not re.search("#ffffff|#1f2328|#d8dee4", text)


def test_a_chart_for_a_phone_has_its_width_and_no_small_letters(charts: dict[str, Chart]) -> None:
    for chart in charts.values():
        found = narrow(chart)
        (width,) = re.findall(r'viewBox="0 0 (\d+) ', found.svg)
        # A page of 390 px has 366 for it; the font size is in points of the same box.
        scale = min(1.0, 366 / 96 * 72 / int(width)) * 96 / 72
        sizes = [float(size) for size in re.findall(r"font-size:([\d.]+)px", sheet(found.rules))]
        assert min(sizes) * scale >= 11, chart.kind.name


def test_a_chart_for_a_phone_says_where_it_comes_from(charts: dict[str, Chart]) -> None:
    for chart in charts.values():
        assert "transport-bench 0.1.0" in narrow(chart).svg.replace("</tspan>", " ")


def test_what_is_read_aloud_ends_with_numbers(charts: dict[str, Chart]) -> None:
    for chart in charts.values():
        assert chart.numbers
        assert described(chart).endswith(chart.numbers)
        assert re.search(r"gevent × websocket [\d.]+", chart.numbers)


def luminance(colour: str) -> float:
    """Relative, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", ["#ffffff", "#14171b"])
def test_lines_of_every_mode_stand_out_by_three_to_one(ground: str) -> None:
    for look in looks(["a", "b", "c", "d", "e", "f", "g"]).values():
        if look.line == "#000000":  # the page makes it white where it is dark
            continue
        light, dark = sorted((luminance(look.line), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, look


@pytest.mark.parametrize("label", ["<b>&", "$x^2$", "日本語", "a\x00b\x1b", "x" * 200])
def test_any_label_makes_a_well_formed_chart(label: str) -> None:
    run = cells("delivery_p50", "broadcast", **{label: (1.0, 2.0)})
    for chart in drawn(run).values():
        assert texts(chart)


def test_a_run_in_which_everything_failed_still_has_its_charts() -> None:
    plan = [planned(0, "echo"), planned(1, "broadcast"), planned(2, "disconnect")]
    assert len(drawn(result(plan, [failed(n) for n in range(3)]))) == 6


def test_numbers_without_distributions_are_drawn_all_the_same() -> None:
    run = result([planned(0)], [ran(0, measurement("echo"))])
    assert "echo-latency" in drawn(run)


def test_a_damaged_histogram_is_an_error_that_names_the_trial() -> None:
    broken = msgspec.structs.replace(
        measurement("echo"), distributions={"latency": "bm90IGEgaGlzdG9ncmFtIGF0IGFsbA=="}
    )
    with pytest.raises(ReportError, match="trial 0, latency is not an HdrHistogram"):
        drawn(result([planned(0)], [ran(0, broken)]))


def test_a_mode_keeps_its_colour_whoever_else_runs() -> None:
    alone, together = looks(["gevent"]), looks(["gevent", "mine", "eventlet", "another"])
    assert alone["gevent"] == together["gevent"]
    assert together["mine"] == looks(["mine", "another"])["mine"]


def test_modes_differ_in_colour_and_in_marker() -> None:
    found = looks(["eventlet", "gevent", "threading", "a", "b", "c", "d", "e"]).values()
    assert len({look.colour for look in found}) == len({look.marker for look in found}) == 8


def test_a_decoded_histogram_has_what_was_recorded() -> None:
    found = decoded(encoded(numpy.array([1.0, 1.0, 5.0])), "here")
    assert found.values_ms == pytest.approx([1.0, 5.0], rel=0.001)
    assert found.counts.tolist() == [2.0, 1.0]


def test_merging_adds_counts_and_does_not_average_percentiles() -> None:
    quick = decoded(encoded(numpy.full(99, 1.0)), "here")
    slow = decoded(encoded(numpy.full(1, 100.0)), "here")
    both = merged([quick, slow])
    assert both.total == 100
    assert both.at(numpy.array([0.5, 0.99, 1.0])) == pytest.approx([1.0, 1.0, 100.0], rel=0.001)


def losing(*arrivals: int, expected: int) -> Result:
    """Trials of one cell in which so many echoes of those sent came back, in 1, 2, 3, … ms."""
    found = [
        msgspec.structs.replace(
            measurement("echo"),
            samples={"latency": expected},
            distributions={"latency": encoded(numpy.arange(1.0, count + 1))},
        )
        for count in arrivals
    ]
    plan = [planned(number) for number in range(len(found))]
    return result(plan, [ran(number, one) for number, one in enumerate(found)])


def together(run: Result) -> Shape | None:
    (outcomes,) = outcomes_of(run).values()
    return distribution_of(outcomes, "latency")


def test_what_was_lost_is_slower_than_all_that_arrived() -> None:
    found = together(losing(90, expected=100))
    assert found is not None
    assert (found.total, found.expected, found.arrived) == (90, 100, 0.9)
    p50, p90, p95 = found.at(numpy.array([0.5, 0.9, 0.95]))
    assert (p50, p90) == pytest.approx((50.0, 90.0), rel=0.001)
    assert numpy.isnan(p95)


def test_a_trial_that_lost_everything_counts_as_lost() -> None:
    found = together(losing(90, 0, expected=100))
    assert found is not None
    assert (found.total, found.expected) == (90, 200)
    (outcomes,) = outcomes_of(losing(90, 0, expected=100)).values()
    assert [one.expected for one in trial_distributions(outcomes, "latency")] == [100]
    assert together(losing(0, 0, expected=100)) is None


def test_more_arrivals_than_were_told_are_all_expected() -> None:
    found = together(losing(90, expected=10))
    assert found is not None
    assert found.expected == 90


@pytest.mark.parametrize(("arrived", "end"), [(90, 10.0), (100, 100.0)])
def test_percentile_curves_end_where_the_lost_begin(arrived: int, end: float) -> None:
    run = summarise(losing(arrived, expected=100))
    figure = curves(run, "echo", "latency", "latency, ms")
    curve, points = figure.axes[0].get_lines()
    odds = numpy.asarray(curve.get_xdata())
    # 1 / (1 - q): 10 is p90, the share that arrived; 100 is the slowest of a hundred.
    assert float(odds.max()) == pytest.approx(end, rel=0.02)
    assert float(odds.max()) <= end * 1.000001
    drawn = dict(numpy.asarray(points.get_xydata()).tolist())
    assert drawn[2.0] == pytest.approx(50.0, rel=0.001)
    assert max(drawn) == end
    assert numpy.isfinite(numpy.asarray(curve.get_ydata())).all()


def test_histograms_of_different_ranges_can_be_merged() -> None:
    small = decoded(encoded(numpy.array([0.001])), "here")
    large = decoded(encoded(numpy.array([3_000_000.0])), "here")
    assert merged([large, small]).total == 2


def test_density_has_its_peak_where_most_samples_are() -> None:
    distribution = decoded(encoded(numpy.array([1.0] * 90 + [10.0] * 10)), "here")
    edges = numpy.geomspace(0.5, 20, 41)
    heights = density(distribution, edges)
    assert heights.max() == 1.0
    peak = int(heights.argmax())
    assert edges[peak] < 1.0 < edges[peak + 1]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([1.0, 9.9], False), ([1.0, 10.0], True), ([0.0, 5.0], False), ([], False)],
)
def test_a_decade_makes_an_axis_logarithmic(numbers: list[float], expected: bool) -> None:
    assert spans_a_decade(numbers) is expected


def test_a_log_axis_has_room_around_its_numbers_and_never_a_zero() -> None:
    low, high = log_limits([0.0, 1.0, 100.0])
    assert 0 < low < 1 < 100 < high


@pytest.mark.parametrize("extreme", [5e-324, 1e15, -1e15])
def test_a_number_of_any_size_is_drawn_within_a_page(extreme: float) -> None:
    numbers = {"gevent": (extreme, 1.0), "eventlet": (1.0, extreme), "threading": (extreme,) * 2}
    for scenario, metric in (("echo", "throughput"), ("broadcast", "delivery_p50")):
        for chart in drawn(cells(metric, scenario, **numbers)).values():
            width = re.search(r'width="([\d.]+)pt"', chart.svg)
            assert width
            assert float(width[1]) < 1000
