"""The commands of the panes: what runs, what took long, what failed."""

from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.events import events
from boards.layout import PANE_VARIABLES, SERVER_VARIABLE, Row, Shelf, assemble, host_variables
from boards.panels import graph, ranking, tiles
from boards.queries import (
    PANE,
    PANE_LABELS,
    PANE_OF_HOST,
    SERVER,
    Query,
    count_of,
    pane_value,
    quantile,
    select,
    with_command,
)
from boards.states import ORANGE, RED
from boards.tables import PANE_COLUMNS, Column, listing

ENDED = "panewatch_pane_commands_total"
FAILED = "panewatch_pane_commands_failed_total"
STARTED = "panewatch_pane_command_started_timestamp_seconds"
REPEATS = "panewatch_pane_command_repeats"
DURATION = "panewatch_command_duration_seconds"

SHELL_INIT = "Known only where the shell reports exit statuses (`panewatch shell-init`)."
"""Said wherever failures are shown."""


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "commands",
        "The commands that people and scripts run in panes: which run longest, which are slow, "
        "which fail, and which are run again and again.",
        [*host_variables(every_host=True), SERVER_VARIABLE, *PANE_VARIABLES],
        [
            Row("Now", [Shelf(4, [(24, _counts())]), Shelf(8, [(24, _running())])]),
            Row(
                "How long commands take",
                [
                    Shelf(9, [(12, _by_command()), (12, _slowest())]),
                    Shelf(8, [(12, _durations()), (12, _ended())]),
                ],
            ),
            Row(
                "What fails and is run again",
                [
                    Shelf(8, [(24, _failing())]),
                    Shelf(8, [(12, _failures()), (12, _repeats())]),
                ],
            ),
        ],
        since="now-6h",
    )


def _in_range(counter: str) -> str:
    return f"increase({select(counter, PANE)}[$__range])"


def _counts() -> stat.Panel:
    return tiles(
        "Commands",
        "How many commands run now; how many ended in this time range, and how many of them "
        f"failed. {SHELL_INIT}",
        [
            Query(count_of(STARTED, PANE), legend="running now", instant=True),
            Query(f"round(sum({_in_range(ENDED)}))", legend="ended", instant=True),
            Query(f"round(sum({_in_range(FAILED)}))", legend="failed", instant=True),
        ],
        colors={"failed": ORANGE},
        none="none seen",
    )


def _running() -> table.Panel:
    started = pane_value(STARTED, PANE)
    return listing(
        "Running longest now",
        "The command that each pane runs, since when, and its name. Agents and servers run for "
        "days and may; a build or a test that runs longer than it ever did hangs or waits.",
        [with_command(f"(time() - {started})", PANE), f"1000 * {started}"],
        [
            Column("Value #A", "For", 120, unit=units.DurationInHoursMinutesSeconds),
            Column("Value #B", "Since", 160, unit="dateTimeAsIsoNoDateIfToday"),
            *PANE_COLUMNS,
            Column("command", "Command"),
            Column("agent", "Agent", 110),
            Column("kind", "Kind", 110),
        ],
        sort=("For", True),
        none="No command is seen to run.",
    )


def _by_command() -> table.Panel:
    ended = f"increase({select(f'{DURATION}_count', SERVER)}[$__range])"
    spent = f"increase({select(f'{DURATION}_sum', SERVER)}[$__range])"
    return listing(
        "Duration by command, in this time range",
        "How often each program ended, and how long it took: half of its runs less than p50, nine "
        "of ten less than p90 (estimated from the buckets of a histogram), and all of them "
        "together. The first is where it pays most to be faster.",
        [
            f"round(sum by (command) ({ended})) > 0",
            quantile(0.5, DURATION, SERVER, "command", "$__range"),
            quantile(0.9, DURATION, SERVER, "command", "$__range"),
            f"sum by (command) ({spent}) > 0",
        ],
        [
            Column("command", "Command"),
            Column("Value #A", "Ended", 80, unit=units.Short),
            Column("Value #B", "p50", 90, unit=units.Seconds),
            Column("Value #C", "p90", 90, unit=units.Seconds),
            Column("Value #D", "Together", 120, unit=units.DurationInHoursMinutesSeconds),
        ],
        sort=("Together", True),
        none="No command was seen to end.",
    )


def _slowest() -> bargauge.Panel:
    return ranking(
        "Slowest commands, in this time range",
        "The programs whose slow runs are slowest: one run of ten takes longer than this. A "
        "program that is high here and low in its median is sometimes slow: look what differs.",
        Query(
            f"topk(6, {quantile(0.9, DURATION, SERVER, 'command', '$__range')})",
            legend="{{command}}",
            instant=True,
        ),
        units.Seconds,
    )


def _durations() -> timeseries.Panel:
    return graph(
        "Duration of commands",
        "How long the commands took that ended at that moment: a dot for each, the ninth of ten "
        "where several of a program ended together. Dots that climb are a program that gets slow.",
        [
            Query(
                quantile(0.9, DURATION, SERVER, "command", "$__rate_interval"), legend="{{command}}"
            )
        ],
        units.Seconds,
        calcs=("mean", "max"),
        log=True,
    ).draw_style(options.GraphDrawStyle.POINTS)


def _ended() -> timeseries.Panel:
    return events(
        "Commands that ended",
        "How many commands ended, by program. Programs that are not in the list of the setting "
        "panes.commands.names are other.",
        f"{DURATION}_count",
        SERVER,
        by="command",
        legend="{{command}}",
    )


def _failing() -> table.Panel:
    ended = f"sum by ({PANE_LABELS}) ({_in_range(ENDED)})"
    failed = f"sum by ({PANE_LABELS}) ({_in_range(FAILED)})"
    return listing(
        "Commands by pane, in this time range",
        "How many commands ended in each pane, how many and which share of them failed, and how "
        "often the last command line was run in a row, where that is more than once. "
        f"{SHELL_INIT} The error behind a failure is on the errors dashboard.",
        [
            with_command(f"(round({failed}) > 0)", PANE, "agent"),
            with_command(f"round({ended})", PANE, "agent"),
            with_command(f"({failed} / ({ended} > 0))", PANE, "agent"),
            with_command(f"({pane_value(REPEATS, PANE)} > 1)", PANE, "agent"),
        ],
        [
            Column("Value #A", "Failed", 80, unit=units.Short, color=RED),
            Column("Value #B", "Ended", 80, unit=units.Short),
            Column("Value #C", "Share", 80, unit=units.PercentUnit),
            *PANE_COLUMNS,
            Column("agent", "Agent", 110),
            Column("Value #D", "Same in a row", unit=units.Short, color=ORANGE),
        ],
        sort=("Failed", True),
        none="No pane is seen whose commands are followed.",
    )


def _failures() -> timeseries.Panel:
    return events(
        "Commands that failed",
        "Commands that ended with another status than 0, by pane. A steady row is something that "
        f"is tried again and again. {SHELL_INIT}",
        FAILED,
        PANE,
        by=PANE_LABELS,
        legend=PANE_OF_HOST,
    )


def _repeats() -> timeseries.Panel:
    return graph(
        "Same command in a row",
        "How often the command line that ended last was run in a row in each pane; 1 is once. A "
        "line that climbs is somebody or something that tries the same again.",
        [Query(pane_value(REPEATS, PANE), legend=PANE_OF_HOST)],
        units.Short,
        decimals=0,
        limit=(10, ORANGE),
    )
