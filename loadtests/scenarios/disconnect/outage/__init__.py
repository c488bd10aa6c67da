"""The server goes away: when do the official clients notice, and when are they connected again?"""

from loadtests.scenarios.disconnect.outage.clients import OutageError
from loadtests.scenarios.disconnect.outage.trial import measure

__all__ = ["OutageError", "measure"]
