"""Whether a machine has what an experiment needs, and whether anybody has the time."""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from loadtests.machine import limits
from loadtests.record.application import NAMESPACE
from loadtests.run.experiment import Experiment, ExperimentError
from loadtests.scenarios.scenario import Variant

#: A run that is expected to take longer is a slip of the pen.
LONGEST_DAYS = 7
#: So is a plan of more trials, also of such that will not run.
MOST_TRIALS = 1_000_000

_DAY_S = 24 * 3600.0
_MIB = 1024**2
#: Of a server, and of a client on both sides with room for what is on its way; a part of the memory
#: that is free, since others want some.
_SERVER_MIB, _CLIENT_MIB, _USABLE = 120.0, 0.5, 0.7


def shortage(clients: int) -> str | None:
    """What this machine has too little of for so many clients; None where it has enough.

    Raises the limit of open files as needed.

    Returns:
        One line with what would work.
    """
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


def room(variant: Variant) -> int:
    """How many servers with the clients of a trial this machine can hold at the same time.

    Returns:
        One at least, however little there is.
    """
    clients = variant.clients
    free_mib = _USABLE * psutil.virtual_memory().available / _MIB
    most = int(free_mib / (_SERVER_MIB + clients * _CLIENT_MIB))
    # Raises the limit as far as it goes: what is started later has it, too.
    allowed = limits.allow_open_files(2 * clients * most + limits.OTHER_FILES)
    if allowed is not None:
        limits.allow_open_files(allowed)
        most = min(most, (allowed - limits.OTHER_FILES) // (2 * clients))
    return max(1, most)


def for_servers_of_ours(experiment: Experiment) -> Experiment:
    """An experiment whose servers are started here, and are all alike in how they are reached.

    Raises:
        ExperimentError: what connections are told makes no sense to them.
    """
    if experiment.messages is not None:
        raise ExperimentError(
            "messages are for an application of one's own (--app or --url); this run starts "
            "servers of ours, and they have events of their own"
        )
    target = experiment.target
    for name, given, why in (
        ("path", target.path.strip("/") != "socket.io", "they are at /socket.io"),
        ("namespace", target.namespace not in (None, NAMESPACE), f"they speak in {NAMESPACE}"),
        ("insecure", target.insecure, "they are not encrypted"),
        ("ca_file", target.ca_file is not None, "they are not encrypted"),
    ):
        if given:
            raise ExperimentError(
                f"{name} (--{name.replace('_', '-')}, or in [target]) is for a server of --url; "
                f"this run starts servers of ours, and {why}"
            )
    return experiment


def check(experiment: Experiment, scenarios: Sequence[str]) -> None:
    """Refuse an experiment that takes for ever, or of which no trial can run, before anything does.

    Args:
        experiment: to be run.
        scenarios: those of its scenarios that would run.

    Raises:
        ExperimentError: says what would work.
    """
    _check_time(experiment, scenarios)
    if not scenarios:  # an experiment has one at least
        raise ExperimentError(
            f"experiment {experiment.name}: {', '.join(experiment.scenarios)} can be measured only "
            "against servers of ours, which keep a journal; leave --url out, or choose others"
        )
    lacks = [
        (scenario, shortage(variant.clients))
        for scenario in scenarios
        for variant in experiment.variants(scenario)
    ]
    if lacks and all(lack is not None for _, lack in lacks):
        scenario, lack = lacks[0]
        raise ExperimentError(f"experiment {experiment.name}: {scenario}: {lack}")


def _check_time(experiment: Experiment, scenarios: Sequence[str]) -> None:
    # Counted, not planned: a plan of a thousand million trials would not fit into memory.
    cells = len(experiment.modes) * len(experiment.transports)
    total_s = sum(
        variant.expected_s * cells * _clients(experiment, variant) * experiment.blocks_of(scenario)
        for scenario in scenarios
        for variant in experiment.variants(scenario)
    )
    days = total_s / _DAY_S
    if days > LONGEST_DAYS:
        blocks = max(1, int(experiment.blocks * LONGEST_DAYS / days))
        raise ExperimentError(
            f"experiment {experiment.name}: this is {days:,.0f} days, more than {LONGEST_DAYS}; "
            f"{blocks:,} instead of {experiment.blocks:,} blocks would fit"
        )
    trials = cells * sum(
        _clients(experiment, variant) * experiment.blocks_of(scenario)
        for scenario in experiment.scenarios
        for variant in experiment.variants(scenario)
    )
    if trials > MOST_TRIALS:
        raise ExperimentError(
            f"experiment {experiment.name}: these are {trials:,} trials, more than "
            f"{MOST_TRIALS:,}; fewer blocks, modes or settings would do"
        )


def _clients(experiment: Experiment, variant: Variant) -> int:
    return sum(variant.scenario.measured_by(client) for client in experiment.clients)
