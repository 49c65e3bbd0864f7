"""The metrics of the ``repositories`` collector."""

from __future__ import annotations

from typing import Final

from panewatch.contract import MetricSpec
from panewatch.panes.contract import PANE

FAILURES: Final = ("binary", "timeout", "output", "ownership", "filters", "error")
"""Why a repository could not be read."""

_UNKNOWN = (
    "where the pane is in no repository, the repository cannot be read, or the pane is not on "
    "this machine"
)

DIRTY_FILES = MetricSpec(
    "pane_repository_dirty_files", "gauge",
    "Paths that differ from the last commit in the git repository that a pane is in, also those "
    "that git does not know.", PANE, absent=_UNKNOWN,
)  # fmt: skip
UNPUSHED_COMMITS = MetricSpec(
    "pane_repository_unpushed_commits", "gauge",
    "Commits of a pane's branch that its upstream branch lacks, as of the last fetch or push.",
    PANE, absent=f"{_UNKNOWN}; and without an upstream branch",
)  # fmt: skip
LAST_COMMIT = MetricSpec(
    "pane_repository_last_commit_timestamp_seconds", "gauge",
    "When the last commit of a pane's branch was made, in Unix time.",
    PANE, unit="seconds", absent=f"{_UNKNOWN}; and before the first commit",
)  # fmt: skip
REPOSITORY_FAILURES = MetricSpec(
    "repository_failures_total", "counter",
    f"Repositories that could not be read, by reason ({', '.join(FAILURES)}).", ("reason",),
)  # fmt: skip
REPOSITORIES_DROPPED = MetricSpec(
    "repositories_dropped", "gauge", "Repositories that are not read because there are too many."
)

OF_PANES: Final = (DIRTY_FILES, UNPUSHED_COMMITS, LAST_COMMIT)
METRICS: Final = (*OF_PANES, REPOSITORY_FAILURES, REPOSITORIES_DROPPED)
"""Every family of the collector, in the order in which it is exported."""
