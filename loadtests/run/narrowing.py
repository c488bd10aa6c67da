"""The part of an experiment that somebody asks for."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from loadtests.record.words import Transport
from loadtests.run.experiment import Experiment, ExperimentError, known
from loadtests.scenarios.registry import SCENARIOS
from servers.modes import ADAPTERS


def narrow(
    experiment: Experiment,
    *,
    modes: Sequence[str] | None = None,
    transports: Sequence[str] | None = None,
    scenarios: Sequence[str] | None = None,
) -> Experiment:
    """The part of an experiment that somebody asks for; None leaves an axis as it is.

    Modes need not be among the experiment's own, unless these are labels of subjects; scenarios
    neither, if they have a usual size.

    Raises:
        ExperimentError: a name is unknown, or a scenario is to be told its size by an experiment.
    """
    labels = [each.label for each in experiment.subject]
    for kind, names, all_names in (
        ("subject" if labels else "mode", modes, labels or list(ADAPTERS)),
        ("transport", transports, list(Transport)),
        ("scenario", scenarios, list(SCENARIOS)),
    ):
        known(kind, names or (), all_names)
    changes: dict[str, object] = {}
    if modes:
        changes["modes"] = list(dict.fromkeys(modes))
        changes["subject"] = [each for each in experiment.subject if each.label in modes]
    if transports:
        changes["transports"] = [Transport(name) for name in dict.fromkeys(transports)]
    if scenarios:
        changes |= {name: _as_usual(experiment, name) for name in scenarios}
        changes |= {name: None for name in experiment.scenarios if name not in scenarios}
    return msgspec.structs.replace(experiment, **changes)


def _as_usual(experiment: Experiment, scenario: str) -> msgspec.Struct:
    """The options of a scenario: the experiment's, or what it does if nobody says otherwise."""
    own: msgspec.Struct | None = getattr(experiment, scenario)
    if own is not None:
        return own
    try:
        usual: msgspec.Struct = SCENARIOS[scenario].options()
    except TypeError as error:  # some of them have no default
        raise ExperimentError(
            f"experiment {experiment.name} has no scenario {scenario}; "
            f"it has {', '.join(experiment.scenarios)}"
        ) from error
    return usual
