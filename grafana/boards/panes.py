"""The panes of one host over time."""

from grafana_foundation_sdk.builders import statetimeline, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.events import events, pane_events
from boards.layout import PANE_VARIABLES, SERVER_VARIABLE, Row, Shelf, assemble, host_variables
from boards.panels import LINES_PER_SECOND, graph, timeline
from boards.queries import (
    PANE,
    PANE_LABELS,
    PANE_NAME,
    Query,
    pane_rate,
    pane_value,
    select,
    silence,
    state_code,
    state_since,
    wall,
    with_command,
)
from boards.states import ORANGE, PANE_STATES, RED, State, code_mapping
from boards.tables import PANE_COLUMNS, Column, listing

CODE = state_code("panewatch_pane_state", PANE, PANE_LABELS, PANE_STATES)


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "panes",
        "What each pane is doing, for how long, how much it prints, and what it uses. Choose one "
        "host: panes are named as tmux names them, and two hosts may use the same names.",
        [*host_variables(every_host=False), SERVER_VARIABLE, *PANE_VARIABLES],
        [
            Row(
                "State",
                [
                    Shelf(12, [(24, _states())]),
                    Shelf(12, [(24, _now())]),
                    Shelf(12, [(24, _time_in_state())]),
                    Shelf(8, [(24, _deaths())]),
                ],
            ),
            Row("Output", [Shelf(8, [(12, _lines()), (12, _silence())])]),
            Row(
                "Resources of the process trees",
                [
                    Shelf(8, [(12, _cpu()), (12, _memory())]),
                    Shelf(8, [(8, _read()), (8, _written()), (8, _processes())]),
                ],
            ),
            Row(
                "How well the panes are read",
                [
                    Shelf(8, [(12, _interval()), (12, _captures())]),
                    Shelf(7, [(8, _gaps()), (8, _overflows()), (8, _missed())]),
                    Shelf(7, [(12, _truncated()), (12, _failures())]),
                ],
            ),
        ],
        since="now-3h",
    )


def _states() -> statetimeline.Panel:
    return timeline(
        "State of each pane",
        "What each pane was doing. At the top are those that need somebody at the end of the time "
        "range: purple waits for an answer, orange has stalled (a program that is silent and does "
        "nothing), red is dead. A hole means that panewatch did not see the pane then.",
        Query(wall(PANE, PANE_STATES), legend=PANE_NAME),
        PANE_STATES,
    )


def _now() -> table.Panel:
    return listing(
        "Panes now",
        "What runs in each pane, its state and since when, when it last printed, and how its "
        "command ended where it is dead. The kind tells how silence is to be read: an editor "
        "or a pager may be quiet for hours.",
        [
            with_command(f"({CODE} > 0)", PANE),
            state_since(PANE, [state.name for state in PANE_STATES]),
            f"1000 * {pane_value('panewatch_pane_last_output_timestamp_seconds', PANE)}",
            pane_value("panewatch_pane_processes", PANE),
            pane_value("panewatch_pane_exit_status", PANE),
            pane_value("panewatch_pane_exit_signal", PANE),
        ],
        [
            Column("Value #A", "State", 90, mapping=code_mapping(PANE_STATES)),
            Column("Value #B", "Since", 130, unit="dateTimeFromNow"),
            *PANE_COLUMNS,
            Column("command", "Command"),
            Column("agent", "Agent", 90),
            Column("kind", "Kind", 90),
            Column("Value #C", "Last output", 150, unit="dateTimeFromNow"),
            Column("Value #D", "Processes", 95),
            Column("Value #E", "Exit", 65, color=RED),
            Column("Value #F", "Signal", 75, color=RED),
        ],
        sort=("State", False),
        none="No pane is seen.",
    )


def _time_in_state() -> table.Panel:
    def spent(state: State) -> str:
        return select("panewatch_pane_state_seconds_total", PANE, state=state.name)

    return listing(
        "Time in each state, in this time range",
        "How long each pane was in each state between the two ends of the time range. Much time "
        "waiting or stalled is time in which somebody or something was missed.",
        [
            f"sum by ({PANE_LABELS}) (increase({spent(state)}[$__range])) > 0"
            for state in PANE_STATES
        ],
        [
            *PANE_COLUMNS[1:],
            *(
                Column(
                    f"Value #{'ABCDEFG'[index]}",
                    state.text.capitalize(),
                    unit=units.DurationInHoursMinutesSeconds,
                    color=state.color,
                )
                for index, state in enumerate(PANE_STATES)
            ),
        ],
        sort=("Session", False),
        none="No pane is seen.",
    )


def _deaths() -> timeseries.Panel:
    return events(
        "Commands that ended",
        "Commands of panes that tmux kept (remain-on-exit), by how they ended; unknown where the "
        "next one ran already. Many in a row of one pane are a command that fails and is started "
        "again: look at why it fails.",
        "panewatch_pane_deaths_total",
        PANE,
        by=f"{PANE_LABELS}, result",
        legend=f"{PANE_NAME} {{{{result}}}}",
    )


