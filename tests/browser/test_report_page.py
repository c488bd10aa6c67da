"""The report in a browser: offline, dark, on a phone, on paper, and for those who cannot see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.record.results import FILE_NAME, Result, read, write
from reports.build import build
from reports.summary import summarise
from tests.unit.reports.matrix import realistic, troubled

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
DEFAULT = ROOT / "docs" / "results" / "default.json"
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
#: As in the page's style sheet.
DARK = "rgb(20, 23, 27)"
_SEVEN = ("a", "b", "c", "d", "eventlet", "gevent", "l" * 200)


def built(result: Result, folder: Path) -> Path:
    folder.mkdir()
    write(result, folder)
    return build(summarise(result), folder)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with failures, built once."""
    return built(troubled(), tmp_path_factory.mktemp("page") / "run")


@pytest.fixture(scope="module")
def default_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of the profile that everybody runs."""
    return built(read(DEFAULT), tmp_path_factory.mktemp("default") / "run")


class Opened:
    """A page, and what went wrong in it."""

    def __init__(self, context: Any, path: Path) -> None:
        self.faults: list[str] = []
        self.page = context.new_page()
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._asked)
        self._address = path.as_uri()
        self.page.goto(self._address)

    def _asked(self, request: Any) -> None:
        if request.url != self._address:
            self.faults.append(request.url)


@pytest.fixture
def opening(chromium: Any) -> Iterator[Any]:
    """Opens a page offline, in a context of its own."""
    contexts = []

    def opened(path: Path, **settings: Any) -> Opened:
        context = chromium.new_context(offline=True, **settings)
        contexts.append(context)
        return Opened(context, path)

    yield opened
    for context in contexts:
        context.close()


def visible_charts(page: Any) -> list[str]:
    return list(
        page.eval_on_selector_all(
            ".chart",
            "all => all.filter(one => one.checkVisibility()).map(one => one.className)",
        )
    )


def overflow(page: Any) -> Any:
    """What reaches beyond the page's right edge, but for what scrolls in its own place."""
    return page.evaluate(
        """() => [...document.querySelectorAll("body *")]
            .filter(one => !one.closest(".scroll, svg") && one.checkVisibility())
            .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
            .map(one => one.outerHTML.slice(0, 80))"""
    )


def unfold(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")


def test_page_is_whole_offline_and_complains_of_nothing(opening: Any, page_file: Path) -> None:
    found = opening(page_file, viewport=WIDE)
    unfold(found.page)
    assert found.page.locator("figure svg:visible").count() == 6
    assert found.faults == []


def test_dark_page_has_charts_without_a_white_ground(opening: Any, page_file: Path) -> None:
    page = opening(page_file, viewport=WIDE, color_scheme="dark").page
    colours = page.evaluate(
        """() => {
            const svg = document.querySelector("figure .fits svg");
            const text = getComputedStyle(svg.querySelector("text")).fill;
            const ground = getComputedStyle(document.body).backgroundColor;
            const white = [...svg.querySelectorAll("path, rect")]
                .map(one => getComputedStyle(one).fill).filter(one => one === "rgb(255, 255, 255)");
            return [text, ground, white.length];
        }"""
    )
    assert colours == ["rgb(230, 233, 237)", DARK, 0]


def test_phone_sees_narrow_charts_and_nothing_runs_off(opening: Any, default_file: Path) -> None:
    page = opening(default_file, viewport=PHONE).page
    unfold(page)
    charts = visible_charts(page)
    assert set(charts) == {"chart phone"}
    assert len(charts) == 15
    assert overflow(page) == []
    heights = page.eval_on_selector_all(
        ".phone text",
        """all => all.map(one => parseFloat(getComputedStyle(one).fontSize)
            * one.ownerSVGElement.getScreenCTM().a)""",
    )
    assert min(heights) >= 11


def test_default_profile_is_light_short_and_fits(opening: Any, default_file: Path) -> None:
    assert default_file.stat().st_size <= 900_000
    page = opening(default_file, viewport=WIDE).page
    assert page.evaluate("document.querySelectorAll('*').length") <= 12_000
    assert page.evaluate("document.documentElement.scrollHeight") < 10 * 800
    assert set(visible_charts(page)) == {"chart fits"}
    unfold(page)
    assert overflow(page) == []


def test_seven_modes_with_long_names_fit(opening: Any, tmp_path: Path) -> None:
    run = realistic(blocks=2, messages=60, modes=_SEVEN)
    file = built(run, tmp_path / "run")
    assert file.stat().st_size <= 2_000_000
    page = opening(file, viewport=WIDE).page
    unfold(page)
    assert overflow(page) == []


def test_link_to_a_folded_chart_unfolds_it(opening: Any, default_file: Path) -> None:
    page = opening(default_file, viewport=WIDE).page
    name = "echo-percentiles"
    assert not page.locator(f"#{name}").is_visible()
    page.goto(f"{default_file.as_uri()}#{name}")
    page.wait_for_function("name => document.getElementById(name).checkVisibility()", arg=name)


def test_paper_is_white_and_splits_no_chart(opening: Any, page_file: Path) -> None:
    page = opening(page_file, viewport=WIDE, color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    ground, parted = page.evaluate(
        """() => [getComputedStyle(document.body).backgroundColor,
            [...document.querySelectorAll("figure")]
                .map(one => getComputedStyle(one).breakInside)]"""
    )
    assert ground == "rgb(255, 255, 255)"
    assert set(parted) == {"avoid"}
    assert page.pdf(format="A4")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing(
    opening: Any, page_file: Path, scheme: str, viewport: dict[str, int]
) -> None:
    if not AXE.is_file():
        pytest.skip("run: make node")
    page = opening(page_file, viewport=viewport, color_scheme=scheme).page
    unfold(page)
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == []


def test_only_what_scrolls_is_a_stop_for_the_tab_key(opening: Any, page_file: Path) -> None:
    page = opening(page_file, viewport=PHONE).page
    unfold(page)
    page.wait_for_function("document.querySelector('[tabindex]')")
    idle = page.eval_on_selector_all(
        "[tabindex]",
        "all => all.filter(one => one.scrollWidth <= one.clientWidth).map(one => one.ariaLabel)",
    )
    assert idle == []


def test_what_is_pasted_names_the_machine_and_the_day(opening: Any, page_file: Path) -> None:
    page = opening(page_file, viewport=WIDE).page
    text = page.locator("#echo-latency pre").text_content()
    assert re.search(r"!\[[^\]]+\]\(charts/echo-latency\.png\)", text)
    assert "2025-01-02" in text


def test_result_lies_beside_the_page(page_file: Path) -> None:
    names = {path.name for path in page_file.parent.iterdir()}
    assert {FILE_NAME, "index.html", "summary.csv", "charts"} <= names
