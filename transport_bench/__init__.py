"""The front door: ``transport-bench``, one command for what the three rooms do.

It says who is asked, and knows nothing of how: each command belongs to a room, and only that room
is loaded. No room knows of the door.
"""

from __future__ import annotations

from pathlib import Path

#: As it is called.
PROGRAM = "transport-bench"

_HERE = Path(__file__).resolve().parent
#: The folder with ``servers``, ``loadtests`` and ``reports``. A wheel has them in here, since
#: nothing that is called ``reports`` may lie about in somebody's site-packages; a checkout beside.
ROOMS = _HERE / "rooms" if (_HERE / "rooms").is_dir() else _HERE.parent
