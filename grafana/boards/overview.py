"""The overview: what needs someone now, over all hosts."""

from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.bitrates import best_over_time
from boards.health import collectors, exporters
from boards.incidents import open_counts, open_incidents, opened_by_severity
from boards.layout import Row, Shelf, assemble, host_variables
from boards.panels import LINES_PER_SECOND, graph, ranking, state_tiles, thresholds, tiles
from boards.queries import (
    HOST,
    PANE_LABELS,
    PANE_NAME,
    Query,
    pane_rate,
    pane_value,
    select,
    silence,
    state_code,
    state_since,
    with_command,
)
from boards.states import (
    ATTENTION,
    BLUE,
    GREEN,
    ORANGE,
    PANE_STATES,
    RED,
    SERVER_STATES,
    code_mapping,
    value_mapping,
)
from boards.tables import PANE_COLUMNS, Column, listing
from boards.verdicts import verdict_now
from boards.waits import waiting_now

ALERTS = 'alertname=~"Panewatch.+"'
SEVERITIES = {"critical": RED, "warning": ORANGE, "info": BLUE}
STUCK = [state for state in PANE_STATES if state.name in ATTENTION]


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "overview",
        "What needs someone now: alerts that fire, failures that are open, panes that are stuck, "
        "and whether panewatch itself sees everything.",
        host_variables(every_host=True),
        [
            Row(
                "Needs someone now",
                [
                    Shelf(
                        4,
                        [
                            (5, _alert_counts()),
                            (4, open_counts(HOST, ["P0", "P1"])),
                            (5, waiting_now(HOST)),
                            (10, _pane_counts()),
                        ],
                    ),
                    Shelf(8, [(24, _alerts())]),
                    Shelf(8, [(24, _open_incidents())]),
                    Shelf(7, [(24, _stuck_panes())]),
                ],
            ),
            Row(
                "Does panewatch see everything",
                [
                    Shelf(
                        4,
                        [
                            (4, exporters()),
                            (6, _servers()),
                            (4, _lost_servers()),
                            (4, collectors()),
                            (6, _lost()),
                        ],
                    )
                ],
            ),
            Row("Experiments", [Shelf(6, [(9, verdict_now()), (15, best_over_time())])]),
            Row(
                "Work",
                [
                    Shelf(
                        8, [(8, _states_over_time()), (8, opened_by_severity(HOST)), (8, _output())]
                    ),
                    Shelf(9, [(8, _silent()), (8, _cpu()), (8, _memory())]),
                ],
            ),
        ],
        since="now-3h",
    )


def _alert_counts() -> stat.Panel:
    return tiles(
        "Firing alerts",
        "Alerts of panewatch that fire now, by severity. Critical pages someone; look at the "
        "table below for what fires and follow the runbook in the notification.",
        [
            Query(
                f"count({select('ALERTS', ALERTS, alertstate='firing', severity=severity)})"
                " or vector(0)",
                legend=severity,
                instant=True,
            )
            for severity in SEVERITIES
        ],
        colors=SEVERITIES,
    )


def _pane_counts() -> stat.Panel:
    return state_tiles(
        "Panes by state",
        "How many panes are in each state now. Waiting, stalled and dead panes get no further "
        "without someone: they are listed below. A finished pane's command has ended lately.",
        PANE_STATES,
        lambda state: select("panewatch_pane_state", HOST, state=state.name),
        none="none seen",
    )


def _alerts() -> table.Panel:
    labels = "alertname, severity, instance, server, session, window, pane, rule, collector"
    since = select("ALERTS_FOR_STATE", ALERTS)
    firing = select("ALERTS", ALERTS, alertstate="firing")
    return listing(
        "What fires",
        "Each alert of panewatch that fires, since when its condition holds, and what it is "
        "about. Its runbook is linked in the notification; silence it in Alertmanager only "
        "after somebody has taken it on.",
        [
            f"1000 * max by ({labels}) (\n  {since} and ignoring (alertstate) {firing}\n)",
        ],
        [
            Column(
                "severity",
                "Severity",
                90,
                mapping=value_mapping({name: (name, color) for name, color in SEVERITIES.items()}),
            ),
            Column("alertname", "Alert"),
            Column("Value #A", "Since", 130, unit="dateTimeFromNow"),
            *PANE_COLUMNS,
            Column("rule", "Rule", 200),
            Column("collector", "Collector", 100),
        ],
        sort=("Since", False),
        none="No alert fires.",
    )


def _open_incidents() -> table.Panel:
    return open_incidents(
        "What failed and is open",
        HOST,
        ["P0", "P1"],
        "No failure is seen to be open.",
    )


