"""How long trials take, and whether this machine has what an experiment needs."""

from __future__ import annotations

from collections.abc import Iterable

from loadtests.machine import limits
from loadtests.options import SERVER, Disconnect, ServerGone
from loadtests.record.words import Cause, Outage
from loadtests.run.experiment import Experiment, ExperimentError
from loadtests.run.trial import connect_timeout_s

_LAUNCH_S = 1.7  # a server and a Locust process, side by side
_HOSTS_S = 2.5  # clients in processes of their own, or in a browser's tabs
_GRACE_S = 15.0  # for a busy machine


def expected_s(experiment: Experiment, scenario: str, variant: str = "") -> float:
    """About how long a trial takes, start-up included, in seconds."""
    if scenario == "echo" and (echo := experiment.echo):
        return _LAUNCH_S + 2 * echo.warmup_s + echo.latency_s + echo.throughput_s + 0.5
    if scenario == "broadcast" and (broadcast := experiment.broadcast):
        return _LAUNCH_S + broadcast.warmup_s + broadcast.measure_s + 0.5
    if scenario == "disconnect" and (disconnect := experiment.disconnect):
        if variant == SERVER and disconnect.server is not None:
            return _outages_s(disconnect.server)
        return _departures_s(disconnect.of(variant))
    raise KeyError(scenario)


def longest_s(experiment: Experiment, scenario: str, variant: str = "") -> float:
    """How long a trial can take while all is well, connecting slowly and draining included."""
    waiting_s = 0.0
    if scenario == "echo" and experiment.echo:
        waiting_s = 2 * experiment.echo.drain_s
    elif scenario == "broadcast" and experiment.broadcast:
        waiting_s = experiment.broadcast.drain_s
    elif scenario == "disconnect" and experiment.disconnect:
        waiting_s = experiment.disconnect.of(variant).observed_s
    connecting_s = connect_timeout_s(experiment.connections(scenario, variant))
    return expected_s(experiment, scenario, variant) + waiting_s + connecting_s + _GRACE_S


def _departures_s(options: Disconnect) -> float:
    usually_s = options.ping_interval_s + 1.5 * options.ping_timeout_s
    hosts_s = _HOSTS_S if options.in_generator < options.connections else 0
    if Cause.CUT in options.causes:
        hosts_s = max(hosts_s, options.ping_interval_s)
    return (
        _LAUNCH_S
        + hosts_s
        + options.connections / 100
        + options.quiet_s
        + options.ping_interval_s
        + min(usually_s, options.observed_s)
    )


def _outages_s(options: ServerGone) -> float:
    back_s = 3.0  # clients try again after a second, then after two
    each_s = {
        Outage.KILL: options.down_s + back_s,
        Outage.FREEZE: options.ping_interval_s + options.ping_timeout_s + 3 + back_s,
        Outage.RESTART: _LAUNCH_S + back_s,
    }
    pauses_s = options.ping_interval_s * (1 + len(options.causes))
    return _LAUNCH_S + _HOSTS_S + pauses_s + sum(each_s[cause] for cause in options.causes)


def shortage(experiment: Experiment, scenario: str, variant: str = "") -> str | None:
    """What this machine has too little of for a trial's clients; None where it has enough.

    Raises the limit of open files as needed.

    Returns:
        One line with what would work.
    """
    clients = experiment.connections(scenario, variant)
    # A polling client holds two connections.
    needed = 2 * clients + limits.OTHER_FILES
    allowed = limits.allow_open_files(needed)
    if allowed is not None:
        return (
            f"{clients} clients need {needed} open files, and {allowed} are allowed; at most "
            f"{max(0, (allowed - limits.OTHER_FILES) // 2)} clients would work, or raise ulimit -n"
        )
    ports = limits.ephemeral_ports()
    if ports is not None and 2 * clients > ports:
        return (
            f"{clients} clients need {2 * clients} ports to connect from, and there are {ports}; "
            f"at most {ports // 2} clients would work, or widen net.ipv4.ip_local_port_range"
        )
    return None


def check(experiment: Experiment, scenarios: Iterable[str]) -> None:
    """Refuse an experiment of which no trial can run, before anything does.

    Args:
        experiment: to be run.
        scenarios: those of its scenarios that would run.

    Raises:
        ExperimentError: says what would work.
    """
    lacks = {
        scenario: shortage(experiment, scenario, variant)
        for scenario in scenarios
        for variant in experiment.variants(scenario)
    }
    if lacks and all(lack is not None for lack in lacks.values()):
        scenario, lack = next(iter(lacks.items()))
        raise ExperimentError(f"experiment {experiment.name}: {scenario}: {lack}")
