"""Whether applications of one's own can be served at all: seen before anything is measured."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from loadtests.machine.launch import LaunchError, serving
from loadtests.run.experiment import Experiment, ExperimentError
from loadtests.run.subjects import Subject

#: For an application to be imported, and its server to listen.
_READY_S = 60.0
#: What a server says of its end, around the words of who refused.
_AROUND = re.compile(
    r".*before it was ready: (?:.*; then: )?(?:transport-bench[\w -]*: )?(?P<words>.+); its log: .*"
)


def tried(
    wanted: Experiment,
    subjects: Mapping[str, Subject],
    *,
    narrows: bool,
    tell: Callable[[str], None],
) -> Experiment:
    """The experiment, if one of its subjects at least can be measured.

    Args:
        wanted: with its subjects.
        subjects: label -> what is measured under it; each application among them is served once.
        narrows: whether those that cannot be served are left out; else they have their rows.
        tell: what is left out, a line each.

    Raises:
        ExperimentError: none can; in the words of the first.
    """
    failed: dict[str, str] = {}
    with TemporaryDirectory(prefix="transport-bench-") as folder:
        for label, subject in subjects.items():
            if subject.app is not None and (why := _lack(subject, label, Path(folder))):
                failed[label] = why
    if failed and len(failed) == len(subjects):
        raise ExperimentError(next(iter(failed.values())))
    if not (failed and narrows):
        return wanted
    for why in failed.values():
        tell(f"left out: {why}")
    kept = [each for each in wanted.subject if each.label not in failed]
    return msgspec.structs.replace(wanted, subject=kept, modes=[each.label for each in kept])


def _lack(subject: Subject, label: str, folder: Path) -> str:
    mode = subject.mode or label
    try:
        with serving(
            mode,
            ping_interval_s=25,
            ping_timeout_s=20,
            log=folder / "server.log",
            journal=folder / "journal.jsonl",
            command=(*subject.command, "--keep-heartbeat"),
            own_heartbeat=True,
            folder=subject.folder,
            environment=subject.environment,
            timeout_s=_READY_S,
        ):
            return ""
    except LaunchError as error:
        said = str(error)
        words = _AROUND.fullmatch(said)
        return words["words"] if words else re.sub(r"; its log: \S+", "", said)
