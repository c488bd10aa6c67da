"""From an experiment to result.json: the order of trials, each trial, and its Locust process."""
