"""Who waits for a person, and for how long: what two dashboards show of it."""

from grafana_foundation_sdk.builders import stat, table
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from boards.panels import QUIET, thresholds, tiles
from boards.queries import PANE_LABELS, Query, count_of, select, with_command
from boards.states import ORANGE, PURPLE, WAITS, value_mapping
from boards.tables import PANE_COLUMNS, Column, listing

SINCE = "panewatch_pane_waiting_since_timestamp_seconds"
"""When each pane that waits began to."""

PEOPLE = [kind for kind in WAITS if kind != "pager"]
"""The kinds in which a program cannot go on; a pager that is open keeps nobody."""

TOLD = 300
"""Seconds of waiting after which PanewatchPaneWaiting tells."""


def waiting_now(scope: str) -> stat.Panel:
    """Build two tiles: how many panes wait for an answer, and the longest of them."""
    longest = f"time() - min({select(SINCE, scope, kind=PEOPLE)})"
    seconds = [
        DynamicConfigValue("unit", units.DurationInHoursMinutesSeconds),
        DynamicConfigValue("thresholds", thresholds(QUIET, (TOLD, ORANGE)).build()),
    ]
    return tiles(
        "Waiting for you",
        "How many panes wait for an answer now: a permission, a question, a password or a yes or "
        "no; pagers are left out. And how long the one has waited that waits longest, where one "
        "does: orange from 5 minutes on.",
        [
            Query(count_of(SINCE, scope, kind=PEOPLE), legend="panes", instant=True),
            Query(longest, legend="longest", instant=True),
        ],
        colors={"panes": PURPLE},
        none="none seen",
    ).override_by_name("longest", seconds)


def waiting_by_kind(scope: str) -> stat.Panel:
    """Build a tile for each kind: how many panes wait with it."""
    return tiles(
        "Waiting, by kind",
        "With what panes wait now. Permission: an agent may not go on. Question: it asks what to "
        "do. Password and confirm: ssh, sudo, git and the like. Pager: somebody left text open.",
        [Query(count_of(SINCE, scope, kind=kind), legend=kind, instant=True) for kind in WAITS],
        colors=WAITS,
        none="none seen",
    )


def waiting_panes(title: str, scope: str) -> table.Panel:
    """Build a table of the panes that wait, longest first."""
    since = f"max by ({PANE_LABELS}, kind) ({select(SINCE, scope)})"
    return listing(
        title,
        "Each pane that waits for a person: with what, for how long and since when, and the agent "
        "or the program that asks. Attach with `tmux attach -t SESSION` and answer; a click on "
        "the session shows the pane.",
        [with_command(f"(time() - {since})", scope, "command, agent"), f"1000 * {since}"],
        [
            Column(
                "kind",
                "Waits with",
                100,
                mapping=value_mapping({kind: (kind, color) for kind, color in WAITS.items()}),
            ),
            Column("Value #A", "For", 100, unit=units.DurationInHoursMinutesSeconds),
            Column("Value #B", "Since", 160, unit="dateTimeAsIsoNoDateIfToday"),
            *PANE_COLUMNS,
            Column("agent", "Agent", 110),
            Column("command", "Command"),
        ],
        sort=("For", True),
        none="No pane is seen to wait for a person.",
    )
