"""Locust without what importing it does to the process: it patches the standard library for gevent.

The other tests of this process, and those that start processes, want the library as it is. Import
from here what imports Locust.
"""

from __future__ import annotations

import os

_SKIP = "LOCUST_SKIP_MONKEY_PATCH"  # locust/__init__.py

os.environ[_SKIP] = "1"
try:
    from locust import stats as locust_stats
    from locust.env import Environment
    from locust.exception import RescheduleTask, StopUser
    from locust.stats import RequestStats, StatsEntry

    from loadtests.run import bench_user
    from loadtests.users import connected_user, recording, socketio_user, statistics
finally:
    del os.environ[_SKIP]

__all__ = [
    "Environment",
    "RequestStats",
    "RescheduleTask",
    "StatsEntry",
    "StopUser",
    "bench_user",
    "connected_user",
    "locust_stats",
    "recording",
    "running_environment",
    "socketio_user",
    "statistics",
]


def running_environment() -> Environment:
    """With a runner, so that what is fired becomes Locust's statistics."""
    result = Environment()
    result.create_local_runner()
    return result
