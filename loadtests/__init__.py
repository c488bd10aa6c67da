"""What measures: experiments, the load client, the scenarios and the files they leave."""

from pathlib import Path

__version__ = "0.1.0"

#: Where ``python -m servers`` and the official client are found.
ROOT = Path(__file__).resolve().parent.parent
