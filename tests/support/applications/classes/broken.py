"""An application that cannot be imported."""

from __future__ import annotations

print("about to fail")
SETTINGS: dict[str, str] = {}
KEY = SETTINGS["SECRET_KEY"]
