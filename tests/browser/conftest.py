"""A real Chromium, and pages of the demo in contexts that know nothing of each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from loadtests.scenarios.disconnect.hosts import browser
from loadtests.scenarios.disconnect.hosts.browser.chromium import BUNDLED, installed
from servers.pages import CLIENT


# Not of the session: playwright's event loop would go on running under all other tests.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """One browser for the tests of this folder; skips where there is none."""
    lack = browser.unavailable() or (None if CLIENT.is_file() else "run: make node")
    if lack is not None:
        pytest.skip(lack)
    from playwright.sync_api import sync_playwright

    executable = installed()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=executable if executable != BUNDLED else None,
            chromium_sandbox=False,
            args=["--disable-gpu"],
        )
        yield launched
        launched.close()