def _lines() -> timeseries.Panel:
    return graph(
        "Lines printed",
        "New lines per second, each counted once; a bar or a spinner that is redrawn counts as "
        "one line. A sudden flood is often an error in a loop.",
        [Query(pane_rate("panewatch_pane_lines_total", PANE), legend=PANE_NAME)],
        LINES_PER_SECOND,
        beside=True,
    )


def _silence() -> timeseries.Panel:
    return graph(
        "Silence of running programs",
        "Time since the last output of each pane in which something runs. The dashed line is "
        "the default of stalled_after, from which a running program counts as stalled.",
        [Query(silence(PANE), legend=PANE_NAME)],
        units.Seconds,
        beside=True,
        limit=(300, ORANGE),
    )


def _gaps() -> timeseries.Panel:
    return pane_events(
        "Gaps",
        "Times that text was gone before it was read: scrolled out of tmux's history (raise "
        "history-limit for panes that flood), wiped by a respawn or with the history.",
        "panewatch_pane_gaps_total",
    )


def _overflows() -> timeseries.Panel:
    return pane_events(
        "Overflows",
        "Gaps because a pane printed more than can be read back. Each lost text that nobody "
        "wiped: raise history-limit, or let the program print less.",
        "panewatch_pane_overflows_total",
    )


def _missed() -> timeseries.Panel:
    return pane_events(
        "Lines missed",
        "Lines known to be lost in gaps: a lower bound, because tmux drops a tenth of a full "
        "history at once and does not count. What was in them is in no other figure here.",
        "panewatch_pane_lines_missed_total",
    )


def _truncated() -> timeseries.Panel:
    return pane_events(
        "Lines cut",
        "Lines longer than line_length, of which only the beginning was looked at. Raise it in "
        "the configuration where the ends matter.",
        "panewatch_pane_lines_truncated_total",
    )


def _cpu() -> timeseries.Panel:
    return graph(
        "CPU",
        "CPU of each pane's process tree; 100 % is one core. A program that is silent and uses "
        "none hangs; one that is silent and busy computes.",
        [Query(pane_rate("panewatch_pane_cpu_seconds_total", PANE), legend=PANE_NAME)],
        units.PercentUnit,
        beside=True,
        decimals=1,
    )


def _memory() -> timeseries.Panel:
    return graph(
        "Memory",
        "Resident memory of each pane's process tree. A steady climb that never falls is a leak: "
        "restart the program before the kernel ends it.",
        [Query(pane_value("panewatch_pane_memory_bytes", PANE), legend=PANE_NAME)],
        units.BytesIEC,
        beside=True,
    )


def _read() -> timeseries.Panel:
    return graph(
        "Read from disk",
        "Bytes per second that each pane's process tree reads from storage. A training run that "
        "reads at the disk's limit waits for its data.",
        [Query(pane_rate("panewatch_pane_read_bytes_total", PANE), legend=PANE_NAME)],
        units.BytesPerSecondIEC,
        beside=True,
        calcs=("lastNotNull",),
    )


def _written() -> timeseries.Panel:
    return graph(
        "Written to disk",
        "Bytes per second that each pane's process tree writes to storage. Look for what fills "
        "the disk here.",
        [Query(pane_rate("panewatch_pane_written_bytes_total", PANE), legend=PANE_NAME)],
        units.BytesPerSecondIEC,
        beside=True,
        calcs=("lastNotNull",),
    )


def _processes() -> timeseries.Panel:
    return graph(
        "Processes",
        "Processes in each pane's process tree. A number that only grows is a program that does "
        "not reap or end its children.",
        [Query(pane_value("panewatch_pane_processes", PANE), legend=PANE_NAME)],
        units.Short,
        beside=True,
        calcs=("lastNotNull",),
    )


def _interval() -> timeseries.Panel:
    return graph(
        "Time between two looks",
        "How often each pane is read: about 1 s while it changes, less while it floods, up to "
        "max_interval while it is quiet. A pane that stays at the least and still has gaps "
        "needs a longer history.",
        [Query(pane_value("panewatch_pane_sample_interval_seconds", PANE), legend=PANE_NAME)],
        units.Seconds,
        beside=True,
    )


def _captures() -> timeseries.Panel:
    return graph(
        "Looks",
        "Captures of each pane's text per second. Their sum is what panewatch asks of tmux.",
        [Query(pane_rate("panewatch_pane_captures_total", PANE), legend=PANE_NAME)],
        units.OpsPerSecond,
        beside=True,
    )


def _failures() -> timeseries.Panel:
    return pane_events(
        "Looks that failed",
        "Captures that gave no text. Now and then one fails because its pane closed in between; "
        "many of one pane mean that its tmux server does not answer: see the exporter dashboard.",
        "panewatch_pane_capture_failures_total",
    )
