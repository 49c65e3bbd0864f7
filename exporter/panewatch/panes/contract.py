"""The metrics of the ``panes`` domain."""

from __future__ import annotations

from typing import Final

from panewatch.contract import MetricSpec

PANE: Final = ("server", "session", "window", "pane")

STATES: Final = (
    "working",
    "waiting_input",
    "idle",
    "stalled",
    "finished",
    "dead",
    "unknown",
)
"""Every state of a pane; exactly one is 1 at a time."""

SERVER_STATES: Final = (
    "up",
    "no_server",
    "missing",
    "permission",
    "refused",
    "timeout",
    "binary",
    "error",
)
"""Every state of a tmux server; exactly one is 1 at a time."""

ENDS: Final = ("ok", "failed", "killed", "unknown")
"""How a pane's command may have ended."""

WAITS: Final = ("permission", "question", "password", "confirm", "pager")
"""With what a pane may wait for a person."""

TASKS: Final = ("pending", "in_progress", "done")

WAIT_BUCKETS: Final = (
    1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0,
)  # fmt: skip

MOST_COMMANDS: Final = 200
"""Different commands that are exported by name."""

CALLS: Final = ("list", "capture")

_REMOTE = "for panes of servers behind a command prefix, whose processes are not visible here"
_ALIVE = "while the pane's command lives"

