"""The charts of disconnects: what they must show can be read in their text."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any, cast

import matplotlib
import msgspec
import numpy
import pytest
from matplotlib.patches import Rectangle

from loadtests.record.results import Detection, Result, Window
from loadtests.record.words import Cause, Transport
from loadtests.scenarios.disconnect.rows import Official, Outage
from reports.charts import style
from reports.charts.gallery import Chart
from reports.sections.disconnect.charts import points
from reports.sections.disconnect.charts.detection import detection
from reports.sections.disconnect.charts.heartbeat import heartbeat
from reports.sections.disconnect.charts.phase import phase
from reports.sections.drawn import draw_all
from reports.summary import summarise
from tests.unit.reports.builder import failed, planned, result
from tests.unit.reports.disconnect_builder import NO_CHROMIUM, Faults, disconnects
from tests.unit.reports.matrix import realistic

NONE = Faults()


def drawn(run: Result) -> dict[str, Chart]:
    return {drawn.chart.kind.name: drawn.chart for drawn in draw_all(summarise(run))}


def texts(chart: Chart) -> list[str]:
    root = ElementTree.fromstring(chart.svg)
    return ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(scope="module")
def charts() -> dict[str, Chart]:
    return drawn(disconnects())


def small(**changes: object) -> Result:
    """One mode, one transport, nothing beside the main trial."""
    usual = {
        "sweep": (),
        "server": False,
        "modes": ("gevent",),
        "transports": (Transport.POLLING,),
        "causes": (Cause.FREEZE,),
        "faults": NONE,
    }
    return disconnects(**(usual | changes))  # type: ignore[arg-type]


def test_a_run_with_everything_has_all_charts(charts: dict[str, Chart]) -> None:
    assert list(charts) == [
        "disconnect-detection",
        "disconnect-phase",
        "disconnect-heartbeat",
        "disconnect-connections",
        "disconnect-server",
    ]


def test_charts_of_what_a_run_does_not_have_are_not_drawn() -> None:
    assert list(drawn(realistic(blocks=1, scenarios=("disconnect",)))) == ["disconnect-detection"]
    assert list(drawn(small(causes=(Cause.CLOSE,)))) == [
        "disconnect-detection",
        "disconnect-heartbeat",  # of predictions alone
    ]


def test_every_chart_names_modes_and_transports(charts: dict[str, Chart]) -> None:
    for chart in charts.values():
        words = " ".join(texts(chart))
        for name in ("eventlet", "gevent", "threading", "long-polling", "WebSocket"):
            assert name in words


def test_every_cause_has_its_place_with_idle_and_busy_clients(charts: dict[str, Chart]) -> None:
    words = texts(charts["disconnect-detection"])
    for cause in ("close: it says", "kill: its", "reset: its", "freeze: its", "cut: its", "tab:"):
        assert sum(word.startswith(cause) for word in words) == 1
    assert words.count("busy") == 5 * 3  # but for the tab, which is not there


def test_a_cause_that_cannot_be_made_says_why_in_its_place(charts: dict[str, Chart]) -> None:
    assert f"not available here: {NO_CHROMIUM}" in texts(charts["disconnect-detection"])


def test_clients_not_noticed_are_counted_at_the_edge(charts: dict[str, Chart]) -> None:
    assert texts(charts["disconnect-detection"]).count("3 of 20") == 6
    assert texts(charts["disconnect-server"]).count("1 of 20") == 6


def marks(run: Result, shape: str) -> int:
    """How many points of a shape the chart of detection has."""
    figure = detection(summarise(run))
    lines = [line for axes in figure.axes for line in axes.get_lines()]
    alike = [line.get_xydata() for line in lines if line.get_marker() == shape]
    return sum(len(numpy.asarray(points)) for points in alike)


def test_clients_outside_have_a_mark_of_their_own_and_a_key() -> None:
    assert marks(small(), "X") == 0
    assert marks(small(faults=Faults(late={"disconnect:freeze": 2})), "X") == 2
    late = drawn(small(faults=Faults(late={"disconnect:freeze": 2})))["disconnect-detection"]
    assert "outside" in texts(late)
    assert "outside" not in texts(drawn(small())["disconnect-detection"])


def test_every_client_is_a_point() -> None:
    assert marks(small(blocks=2), style.looks(["gevent"])["gevent"].marker) == 80


def broken() -> points.Track:
    with matplotlib.rc_context(cast("Any", style.RC)):
        return points.track(style.new_figure(3).subplots(), 3.0, broken=True, missed=False)


def test_milliseconds_stand_before_seconds_on_one_axis_and_in_order() -> None:
    line = broken()
    times_s = (0.0, 0.001, 0.01, 0.1, 0.5, 1.0, 3.0)
    places = [line.place(time_s) for time_s in times_s]
    assert places == sorted(places)
    assert 0 < places[0] < places[3] < 0.3 < 0.34 < places[4]
    assert places[-1] < 1
    assert line.place(-0.01) == places[0]


def test_a_broken_axis_names_both_its_units() -> None:
    words = " ".join(text.get_text() for text in broken().axes.texts)
    assert "ms (log)" in words
    assert "s; further left is better" in words


def test_without_milliseconds_all_times_are_on_one_axis() -> None:
    figure = style.new_figure(3)
    assert points.track(figure.subplots(), 3.0, missed=True).place(0.001) == 0.001


def test_a_window_of_milliseconds_and_seconds_is_shaded_on_both_parts() -> None:
    line = broken()

    def shaded() -> list[float]:
        bars = [bar for bar in line.axes.patches if isinstance(bar, Rectangle)]
        return [round(bar.get_width(), 2) for bar in bars if bar.get_height() == 0.7]

    at_once = Window(0.0, 0.0, [])
    points.window(line, 0, at_once, 0.7)
    assert shaded() == [0.29]
    points.window(line, 1, msgspec.structs.replace(at_once, latest_s=2.0), 0.7)
    assert shaded() == [0.29, 0.29, round(line.far(2.0) - line.far(0.0), 2)]


def test_detection_falls_with_the_phase_and_the_band_with_it() -> None:
    figure = phase(summarise(small(busy=False)))
    (axes,) = figure.axes
    (band,) = axes.collections
    low, high = band.get_datalim(axes.transData).intervaly
    assert low == pytest.approx(1.0, abs=0.1)
    assert high == pytest.approx(3.3, abs=0.2)
    (points,) = [line for line in axes.get_lines() if line.get_marker() == "o"]
    phases, detected = numpy.asarray(points.get_xydata()).T
    assert numpy.polyfit(phases, detected, 1)[0] < 0


def test_a_client_that_was_sent_its_ping_is_within_the_picture() -> None:
    run = small(busy=False)
    (trial,) = run.trials
    (found,) = trial.measurements
    first: Detection = msgspec.structs.replace(found.detections[0], silent_s=1.2)
    found = msgspec.structs.replace(found, detections=[first, *found.detections[1:]])
    trial = msgspec.structs.replace(trial, measurements=[found])
    figure = phase(summarise(msgspec.structs.replace(run, trials=[trial])))
    assert figure.axes[0].get_xlim()[1] > 1.2


def test_heartbeats_that_were_not_measured_are_hollow_and_say_so(
    charts: dict[str, Chart],
) -> None:
    words = texts(charts["disconnect-heartbeat"])
    assert "predicted by them, not measured" in words
    figure = heartbeat(summarise(small(sweep=("10/5",))))
    fills = {
        str(line.get_markerfacecolor())
        for line in figure.axes[0].get_lines()
        if line.get_marker() == "s"
    }
    assert fills == {"white", "#0072B2"}


def test_the_server_without_a_known_cpu_has_no_axis_for_it() -> None:
    run = small()
    trials = [
        msgspec.structs.replace(
            trial,
            measurements=[
                msgspec.structs.replace(one, metrics=one.metrics | {"server_cpu": None})
                for one in trial.measurements
            ],
        )
        for trial in run.trials
    ]
    known = "CPU per client, ‰ of a core"
    assert known in texts(drawn(run)["disconnect-heartbeat"])
    bare = drawn(msgspec.structs.replace(run, trials=trials))
    assert known not in texts(bare["disconnect-heartbeat"])


def test_numbers_of_connections_are_named(charts: dict[str, Chart]) -> None:
    words = texts(charts["disconnect-connections"])
    for count in ("10", "100", "1,000"):
        assert f"gevent, {count}" in words


def test_both_official_clients_and_every_outage_are_named(charts: dict[str, Chart]) -> None:
    words = " ".join(texts(charts["disconnect-server"]))
    for name in (*Outage, "python-socketio", "socket.io-client", "50 %", "95 %", "100 %"):
        assert name in words


@pytest.mark.parametrize("variant", ["", "server", "10/5:100"])
def test_a_run_in_which_everything_failed_has_its_charts(variant: str) -> None:
    rows = {
        "": ["disconnect:close", "disconnect:kill:busy"],
        "server": [f"disconnect:{Outage.KILL}:{Official.PYTHON}"],
        "10/5:100": ["disconnect:freeze:10/5:100"],
    }
    names = {"": "detection", "server": "server", "10/5:100": "connections"}
    plan = [msgspec.structs.replace(planned(0, "disconnect"), rows=rows[variant])]
    found = drawn(result(plan, [failed(0)]))
    assert list(found) == [f"disconnect-{names[variant]}"]
    (chart,) = found.values()
    assert any(word.startswith("failed: no measurement") for word in texts(chart))


def test_any_label_makes_well_formed_charts() -> None:
    labels = ("<b>&", "$x^2$", "日本語", "x" * 200)
    run = disconnects(modes=labels, clients=3, sweep=("10/5:10",), causes=(Cause.FREEZE,))
    assert all(texts(chart) for chart in drawn(run).values())


def test_the_same_run_draws_the_same_bytes() -> None:
    run = small()
    first, second = drawn(run), drawn(run)
    assert {name: (each.svg, each.png) for name, each in first.items()} == {
        name: (each.svg, each.png) for name, each in second.items()
    }
