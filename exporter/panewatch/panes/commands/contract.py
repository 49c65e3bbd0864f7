"""The metrics of the commands that panes run."""

from __future__ import annotations

from typing import Final

from panewatch.contract import MetricSpec
from panewatch.panes.contract import PANE

_UNSEEN: Final = (
    "for panes of servers behind a command prefix, and where `panes.commands.enabled` is off"
)

DURATION_BUCKETS: Final = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 28800.0)

PANE_COMMANDS = MetricSpec(
    "pane_commands_total", "counter",
    "Commands of a pane's shell that ended: all that a shell with `shell-init` reports, of other"
    " shells those that were seen to run.", PANE, absent=_UNSEEN,
)  # fmt: skip
PANE_COMMANDS_FAILED = MetricSpec(
    "pane_commands_failed_total", "counter",
    "Commands of a pane's shell that ended with another status than 0, or 130 (Ctrl-C).", PANE,
    absent="until a shell of the pane reports, which takes `shell-init`",
)  # fmt: skip
PANE_COMMAND_STARTED = MetricSpec(
    "pane_command_started_timestamp_seconds", "gauge",
    "When the command that a pane runs was started, in Unix time.", PANE, unit="seconds",
    absent=f"while the shell is at its prompt, {_UNSEEN}",
)  # fmt: skip
PANE_COMMAND_REPEATS = MetricSpec(
    "pane_command_repeats", "gauge",
    "Times that the command line that ended last was run in a row: 1 is once.", PANE,
    absent=f"until a command ended, {_UNSEEN}",
)  # fmt: skip
COMMAND_DURATION = MetricSpec(
    "command_duration_seconds", "histogram",
    "Time that commands took, by program: one of `panes.commands.names`, or `other`.",
    ("server", "command"), unit="seconds", absent="for programs that have not ended yet",
)  # fmt: skip

PANE_METRICS: Final = (
    PANE_COMMANDS,
    PANE_COMMANDS_FAILED,
    PANE_COMMAND_STARTED,
    PANE_COMMAND_REPEATS,
)

METRICS: Final = (*PANE_METRICS, COMMAND_DURATION)
"""Every family of the commands, in the order in which it is exported."""
