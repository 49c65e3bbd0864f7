"""Who has the GPUs: the panes whose programs hold their memory and take their time."""

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.models import units

from boards.devices import GPU, GPU_LABELS, named
from boards.panels import graph
from boards.queries import HOST, PANE_LABELS, PANE_NAME, Query, select
from boards.tables import PANE_COLUMNS, Column, listing


def panes() -> table.Panel:
    """Build the table of every pane that is on a GPU."""

    def value(name: str) -> str:
        metric = select(f"panewatch_pane_gpu_{name}", GPU)
        return named(f"max by ({PANE_LABELS}, gpu) ({metric})")

    return listing(
        "Panes on GPUs",
        "Every pane with a process that has something on a GPU, programs that left the pane for "
        "the background too. Much memory and no share of the time is a GPU that an idle program "
        "holds: end it in its pane if nobody needs it.",
        [value("processes"), value("memory_bytes"), value("utilization_ratio")],
        [
            *PANE_COLUMNS,
            Column("index", "GPU", 60),
            Column("name", "Name", 190),
            Column("Value #A", "Processes", 90),
            Column("Value #B", "Memory", 100, unit=units.BytesIEC),
            Column("Value #C", "Share of its time", 130, unit=units.PercentUnit),
        ],
        sort=("Memory", True),
        none="No pane is on a GPU.",
    )


def memory() -> timeseries.Panel:
    """Build the graph of who has the memory."""
    return graph(
        "Memory by pane",
        "What the programs of each pane have of the memory of all chosen GPUs of a host.",
        [
            Query(
                f"sum by ({PANE_LABELS}) ({select('panewatch_pane_gpu_memory_bytes', GPU)})",
                legend=PANE_NAME,
            )
        ],
        units.BytesIEC,
        area=True,
    )


def outside() -> table.Panel:
    """Build the table of what no pane has."""

    def value(name: str) -> str:
        metric = select(f"panewatch_gpu_outside_panes_{name}", GPU)
        there = select("panewatch_gpu_outside_panes_processes", GPU)
        labels = f"{GPU_LABELS}, reason"
        told = f"max by ({labels}) ({metric})\nand\n  max by ({labels}) ({there}) > 0"
        return named(f"({told})")

    return listing(
        "Outside of panes",
        "Processes on GPUs that belong to no pane. Other: they run elsewhere, such as another "
        "user's or a desktop's. Container: in one that names no pane. Unseen: their numbers mean "
        "nothing where panewatch runs, as in a container; then no pane can be told, and no alert "
        "about a pane's GPU fires.",
        [value("processes"), value("memory_bytes")],
        [
            Column("instance", "Host", 160),
            Column("index", "GPU", 60),
            Column("reason", "Reason", 90),
            Column("Value #A", "Processes", 90),
            Column("Value #B", "Memory", 100, unit=units.BytesIEC),
        ],
        sort=("Memory", True),
        none="Every process on a GPU is in a pane.",
    )


def containers() -> table.Panel:
    """Build the table of the containers that panes have processes in."""
    info = select("panewatch_pane_container_info", HOST)
    return listing(
        "Containers of panes",
        "Containers in which processes of a pane are. Those that a service begins for a pane, as "
        "Docker does, are not known to be the pane's unless they are given its environment.",
        [f"1000 * max by ({PANE_LABELS}, container, runtime) (timestamp({info}))"],
        [
            *PANE_COLUMNS,
            Column("container", "Container", 140),
            Column("runtime", "Runtime"),
            Column("Value #A", "Last seen", 160, unit=units.DatetimeLocal),
        ],
        none="No pane has a process in a container.",
    )
