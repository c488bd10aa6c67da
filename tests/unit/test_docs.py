"""What the docs point to is there."""

from __future__ import annotations

import re

import pytest

from tests.support import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_project_leads_somewhere(page) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    own = [each for each in targets if "://" not in each]
    assert [each for each in own if not (page.parent / each).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(
        r"`((?:servers|loadtests|reports|tests|docs)/[\w./-]*(?:\.(?:py|md|toml|js|j2)|/))`", text
    )
    if page.name == "CHANGELOG.md":  # it tells of files that were
        return
    made = ("reports/runs/",)  # by a run
    own = [each for each in named if "NAME" not in each and not each.startswith(made)]
    assert [each for each in own if not (ROOT / each).exists()] == []
