"""Who waits for whom: panes for people, agents for nothing, people for their own attention."""

from grafana_foundation_sdk.builders import bargauge, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard, DynamicConfigValue

from boards.agents import (
    blocked_processes,
    looping_panes,
    task_lists,
    tasks_left,
    time_of_agents,
)
from boards.events import events
from boards.layout import PANE_VARIABLES, SERVER_VARIABLE, Row, Shelf, assemble, host_variables
from boards.panels import PER_HOUR, QUIET, graph, ranking, thresholds, tiles, timeline
from boards.queries import (
    PANE,
    PANE_LABELS,
    PANE_OF_HOST,
    SERVER,
    Query,
    quantile,
    select,
    wall,
)
from boards.repositories import dirty_files, unsaved_work
from boards.states import PANE_STATES, PURPLE, WAITS
from boards.tables import Column, listing
from boards.waits import waiting_by_kind, waiting_now, waiting_panes

WAIT = "panewatch_pane_wait_seconds"

HOUR = "1h"
"""What happens a few times an hour is counted over one, at every resolution."""

SESSION = f'{SERVER}, session=~"$session"'
"""Matchers of what is told about the chosen sessions."""


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "waiting",
        "Which panes wait for a person, with what and since when; how long answers take; whether "
        "agents get on and what they have left to do; what interrupts people; what is not saved.",
        [*host_variables(every_host=True), SERVER_VARIABLE, *PANE_VARIABLES],
        [
            Row(
                "Waits for you now",
                [
                    Shelf(4, [(9, waiting_now(PANE)), (15, waiting_by_kind(PANE))]),
                    Shelf(8, [(24, waiting_panes("Who waits", PANE))]),
                    Shelf(14, [(24, _wall())]),
                ],
            ),
            Row(
                "How long answers take",
                [
                    Shelf(8, [(9, _by_kind()), (8, _times()), (7, _answered())]),
                    Shelf(8, [(17, time_of_agents()), (7, _most())]),
                ],
            ),
            Row(
                "Do agents get on",
                [
                    Shelf(8, [(15, task_lists()), (9, tasks_left())]),
                    Shelf(7, [(12, looping_panes()), (12, blocked_processes())]),
                ],
            ),
            Row(
                "What interrupts people",
                [Shelf(7, [(6, _turned()), (9, _switches()), (9, _interruptions())])],
            ),
            Row(
                "Work that no commit has saved",
                [Shelf(8, [(15, unsaved_work()), (9, dirty_files())])],
            ),
        ],
        since="now-6h",
    )


def _wall() -> statetimeline.Panel:
    return timeline(
        "The wall",
        "What each pane was doing. At the top are those that need somebody at the end of the time "
        "range: purple waits for an answer, orange has stalled, red is dead. A row that is purple "
        "for long is an agent that nobody looked after.",
        Query(wall(PANE, PANE_STATES), legend=PANE_OF_HOST),
        PANE_STATES,
        rows_per_page=30,
    )


def _by_kind() -> table.Panel:
    ended = f"increase({select(f'{WAIT}_count', SERVER)}[$__range])"
    waited = f"increase({select(f'{WAIT}_sum', SERVER)}[$__range])"
    return listing(
        "Waits by kind, in this time range",
        "How many waits ended, and how long they took: half of them less than p50, nine of ten "
        "less than p90 (estimated from the buckets of a histogram), and all of them together. A "
        "prompt that you answer at once each time can be allowed in the agent's settings.",
        [
            f"round(sum by (kind) ({ended})) > 0",
            quantile(0.5, WAIT, SERVER, "kind", "$__range"),
            quantile(0.9, WAIT, SERVER, "kind", "$__range"),
            f"sum by (kind) ({waited}) > 0",
        ],
        [
            Column("kind", "Waited with", 100),
            Column("Value #A", "Waits", 65, unit=units.Short),
            Column("Value #B", "p50", 80, unit=units.Seconds),
            Column("Value #C", "p90", 80, unit=units.Seconds),
            Column("Value #D", "Together", unit=units.DurationInHoursMinutesSeconds),
        ],
        sort=("Together", True),
        none="No wait has ended.",
    )


def _times() -> timeseries.Panel:
    panel = graph(
        "Time to an answer",
        "How long the waits took that ended at that moment: a dot for each, the median where "
        "several of a kind ended together. Dots that climb mean that agents wait longer for you.",
        [Query(quantile(0.5, WAIT, SERVER, "kind", "$__rate_interval"), legend="{{kind}}")],
        units.Seconds,
        calcs=(),
        log=True,
    ).draw_style(options.GraphDrawStyle.POINTS)
    return _color_kinds(panel)


def _answered() -> timeseries.Panel:
    return _color_kinds(
        events(
            "Waits that ended",
            "How often a pane stopped waiting, by kind: somebody answered, or what asked ended. "
            "Many permissions in a row are work that an agent could have been allowed.",
            f"{WAIT}_count",
            SERVER,
            by="kind",
            legend="{{kind}}",
        )
    )


def _color_kinds(panel: timeseries.Panel) -> timeseries.Panel:
    for kind, color in WAITS.items():
        fixed = DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})
        panel = panel.override_by_name(kind, [fixed])
    return panel


def _most() -> bargauge.Panel:
    waited = select("panewatch_pane_state_seconds_total", PANE, state="waiting_input")
    return ranking(
        "Waited most, in this time range",
        "The panes that waited longest for a person in all, whatever runs in them. The first is "
        "where an answer is most often late: watch it, or let it ask less.",
        Query(
            f"topk(6, sum by ({PANE_LABELS}) (increase({waited}[$__range])) > 0)",
            legend=PANE_OF_HOST,
            instant=True,
        ),
        units.DurationInHoursMinutesSeconds,
        color=thresholds(PURPLE),
    )


def _turned() -> stat.Panel:
    def total(counter: str) -> str:
        return f"round(sum(increase({select(counter, SESSION)}[$__range])))"

    return tiles(
        "Switches, in this time range",
        "How often somebody turned to another pane, window or session, and how often that was "
        "while a pane waited or showed a failure. Each switch costs attention.",
        [
            Query(total("panewatch_pane_switches_total"), legend="switches", instant=True),
            Query(
                total("panewatch_pane_interruptions_total"), legend="interruptions", instant=True
            ),
        ],
        color=thresholds(QUIET),
        none="none seen",
    )


def _switches() -> timeseries.Panel:
    return _per_hour(
        "Switches per hour",
        "How often in the hour before somebody turned to another pane, window or session, by "
        "session. Many are a person who looks after many panes at once: let alerts look instead.",
        "panewatch_pane_switches_total",
    )


def _interruptions() -> timeseries.Panel:
    return _per_hour(
        "Interruptions per hour",
        "Switches in the hour before while a pane of the server waited for a person or showed a "
        "command that failed. Where nearly all are some, panes call faster than you can answer.",
        "panewatch_pane_interruptions_total",
    )


def _per_hour(title: str, description: str, counter: str) -> timeseries.Panel:
    hour = f"increase({select(counter, SESSION)}[{HOUR}])"
    return graph(
        title,
        description,
        [
            Query(
                f"sum by (instance, server, session) ({hour})",
                legend="{{server}} {{session}} {{instance}}",
            )
        ],
        PER_HOUR,
        area=True,
        calcs=("mean", "max"),
        decimals=0,
    )
