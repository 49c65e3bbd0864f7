"""Bars for what should not happen: a blank graph says that it did not."""

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from boards.panels import graph
from boards.queries import PANE, PANE_LABELS, PANE_NAME, Query, pane_value, select

NOTHING = "none"


def events(
    title: str, description: str, counter: str, scope: str, *, by: str, legend: str
) -> timeseries.Panel:
    """Build a graph of how often something happened.

    Where it was counted and did not happen, an invisible 0 is drawn, so that a blank graph
    is told from "No data", which means that nobody counted.

    Args:
        title: heading.
        description: what it shows and what to do about it.
        counter: counts the events.
        scope: the dashboard's matchers.
        by: labels that bars are told apart by, comma-separated.
        legend: name of a bar.
    """
    increase = f"(increase({select(counter, scope)}[$__rate_interval]))"
    return _build(
        title, description, f"sum by ({by}) {increase} > 0", f"sum {increase} == 0", legend
    )


def pane_events(title: str, description: str, counter: str) -> timeseries.Panel:
    """Build a graph of how often something happened to each of the chosen panes."""
    return events(title, description, counter, PANE, by=PANE_LABELS, legend=PANE_NAME)


def pane_conditions(title: str, description: str, gauge: str, legend: str) -> timeseries.Panel:
    """Build a graph of what should be 0 in each of the chosen panes."""
    bad = f"{pane_value(gauge, PANE)} > 0"
    return _build(title, description, bad, f"sum({select(gauge, PANE)}) == 0", legend)


def _build(
    title: str, description: str, happened: str, nothing: str, legend: str
) -> timeseries.Panel:
    hidden = {"legend": True, "tooltip": True, "viz": False}
    return graph(
        title,
        description,
        [Query(happened, legend=legend), Query(nothing, legend=NOTHING)],
        units.Short,
        bars=True,
        calcs=("max",),
    ).override_by_name(NOTHING, [DynamicConfigValue("custom.hideFrom", hidden)])
