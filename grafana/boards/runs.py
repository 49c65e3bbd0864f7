"""What is asked about runs, on the dashboard of trainings."""

from boards.queries import HOST, select

RUN = f'{HOST}, run=~"$run"'
"""Matchers of what is told about the chosen runs."""

RUN_LABELS = "instance, run"
"""The labels that name a run."""

PER_SECOND = "suffix: /s"
"""A unit that Grafana does not have."""


def value_of(metric: str, **labels: str) -> str:
    """Ask for one value of each run."""
    return f"max by ({RUN_LABELS}) ({select(metric, RUN, **labels)})"


def increase_of(metric: str) -> str:
    """Ask how much a counter of each run grew."""
    return f"sum by ({RUN_LABELS}) (increase({select(metric, RUN)}[$__rate_interval]))"


def rate_of(metric: str) -> str:
    """Ask how fast a counter of each run grows."""
    return f"sum by ({RUN_LABELS}) (rate({select(metric, RUN)}[$__rate_interval]))"
