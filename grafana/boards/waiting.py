"""Who waits for whom: panes for people, agents for nothing, people for their own attention."""

from grafana_foundation_sdk.builders import bargauge, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard, DynamicConfigValue

from boards.events import events, pane_conditions
from boards.layout import PANE_VARIABLES, SERVER_VARIABLE, Row, Shelf, assemble, host_variables
from boards.panels import PER_HOUR, QUIET, graph, ranking, thresholds, tiles, timeline
from boards.queries import (
    PANE,
    PANE_LABELS,
    PANE_OF_HOST,
    SERVER,
    Query,
    pane_value,
    quantile,
    select,
    wall,
    with_command,
)
from boards.states import ORANGE, PANE_STATES, PURPLE, WAITS
from boards.tables import PANE_COLUMNS, Column, listing
from boards.waits import waiting_by_kind, waiting_now, waiting_panes

WAIT = "panewatch_pane_wait_seconds"

HOUR = "1h"
"""What happens a few times an hour is counted over one, at every resolution."""

SESSION = f'{SERVER}, session=~"$session"'
"""Matchers of what is told about the chosen sessions."""

OF_AGENTS = [state for state in PANE_STATES if state.name not in {"dead", "unknown"}]
"""The states that an agent spends its time in."""


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
                    Shelf(8, [(17, _agents()), (7, _most())]),
                ],
            ),
            Row(
                "Do agents get on",
                [
                    Shelf(8, [(15, _tasks()), (9, _left())]),
                    Shelf(7, [(12, _looping()), (12, _blocked())]),
                ],
            ),
            Row(
                "What interrupts people",
                [Shelf(7, [(6, _turned()), (9, _switches()), (9, _interruptions())])],
            ),
            Row("Work that no commit has saved", [Shelf(8, [(15, _unsaved()), (9, _dirty())])]),
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


def _agents() -> table.Panel:
    def spent(**state: str) -> str:
        seconds = select("panewatch_pane_state_seconds_total", PANE, **state)
        return f"sum by ({PANE_LABELS}) (increase({seconds}[$__range]))"

    def of_agents(expr: str) -> str:
        return with_command(expr, PANE, "agent", agents=True)

    return listing(
        "Time of agents in each state, in this time range",
        "How the panes in which an agent is now spent the time range, and which share of it they "
        "waited for a person. Waiting is time that you could give back; much idle time is an "
        "agent without a task.",
        [
            of_agents(f"({spent(state='waiting_input')} / {spent()})"),
            *(of_agents(f"({spent(state=state.name)} > 0)") for state in OF_AGENTS),
        ],
        [
            Column("agent", "Agent", 80),
            *PANE_COLUMNS,
            Column("Value #A", "Waited", 75, unit=units.PercentUnit),
            *(
                Column(
                    f"Value #{'BCDEF'[index]}",
                    state.text.capitalize(),
                    85,
                    unit=units.DurationInHoursMinutesSeconds,
                    color=state.color,
                )
                for index, state in enumerate(OF_AGENTS)
            ),
        ],
        sort=("Waited", True),
        none="No agent is seen.",
    )


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


def _tasks() -> table.Panel:
    def tasks(status: str) -> str:
        value = select("panewatch_pane_tasks", PANE, status=status)
        return with_command(f"max by ({PANE_LABELS}) ({value})", PANE, "agent")

    jobs = pane_value("panewatch_pane_background_jobs", PANE)
    return listing(
        "Task lists and background jobs",
        "What each agent's screen counts now: the tasks on its list, and the background jobs and "
        "sub-agents that it has started. An agent that is idle with tasks left has stopped "
        "before its end: ask it to go on.",
        [
            tasks("pending"),
            tasks("in_progress"),
            tasks("done"),
            with_command(jobs, PANE, "agent"),
        ],
        [
            Column("agent", "Agent", 90),
            *PANE_COLUMNS,
            Column("Value #A", "Pending", 80, unit=units.Short),
            Column("Value #B", "In progress", 100, unit=units.Short),
            Column("Value #C", "Done", 65, unit=units.Short),
            Column("Value #D", "Jobs", unit=units.Short),
        ],
        sort=("Pending", True),
        none="No screen shows a task list or background jobs.",
    )


def _left() -> timeseries.Panel:
    left = select("panewatch_pane_tasks", PANE, status=["pending", "in_progress"])
    return graph(
        "Tasks left",
        "Tasks on each agent's list that are not done. A line that falls is progress, one that "
        "stays is an agent that is stuck, waits or goes in circles.",
        [Query(f"sum by ({PANE_LABELS}) ({left})", legend=PANE_OF_HOST)],
        units.Short,
        decimals=0,
    )


def _looping() -> timeseries.Panel:
    return pane_conditions(
        "Panes that go in circles",
        "Each pane that prints on and on while hardly anything of it is new, or runs the same "
        "command again and again. Stop it, or give it another hint.",
        "panewatch_pane_looping",
        PANE_OF_HOST,
    )


def _blocked() -> timeseries.Panel:
    return pane_conditions(
        "Processes that wait in the kernel",
        "Processes of each pane in uninterruptible sleep (state D): they wait for a disk, a "
        "network file system or another device, so the pane is slow and not stalled. Many for "
        "long are a disk that is overloaded or a server that does not answer.",
        "panewatch_pane_blocked_processes",
        PANE_OF_HOST,
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


def _unsaved() -> table.Panel:
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


def _dirty() -> timeseries.Panel:
    return graph(
        "Files that no commit has saved",
        "Files with changes that are in no commit, in the repository of each pane. A line that "
        "falls to 0 is a commit; one that only climbs is an agent that never saves.",
        [Query(pane_value("panewatch_pane_repository_dirty_files", PANE), legend=PANE_OF_HOST)],
        units.Short,
        decimals=0,
    )
