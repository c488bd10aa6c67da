"""What README and docs/ say of stored results is what these say; nothing there is stale."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from loadtests.record.exits import Exit
from reports.__main__ import main
from reports.charts.gallery import draw
from reports.facts.errors import ReportError
from reports.pages.documents import IMAGES, RESULTS, filled, pictures, stored, texts
from reports.pages.pictures import wanted
from reports.sections.disconnect import SECTION
from reports.site import write_site
from tests.support import ROOT

#: Of what a pixel can differ by, 0 to 1: letters are drawn a little otherwise by another processor.
_ALIKE = 0.004


def test_texts_in_the_docs_are_what_the_results_say() -> None:
    for path, text in texts(ROOT, stored(ROOT)).items():
        stale = f"{path.relative_to(ROOT)} is stale; run make docs"
        assert path.read_text(encoding="utf-8") == text, stale


def test_pictures_in_the_docs_are_what_the_results_show() -> None:
    results = stored(ROOT)
    drawn = dict(pictures(ROOT, results))
    kinds = {kind.name: kind for kind in SECTION.charts}
    for name, facts in wanted([each.summary for each in results]).items():
        drawn[ROOT / IMAGES / f"{name}.png"] = draw(kinds[name], facts).png
    for path, png in drawn.items():
        assert differs(png, path.read_bytes()) < _ALIKE, f"{path.name} is stale; run make docs"


def differs(one: bytes, other: bytes) -> float:
    """The mean difference of two pictures' pixels; 1 where their sizes differ."""
    first, second = (matplotlib.image.imread(io.BytesIO(each)) for each in (one, other))
    return float(np.abs(first - second).mean()) if first.shape == second.shape else 1.0


def test_block_is_filled_and_what_is_around_it_stays() -> None:
    text = "a\n<!-- x: made by make docs -->\nold\n<!-- end of x -->\nb\n"
    made = filled(text, {"x": "new\n\nand newer"})
    assert made == text.replace("old", "new\n\nand newer")
    assert filled(made, {"x": "old"}) == text


@pytest.mark.parametrize("made", [{}, {"x": "", "y": ""}])
def test_text_without_a_place_or_without_what_is_made_is_refused(
    made: dict[str, str],
) -> None:
    with pytest.raises(ReportError, match="blocks"):
        filled("<!-- x: made by make docs -->\n<!-- end of x -->", made)


def test_site_has_a_page_for_each_run_and_leads_to_all(tmp_path: Path) -> None:
    (tmp_path / RESULTS).mkdir(parents=True)
    small = ROOT / "tests" / "data" / "result-quick.json"
    for name in ("default", "other"):
        shutil.copyfile(small, tmp_path / RESULTS / f"{name}.json")
    page = write_site(tmp_path, tmp_path / "site").read_text(encoding="utf-8")
    linked = re.findall(r'href="([^"]+)"', page)
    assert set(linked) == {"default/index.html", "other/index.html"}
    assert all((tmp_path / "site" / each).is_file() for each in linked)
    assert not re.search(r"https?://", page)


def test_site_without_a_result_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ReportError, match=r"no default\.json"):
        write_site(tmp_path, tmp_path / "site")
    blocked = tmp_path / "file"
    blocked.touch()
    assert main(["site", str(blocked)]) == Exit.FAILED
    assert len(capsys.readouterr().err.splitlines()) == 1
