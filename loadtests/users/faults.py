"""What a user's own code raises in gevent's loop, where no task can be ended by it."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from loadtests.client import notices

logger = logging.getLogger(__name__)


def tell(user: Any, kind: str, error: Exception) -> None:
    """Report it as Locust does an error of a task: the user goes on.

    Args:
        user: whose code it is.
        kind: the same for each event of each user; logged with a traceback once, counted then.
        error: that was raised.
    """
    user.environment.events.user_error.fire(
        user_instance=user, exception=error, tb=error.__traceback__
    )
    if kind not in notices.counted():
        text = "".join(traceback.format_exception(error))
        logger.error("%s\n%s", error, text)
    notices.tell(kind, str(error))