def _stuck_panes() -> table.Panel:
    stuck = f"{state_code('panewatch_pane_state', HOST, PANE_LABELS, STUCK)} > 0"
    only = f"\nand on ({PANE_LABELS}) ({stuck})"
    last_output = pane_value("panewatch_pane_last_output_timestamp_seconds", HOST)
    return listing(
        "Panes that wait for someone",
        "Panes that wait for an answer, have stalled (a program that is silent and does nothing) "
        "or are dead, since when, and when they last printed. Attach with `tmux attach -t "
        "SESSION` and look; a click on the session shows the pane over time.",
        [
            with_command(f"({stuck})", HOST),
            state_since(HOST, ATTENTION),
            f"1000 * {last_output}{only}",
            f"{pane_value('panewatch_pane_exit_status', HOST)}{only}",
            f"{pane_value('panewatch_pane_exit_signal', HOST)}{only}",
        ],
        [
            Column("Value #A", "State", 85, mapping=code_mapping(STUCK)),
            Column("Value #B", "Since", 120, unit="dateTimeFromNow"),
            *PANE_COLUMNS,
            Column("command", "Command"),
            Column("agent", "Agent", 80),
            Column("Value #C", "Last output", 120, unit="dateTimeFromNow"),
            Column("Value #D", "Exit", 60, color=RED),
            Column("Value #E", "Signal", 70, color=RED),
        ],
        sort=("Since", False),
        none="No pane is seen to wait for anyone.",
    )


def _servers() -> stat.Panel:
    code = state_code("panewatch_tmux_server_state", HOST, "instance, server", SERVER_STATES)
    return tiles(
        "tmux servers",
        "How the last call to each tmux server ended. Grey: no tmux runs there, which is right "
        "when nobody works. Red or orange: tmux is there and panewatch cannot read it; run "
        "`panewatch diagnose` on the host.",
        [Query(code, legend="{{server}} {{instance}}", instant=True)],
        units.NoUnit,
        mapping=code_mapping(SERVER_STATES),
        none="none seen",
    )


def _lost_servers() -> stat.Panel:
    lost = select("panewatch_tmux_server_lost_panes", HOST)
    return tiles(
        "Lost tmux servers",
        "tmux servers that ended with panes in them, and how many panes those were. Whatever "
        "ran there is gone: see in the kernel's log whether memory ran out, or who ran "
        "kill-server; start it again.",
        [
            Query(
                f"max by (instance, server) ({lost})",
                legend="{{server}} {{instance}}",
                instant=True,
            )
        ],
        color=thresholds(RED),
        none="none",
    )


def _lost() -> stat.Panel:
    def total(counter: str) -> str:
        return f"round(sum(increase({select(counter, HOST)}[$__range])))"

    return tiles(
        "Not seen in this time range",
        "Overflows: times that a pane printed more than could be read back: raise tmux's "
        "history-limit for panes that flood. A wiped history and a respawn are none. Lines: what "
        "gaps of any kind are known to have swallowed, a lower bound. Unread panes are over the "
        "cap now: raise max_panes.",
        [
            Query(total("panewatch_pane_overflows_total"), legend="overflows", instant=True),
            Query(total("panewatch_pane_lines_missed_total"), legend="lines", instant=True),
            Query(
                f"sum({select('panewatch_panes_dropped', HOST)})",
                legend="unread panes",
                instant=True,
            ),
        ],
        color=thresholds(GREEN, (1, ORANGE)),
    )


def _states_over_time() -> timeseries.Panel:
    return graph(
        "Panes by state over time",
        "How many panes were in each state. A growing band of stalled or waiting panes means "
        "that work stands still.",
        [
            Query(
                f"sum({select('panewatch_pane_state', HOST, state=state.name)})",
                legend=state.text,
            )
            for state in reversed(PANE_STATES)
        ],
        units.Short,
        area=True,
        calcs=(),
        colors=PANE_STATES,
    )


def _output() -> timeseries.Panel:
    return graph(
        "Output by session",
        "New lines per second of all panes of a session. A session that falls to 0 has ended or "
        "hangs; one that shoots up may print errors in a loop.",
        [
            Query(
                "sum by (server, session) "
                f"(rate({select('panewatch_pane_lines_total', HOST)}[$__rate_interval]))",
                legend="{{server}} {{session}}",
            )
        ],
        LINES_PER_SECOND,
        beside=True,
    )


def _silent() -> bargauge.Panel:
    return ranking(
        "Longest silent programs",
        "Running programs by the time since their last output; shells that wait for a command "
        "are left out. A long silence is no fault where a program prints little.",
        Query(
            f"topk(6,\n{silence(HOST)}\n)",
            legend=PANE_NAME,
            instant=True,
        ),
        units.Seconds,
        color=thresholds(GREEN, (60, BLUE), (300, ORANGE)),
    )


def _cpu() -> bargauge.Panel:
    return ranking(
        "Most CPU",
        "CPU of each pane's process tree; 100 % is one core. Panes in containers and on other "
        "hosts are not measured.",
        Query(
            f"topk(6, {pane_rate('panewatch_pane_cpu_seconds_total', HOST)} > 0)",
            legend=PANE_NAME,
            instant=True,
        ),
        units.PercentUnit,
        decimals=1,
    )


def _memory() -> bargauge.Panel:
    return ranking(
        "Most memory",
        "Resident memory of each pane's process tree. Where the host runs out, the kernel kills "
        "the largest first: end or move what is not needed.",
        Query(
            f"topk(6, {pane_value('panewatch_pane_memory_bytes', HOST)} > 0)",
            legend=PANE_NAME,
            instant=True,
        ),
        units.BytesIEC,
    )
