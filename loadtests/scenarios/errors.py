"""What ends a trial."""


class TrialFailed(Exception):
    """There is nothing to measure, or no longer; the message is the trial's reason."""


class Unfinished(TrialFailed):
    """The run was interrupted before there was anything: as if the trial had never begun."""

    def __init__(self) -> None:
        super().__init__("the run was interrupted before the first round was whole")
