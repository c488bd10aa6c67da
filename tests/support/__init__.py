"""What tests share."""

from __future__ import annotations

from pathlib import Path

#: Of the checkout: where ``python -m servers`` is found.
ROOT = Path(__file__).resolve().parents[2]
