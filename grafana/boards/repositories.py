"""The git repositories that panes are in: what is not saved, and what could not be read."""

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.models import units

from boards.events import events
from boards.panels import graph
from boards.queries import HOST, PANE, PANE_OF_HOST, Query, pane_value, select, with_command
from boards.states import ORANGE
from boards.tables import PANE_COLUMNS, Column, listing


def unsaved_work() -> table.Panel:
    """Build a table of the repository of each pane, most changes first."""

    def fact(name: str) -> str:
        return pane_value(f"panewatch_pane_repository_{name}", PANE)

    committed = f"1000 * {fact('last_commit_timestamp_seconds')}"
    return listing(
        "Repositories of panes",
        "Of the git repository of each pane's directory: files with changes that are in no "
        "commit, commits that are not pushed, and the last commit. Many files and an old commit "
        "under an agent at work are hours that one wrong command can undo: let it commit.",
        [
            with_command(fact("dirty_files"), PANE, "agent"),
            with_command(fact("unpushed_commits"), PANE, "agent"),
            with_command(committed, PANE, "agent"),
        ],
        [
            Column("agent", "Agent", 90),
            *PANE_COLUMNS,
            Column("Value #A", "Dirty files", 95, unit=units.Short, color=ORANGE),
            Column("Value #B", "Unpushed", 90, unit=units.Short),
            Column("Value #C", "Last commit", unit="dateTimeFromNow"),
        ],
        sort=("Dirty files", True),
        none="No pane is seen in a repository.",
    )


def dirty_files() -> timeseries.Panel:
    """Build a graph of the files that are in no commit."""
    return graph(
        "Files that no commit has saved",
        "Files with changes that are in no commit, in the repository of each pane. A line that "
        "falls to 0 is a commit; one that only climbs is an agent that never saves.",
        [Query(pane_value("panewatch_pane_repository_dirty_files", PANE), legend=PANE_OF_HOST)],
        units.Short,
        decimals=0,
    )


def unread_repositories() -> timeseries.Panel:
    """Build a graph of the repositories that could not be read."""
    return events(
        "Repositories that could not be read",
        "Looks at git repositories that gave nothing, by reason. Timeout: it is very large or on "
        "a slow disk. Ownership: it is another user's, and git refuses it. Binary: no git there.",
        "panewatch_repository_failures_total",
        HOST,
        by="reason",
        legend="{{reason}}",
    )


def dropped_repositories() -> timeseries.Panel:
    """Build a graph of the repositories that are over the limit."""
    return graph(
        "Repositories left out",
        "Repositories that are not read because panes are in too many of them: nothing is known "
        "of their unsaved work. Raise repositories.most.",
        [
            Query(
                f"max by (instance) ({select('panewatch_repositories_dropped', HOST)})",
                legend="{{instance}}",
            )
        ],
        units.Short,
        decimals=0,
    )
