"""Which Chromium there is, and how it is to be started."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

NO_CHROMIUM = (
    "neither Chromium nor Chrome is installed; "
    "on Debian: apt install chromium, elsewhere: .venv/bin/playwright install chromium"
)
#: Every tab has a name of its own below this one, since Chromium's limit on connections is per
#: name; all of them are the server.
DOMAIN = "bench.test"
#: What `playwright install chromium` brings, as opposed to a browser of the system.
BUNDLED = "playwright's own"

_NAMES = ("chromium", "google-chrome-stable", "google-chrome", "chrome", "chromium-browser")

#: Chromium heeds the last such list only, so this one stands for playwright's own, too.
_WITHOUT = (
    # The page comes from no address, so it may not ask one on loopback or in a private network.
    "LocalNetworkAccessChecks",
    # Pages of the address bar's own: they take more CPU than ten idle tabs.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # http:// means it.
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    # Nobody but the server is to be asked for anything.
    "AimEnabled",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PreconnectToSearch",
)


def installed() -> str | None:
    """The browser to take: a path, ``BUNDLED``, or None where there is none."""
    for name in _NAMES:
        path = shutil.which(name)
        if path is not None:
            return path
    caches = {"darwin": "Library/Caches"}.get(sys.platform, ".cache")
    usual = Path.home() / caches / "ms-playwright"
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or usual)
    return BUNDLED if any(folder.glob("chromium-*")) else None


def launch_options(executable: str, server: str) -> dict[str, Any]:
    """The arguments of playwright's ``chromium.launch``.

    Args:
        executable: of ``installed``.
        server: host name or address of the server, which all tabs' names mean.
    """
    # By its channel playwright starts its own with a whole browser around the tab, not its shell.
    which = {"channel": "chromium"} if executable == BUNDLED else {"executable_path": executable}
    address = f"[{server}]" if ":" in server else server
    return {
        **which,
        # Chromium refuses to run as root in its sandbox.
        "chromium_sandbox": os.geteuid() != 0,
        "args": [
            f"--host-resolver-rules=MAP *.{DOMAIN} {address}",
            f"--disable-features={','.join(_WITHOUT)}",
            # Linux has them in the environment, and Chromium would heed them.
            "--no-proxy-server",
        ],
    }
