"""What ends a trial."""


class TrialFailed(Exception):
    """There is nothing to measure, or no longer; the message is the trial's reason."""