PANE_INFO = MetricSpec(
    "pane_info",
    "info",
    "The tmux pane id, the foreground command, the coding agent and the kind of program of a "
    f"pane. Commands after the first {MOST_COMMANDS} different ones are `other`.",
    (*PANE, "pane_id", "command", "agent", "kind"),
)
PANE_STATE = MetricSpec(
    "pane_state", "gauge", "Whether a pane is in a state: 1 for the state it is in.",
    (*PANE, "state"),
)  # fmt: skip
PANE_STATE_SECONDS = MetricSpec(
    "pane_state_seconds_total", "counter", "Time that a pane has spent in each state.",
    (*PANE, "state"), unit="seconds",
)  # fmt: skip
PANE_LAST_OUTPUT = MetricSpec(
    "pane_last_output_timestamp_seconds", "gauge", "When a pane last printed, in Unix time.",
    PANE, unit="seconds", absent="until output was seen",
)  # fmt: skip
PANE_LINES = MetricSpec(
    "pane_lines_total", "counter", "Lines that a pane printed, each counted once.", PANE
)
PANE_GAPS = MetricSpec(
    "pane_gaps_total", "counter",
    "Times that text was dropped by tmux before it could be read.", PANE,
)  # fmt: skip
PANE_LINES_MISSED = MetricSpec(
    "pane_lines_missed_total", "counter",
    "Lines that gaps swallowed, as far as known: a lower bound, often far too low.", PANE,
)  # fmt: skip
PANE_OVERFLOWS = MetricSpec(
    "pane_overflows_total", "counter",
    "Gaps because a pane printed more than can be read back; not those of a wiped history.", PANE,
)  # fmt: skip
PANE_LINES_TRUNCATED = MetricSpec(
    "pane_lines_truncated_total", "counter",
    "Lines that were longer than the configured length and were cut.", PANE,
)  # fmt: skip
PANE_CAPTURES = MetricSpec("pane_captures_total", "counter", "Times that a pane was read.", PANE)
PANE_CAPTURE_FAILURES = MetricSpec(
    "pane_capture_failures_total", "counter",
    "Times that a living pane could not be read.", PANE,
)  # fmt: skip
PANE_SAMPLE_INTERVAL = MetricSpec(
    "pane_sample_interval_seconds", "gauge",
    "Time between two reads of a pane: short while it prints, long while it is quiet.",
    PANE, unit="seconds",
)  # fmt: skip
PANE_CPU = MetricSpec(
    "pane_cpu_seconds_total", "counter",
    "CPU time of all processes that a pane started.", PANE, unit="seconds", absent=_REMOTE,
)  # fmt: skip
PANE_MEMORY = MetricSpec(
    "pane_memory_bytes", "gauge",
    "Resident memory of all processes of a pane; memory that they share counts in each.",
    PANE, unit="bytes", absent=_REMOTE,
)  # fmt: skip
PANE_PROCESSES = MetricSpec("pane_processes", "gauge", "Processes of a pane.", PANE, absent=_REMOTE)
PANE_READ = MetricSpec(
    "pane_read_bytes_total", "counter",
    "Bytes that the processes of a pane fetched from storage.", PANE,
    absent=f"{_REMOTE}, and where the kernel does not let the exporter see it",
)  # fmt: skip
PANE_WRITTEN = MetricSpec(
    "pane_written_bytes_total", "counter",
    "Bytes that the processes of a pane sent to storage.", PANE,
    absent=f"{_REMOTE}, and where the kernel does not let the exporter see it",
)  # fmt: skip
PANE_EXIT_STATUS = MetricSpec(
    "pane_exit_status", "gauge", "Exit status with which a pane's command ended.", PANE,
    absent=f"{_ALIVE}, and where a signal ended it",
)  # fmt: skip
PANE_EXIT_SIGNAL = MetricSpec(
    "pane_exit_signal", "gauge", "Number of the signal that ended a pane's command.", PANE,
    absent=f"{_ALIVE}, and where it exited by itself",
)  # fmt: skip
PANE_DEATHS = MetricSpec(
    "pane_deaths_total", "counter",
    "Commands of a pane that ended while tmux kept the pane, by how they ended; unknown where "
    "the next one ran already.", (*PANE, "result"),
)  # fmt: skip
PANE_WAITING_SINCE = MetricSpec(
    "pane_waiting_since_timestamp_seconds", "gauge",
    "Since when a pane waits for a person, in Unix time, and with what.",
    (*PANE, "kind"), unit="seconds", absent="while the pane waits for nobody",
)  # fmt: skip
PANE_WAIT = MetricSpec(
    "pane_wait_seconds", "histogram",
    "How long panes waited for a person, by what they waited with; counted when a wait ends.",
    ("server", "kind"), unit="seconds",
)  # fmt: skip
PANE_BLOCKED = MetricSpec(
    "pane_blocked_processes", "gauge",
    "Processes of a pane in uninterruptible sleep: they wait for a disk or another device.",
    PANE, absent=_REMOTE,
)  # fmt: skip
PANE_JOBS = MetricSpec(
    "pane_background_jobs", "gauge",
    "Background jobs and sub-agents that the screen of a pane's agent counts.", PANE,
    absent="where the screen shows no such count",
)  # fmt: skip
PANE_TASKS = MetricSpec(
    "pane_tasks", "gauge", "Tasks on the list that a pane's agent shows.", (*PANE, "status"),
    absent="where the screen shows no list",
)  # fmt: skip
PANE_LOOPING = MetricSpec(
    "pane_looping", "gauge",
    "Whether a pane goes round in circles: output keeps coming and hardly any of it is new, or "
    "the same command runs again and again.", PANE,
)  # fmt: skip
PANE_SWITCHES = MetricSpec(
    "pane_switches_total", "counter",
    "Times that somebody attached to a session turned to another pane, window or session; "
    "at most one per listing and client.", ("server", "session"),
)  # fmt: skip
PANE_INTERRUPTIONS = MetricSpec(
    "pane_interruptions_total", "counter",
    "Such switches while a pane of the server waited for a person or showed a command that "
    "failed.", ("server", "session"),
)  # fmt: skip
PANES = MetricSpec("panes", "gauge", "Panes that are read.", ("server",))
PANES_DROPPED = MetricSpec(
    "panes_dropped", "gauge", "Panes that are not read because there are too many.", ("server",)
)
PANES_VANISHED = MetricSpec(
    "panes_vanished_total", "counter",
    "Panes that ended between being listed and being read.", ("server",),
)  # fmt: skip
SERVER_UP = MetricSpec("tmux_server_up", "gauge", "Whether a tmux server answers.", ("server",))
SERVER_STATE = MetricSpec(
    "tmux_server_state", "gauge", "Whether a tmux server is in a state: 1 for the one it is in.",
    ("server", "state"),
)  # fmt: skip
SERVER_LOST = MetricSpec(
    "tmux_server_lost_panes", "gauge",
    "Panes that a tmux server had when it was listed for the last time, and that it took along.",
    ("server",),
    absent="while the server runs, where it ended with its last pane, and after "
    "`tmux.remember_lost` where no setting names it",
)  # fmt: skip
CALLS_TOTAL = MetricSpec(
    "tmux_calls_total", "counter", "Calls of the tmux command.", ("server", "call")
)
CALL_FAILURES = MetricSpec(
    "tmux_call_failures_total", "counter", "Failed calls of the tmux command, by reason.",
    ("server", "reason"),
)  # fmt: skip
SWEEP_DURATION = MetricSpec(
    "sweep_duration_seconds", "gauge",
    "Time that the last sweep over a server's panes took.", ("server",), unit="seconds",
)  # fmt: skip

METRICS: Final = (
    PANE_INFO,
    PANE_STATE,
    PANE_STATE_SECONDS,
    PANE_LAST_OUTPUT,
    PANE_LINES,
    PANE_GAPS,
    PANE_LINES_MISSED,
    PANE_OVERFLOWS,
    PANE_LINES_TRUNCATED,
    PANE_CAPTURES,
    PANE_CAPTURE_FAILURES,
    PANE_SAMPLE_INTERVAL,
    PANE_CPU,
    PANE_MEMORY,
    PANE_PROCESSES,
    PANE_READ,
    PANE_WRITTEN,
    PANE_EXIT_STATUS,
    PANE_EXIT_SIGNAL,
    PANE_DEATHS,
    PANE_WAITING_SINCE,
    PANE_WAIT,
    PANE_BLOCKED,
    PANE_JOBS,
    PANE_TASKS,
    PANE_LOOPING,
    PANE_SWITCHES,
    PANE_INTERRUPTIONS,
    PANES,
    PANES_DROPPED,
    PANES_VANISHED,
    SERVER_UP,
    SERVER_STATE,
    SERVER_LOST,
    CALLS_TOTAL,
    CALL_FAILURES,
    SWEEP_DURATION,
)
"""Every family of the domain, in the order in which it is exported."""
