"""The metrics of the ``errors`` domain."""

from __future__ import annotations

from typing import Final

from panewatch.contract import MetricSpec
from panewatch.panes.contract import PANE

OUTCOMES: Final = ("success", "quiet", "end", "dropped", "refuted")
"""How an incident can end: a success, silence while the pane goes on, the end of its pane or
rule, that too many are open in the pane, or that the command went well in spite of it."""

STATE_FILE_TROUBLES: Final = ("busy", "corrupt", "foreign", "newer", "unreadable", "unwritable")
"""Why the state file was not used: another panewatch uses it, it is damaged, it belongs to or
may be changed by somebody else, a later version wrote it, it cannot be read or written."""

RECOVERY_BUCKETS: Final = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0)

RULE_INFO = MetricSpec(
    "rule_info", "info",
    "The severity, the category and the suggestion of an error rule.",
    ("rule", "severity", "category", "suggestion"),
    absent="for rules that took nothing since the start",
)  # fmt: skip
RULE_MATCHES = MetricSpec(
    "rule_matches_total", "counter",
    "Lines and exit statuses of commands that a rule took, in all panes.",
    ("rule",), absent="for rules that took nothing since the start",
)  # fmt: skip
RULES = MetricSpec("rules", "gauge", "Rules in use, by kind.", ("kind",))
PANE_ERROR_LINES = MetricSpec(
    "pane_error_lines_total", "counter", "Lines of a pane that an error rule took.", PANE
)
PANE_NOISE_LINES = MetricSpec(
    "pane_lines_noise_total", "counter",
    "Lines of a pane that look like errors and are none: a noise rule took them, or they"
    " are quoted, help or source code.", PANE,
)  # fmt: skip
PANE_UNCLASSIFIED = MetricSpec(
    "pane_unclassified_lines_total", "counter",
    "Lines of a pane that look like errors and that no rule knows.", PANE,
)  # fmt: skip
PANE_INCIDENTS = MetricSpec(
    "pane_incidents_total", "counter", "Incidents that were opened in a pane.", (*PANE, "severity")
)
PANE_INCIDENTS_OPEN = MetricSpec(
    "pane_incidents_open", "gauge", "Incidents that are open in a pane.", (*PANE, "severity")
)
INCIDENTS = MetricSpec(
    "incidents_total", "counter", "Incidents that were opened, by what they are about.",
    ("server", "severity", "category"),
)  # fmt: skip
INCIDENTS_RESOLVED = MetricSpec(
    "incidents_resolved_total", "counter", "Incidents that ended, and how.", ("server", "outcome")
)
INCIDENT_OPEN = MetricSpec(
    "incident_open", "gauge", "Open incidents of a pane that a rule opened.",
    (*PANE, "rule", "severity", "category"), absent="for rules without an open incident",
)  # fmt: skip
INCIDENT_OPENED = MetricSpec(
    "incident_opened_timestamp_seconds", "gauge",
    "When the oldest open incident of a rule in a pane was opened, in Unix time.",
    (*PANE, "rule"), unit="seconds", absent="for rules without an open incident",
)  # fmt: skip
INCIDENT_RECOVERY = MetricSpec(
    "incident_recovery_seconds", "histogram",
    "Time from the opening of an incident to the success that ended it.",
    ("server", "severity", "category"), unit="seconds",
)  # fmt: skip
FRICTION = MetricSpec(
    "friction_total", "counter", "Times that a pane showed friction, by kind.", (*PANE, "kind")
)
TRANSFER_RATE = MetricSpec(
    "transfer_bytes_per_second", "gauge", "Rate that a file transfer in a pane shows.", PANE,
    absent="while no transfer is shown",
)  # fmt: skip

STATE_FILE_ERRORS = MetricSpec(
    "state_file_errors_total", "counter",
    "Times that the file could not be read or written which keeps open incidents over a restart, "
    f"by reason ({', '.join(STATE_FILE_TROUBLES)}).", ("reason",),
)  # fmt: skip

METRICS: Final = (
    RULE_INFO,
    RULE_MATCHES,
    RULES,
    PANE_ERROR_LINES,
    PANE_NOISE_LINES,
    PANE_UNCLASSIFIED,
    PANE_INCIDENTS,
    PANE_INCIDENTS_OPEN,
    INCIDENTS,
    INCIDENTS_RESOLVED,
    INCIDENT_OPEN,
    INCIDENT_OPENED,
    INCIDENT_RECOVERY,
    FRICTION,
    TRANSFER_RATE,
    STATE_FILE_ERRORS,
)
"""Every family of the domain, in the order in which it is exported."""
