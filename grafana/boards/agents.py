"""Coding agents: how they spend their time, what they have left to do, whether they get on."""

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.models import units

from boards.events import pane_conditions
from boards.panels import graph
from boards.queries import PANE, PANE_LABELS, PANE_OF_HOST, Query, pane_value, select, with_command
from boards.states import PANE_STATES
from boards.tables import PANE_COLUMNS, Column, listing

OF_AGENTS = [state for state in PANE_STATES if state.name not in {"dead", "unknown"}]
"""The states that an agent spends its time in."""


def time_of_agents() -> table.Panel:
    """Build a table of the panes with an agent: their time in each state."""

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


def task_lists() -> table.Panel:
    """Build a table of the tasks and the background jobs that agents show."""

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


def tasks_left() -> timeseries.Panel:
    """Build a graph of the tasks that are not done."""
    left = select("panewatch_pane_tasks", PANE, status=["pending", "in_progress"])
    return graph(
        "Tasks left",
        "Tasks on each agent's list that are not done. A line that falls is progress, one that "
        "stays is an agent that is stuck, waits or goes in circles.",
        [Query(f"sum by ({PANE_LABELS}) ({left})", legend=PANE_OF_HOST)],
        units.Short,
        decimals=0,
    )


def looping_panes() -> timeseries.Panel:
    """Build a graph of the panes that go in circles."""
    return pane_conditions(
        "Panes that go in circles",
        "Each pane that prints on and on while hardly anything of it is new, or runs the same "
        "command again and again. Stop it, or give it another hint.",
        "panewatch_pane_looping",
        PANE_OF_HOST,
    )


def blocked_processes() -> timeseries.Panel:
    """Build a graph of the processes that wait in the kernel."""
    return pane_conditions(
        "Processes that wait in the kernel",
        "Processes of each pane in uninterruptible sleep (state D): they wait for a disk, a "
        "network file system or another device, so the pane is slow and not stalled. Many for "
        "long are a disk that is overloaded or a server that does not answer.",
        "panewatch_pane_blocked_processes",
        PANE_OF_HOST,
    )
