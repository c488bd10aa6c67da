"""Every mode as the parameter of a test."""

from __future__ import annotations

import pytest

from servers.modes import ADAPTERS, MAIN

#: Only the three that are compared by default are served in every `make test`.
MODES = [
    pytest.param(mode, marks=() if mode in MAIN else pytest.mark.full) for mode in sorted(ADAPTERS)
]
