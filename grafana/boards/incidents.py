"""Incidents: what two dashboards show of them."""

from collections.abc import Sequence
from dataclasses import replace

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from boards.events import events
from boards.panels import tiles
from boards.queries import HOST, PANE_LABELS, Query, select
from boards.states import BLUE, ORANGE, RED, value_mapping
from boards.tables import PANE_COLUMNS, Column, listing

SEVERITIES = {"P0": RED, "P1": ORANGE, "P2": BLUE}
"""The severities of incidents, worst first, and their colours."""

WIDTHS = {"Host": 140, "Server": 75, "Session": 100, "Window": 75, "Pane": 60}
"""Narrower than in other tables: the last column is a sentence."""

WRAPPED = [
    DynamicConfigValue("custom.cellOptions", {"type": "auto", "wrapText": True}),
    DynamicConfigValue("custom.wrapText", value=True),
]
"""Text that goes on in a second line: as Grafana 11 and as Grafana 12 want it said."""

INCIDENT = f"{PANE_LABELS}, rule"
"""The labels that name what a row of the table is about."""


def open_counts(scope: str, severities: Sequence[str]) -> stat.Panel:
    """Build a tile for each of the severities: how many incidents are open now."""
    return tiles(
        "Open incidents",
        "How many incidents are open now, by severity. P0: the work does not go on without "
        "someone. P1: something failed. P2: a slip, or it is tried again by itself.",
        [
            Query(
                f"sum({select('panewatch_pane_incidents_open', scope, severity=severity)})",
                legend=severity,
                instant=True,
            )
            for severity in severities
        ],
        colors={severity: SEVERITIES[severity] for severity in severities},
        none="none seen",
    )


def open_incidents(title: str, scope: str, severities: Sequence[str], none: str) -> table.Panel:
    """Build a table of what is open now, worst first, with what to do about it."""
    is_open = select("panewatch_incident_open", scope, severity=severities)
    opened = select("panewatch_incident_opened_timestamp_seconds", scope)
    return listing(
        title,
        "What went wrong, in which pane, since when (the oldest, where a rule has several open), "
        "and what to do about it. It goes when a success ends it, when it has been quiet for long "
        "while the pane goes on, or with the pane. A click on the session shows the pane.",
        [
            with_suggestion(f"sum by ({INCIDENT}, severity, category) ({is_open})"),
            f"1000 * min by ({INCIDENT}) ({opened})\nand on ({INCIDENT}) {is_open}",
        ],
        [
            Column(
                "severity",
                "Severity",
                80,
                mapping=value_mapping({name: (name, SEVERITIES[name]) for name in severities}),
            ),
            Column("rule", "Rule", 190),
            Column("category", "Category", 90),
            Column("Value #B", "Since", 125, unit="dateTimeFromNow"),
            Column("Value #A", "Open", 55, unit=units.Short),
            *(replace(column, width=WIDTHS[column.title]) for column in PANE_COLUMNS),
            Column("suggestion", "What to do"),
        ],
        sort=("Severity", False),
        none=none,
    ).override_by_name("What to do", WRAPPED)


def opened_by_severity(scope: str) -> timeseries.Panel:
    """Build a graph of how many incidents were opened, in the colours of their severities."""
    panel = events(
        "Incidents opened",
        "How many incidents were opened, by severity; repeats and consequences of one do not "
        "count again. A tall bar is one change that broke much, a steady row is something that "
        "is tried again and again.",
        "panewatch_pane_incidents_total",
        scope,
        by="severity",
        legend="{{severity}}",
    )
    for severity, color in SEVERITIES.items():
        fixed = DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})
        panel = panel.override_by_name(severity, [fixed])
    return panel


def with_suggestion(expr: str) -> str:
    """Add the suggestion of each rule as a label, for a table; a rule without one keeps its row.

    Where a rule has two infos, because a reload changed it a moment ago, the newer counts.
    """
    info = select("panewatch_rule_info", HOST)
    joined = (
        f"{expr}\n+ on (instance, rule) group_left (suggestion)\n"
        f"  0 * topk by (instance, rule) (1, timestamp({info}))"
    )
    return f"{joined}\nor on ({INCIDENT}, severity)\n  {expr}"
