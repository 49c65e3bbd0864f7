"""What the GPUs do, how they fare, and what goes wrong with them."""

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.devices import GPU, GPU_LABELS, GPU_NAME, named, parts_of, rate_of, value_of
from boards.faults import ecc, failures, lost, source, throttles, xids
from boards.holders import containers, memory, outside, panes
from boards.layout import Row, Shelf, Variable, assemble, host_variables
from boards.panels import graph, tiles
from boards.queries import HOST, Query, select
from boards.states import ORANGE, RED
from boards.tables import Column, listing


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "gpu",
        "What each GPU does, how near it is to its limits, and what goes wrong with it.",
        [*host_variables(every_host=True), Variable("gpu", f"panewatch_gpu_lost{{{HOST}}}")],
        [
            Row("Now", [Shelf(9, [(19, _gpus()), (5, _sums())])]),
            Row(
                "Work",
                [
                    Shelf(8, [(12, _utilization()), (12, _memory())]),
                    Shelf(8, [(12, _clocks()), (12, _pcie())]),
                ],
            ),
            Row(
                "Who has them",
                [
                    Shelf(8, [(24, panes())]),
                    Shelf(8, [(8, memory()), (8, outside()), (8, containers())]),
                ],
            ),
            Row(
                "Limits",
                [
                    Shelf(8, [(12, _temperature()), (12, _power())]),
                    Shelf(8, [(12, throttles()), (12, _energy())]),
                ],
            ),
            Row("What goes wrong", [Shelf(8, [(8, xids()), (8, ecc()), (8, lost())])]),
            Row("Parts", [Shelf(7, [(24, _migs())])]),
            Row("How it is known", [Shelf(6, [(12, source()), (12, failures())])]),
        ],
        since="now-3h",
    )


def _gpus() -> table.Panel:
    def value(name: str) -> str:
        metric = f"max by ({GPU_LABELS}) ({select(f'panewatch_gpu_{name}', GPU)})"
        return named(metric, "index, name, driver")

    return listing(
        "GPUs",
        "Every GPU that can be read. One with much memory in use and no work is held by a program "
        "that is idle; one that is full and busy is what the next training has to wait for.",
        [
            value("utilization_ratio"),
            value("memory_used_bytes"),
            value("memory_total_bytes"),
            value("temperature_celsius"),
            value("power_watts"),
        ],
        [
            Column("instance", "Host", 160),
            Column("index", "Index", 60),
            Column("name", "Name", 190),
            Column("driver", "Driver", 100),
            Column("Value #A", "Busy", 65, unit=units.PercentUnit),
            Column("Value #B", "Memory", 85, unit=units.BytesIEC),
            Column("Value #C", "Of", 80, unit=units.BytesIEC),
            Column("Value #D", "Celsius", 75, unit=units.Short),
            Column("Value #E", "Power", 80, unit=units.Watt),
            Column("gpu", "UUID"),
        ],
        none="No GPU is seen.",
    )


def _sums() -> stat.Panel:
    return tiles(
        "Number of GPUs",
        "How many hosts have GPUs that can be read, how many GPUs they have, how many are lost "
        "that were there, and how many the driver counts and gets nothing out of.",
        [
            Query(f"sum({select('panewatch_gpu_up', HOST)})", legend="hosts", instant=True),
            Query(f"count({select('panewatch_gpu_info', GPU)})", legend="GPUs", instant=True),
            Query(f"sum({select('panewatch_gpu_lost', GPU)})", legend="lost", instant=True),
            Query(
                f"sum({select('panewatch_gpus_unreadable', HOST)})",
                legend="unreadable",
                instant=True,
            ),
        ],
        colors={"lost": RED, "unreadable": ORANGE},
        decimals=0,
        none="no GPU",
    )


def _utilization() -> timeseries.Panel:
    return graph(
        "Time in which something runs",
        "The share of time in which anything at all runs on each GPU; it says nothing of how much "
        "of the GPU that takes. Saws that reach 0 are a training that waits for its data.",
        [Query(value_of("panewatch_gpu_utilization_ratio"), legend=GPU_NAME)],
        units.PercentUnit,
    )


def _memory() -> timeseries.Panel:
    used = f"max by ({GPU_LABELS}) ({select('panewatch_gpu_memory_used_bytes', GPU)})"
    total = f"max by ({GPU_LABELS}) ({select('panewatch_gpu_memory_total_bytes', GPU)})"
    return graph(
        "Memory in use",
        "The share of its memory that is in use on each GPU. Frameworks keep what they had once: "
        "a line that climbs to the top ends in an out-of-memory error at the next larger batch.",
        [Query(named(f"{used} / {total}"), legend=GPU_NAME)],
        units.PercentUnit,
        limit=(0.95, ORANGE),
    )


def _clocks() -> timeseries.Panel:
    return graph(
        "Clocks",
        "The clocks of each GPU's parts. Clocks that fall under load are a limit at work: the "
        "reasons below say which.",
        [Query(parts_of("panewatch_gpu_clock_hertz", "clock"), legend=f"{GPU_NAME} {{{{clock}}}}")],
        units.Hertz,
        beside=True,
        calcs=("lastNotNull",),
    )


def _pcie() -> timeseries.Panel:
    return graph(
        "Traffic with the machine",
        "Bytes per second over PCIe, as each GPU sees it, in single looks of 20 ms. Much of it "
        "under a GPU that is not busy is data that is moved about instead of computed on.",
        [
            Query(
                parts_of("panewatch_gpu_pcie_bytes_per_second", "direction"),
                legend=f"{GPU_NAME} {{{{direction}}}}",
            )
        ],
        units.BytesPerSecondIEC,
        beside=True,
        calcs=("lastNotNull",),
    )


def _temperature() -> timeseries.Panel:
    slowdown = value_of("panewatch_gpu_slowdown_temperature_celsius")
    return graph(
        "Temperature",
        "The temperature of each GPU, and from where on it slows itself down. Near to that, look "
        "at fans, dust and the room.",
        [
            Query(value_of("panewatch_gpu_temperature_celsius"), legend=GPU_NAME),
            Query(f"min by (name) ({slowdown})", legend="slowdown of {{name}}"),
        ],
        units.Celsius,
        beside=True,
        decimals=0,
    )


def _power() -> timeseries.Panel:
    limit = value_of("panewatch_gpu_power_limit_watts")
    return graph(
        "Power",
        "The power that each GPU draws, and the limit at which it is held. A GPU at its limit "
        "works as fast as it may; nothing is wrong with that.",
        [
            Query(value_of("panewatch_gpu_power_watts"), legend=GPU_NAME),
            Query(f"min by (name) ({limit})", legend="limit of {{name}}"),
        ],
        units.Watt,
        beside=True,
        decimals=0,
    )


def _energy() -> timeseries.Panel:
    return graph(
        "Power from the energy used",
        "Mean power of each GPU, from its own count of energy: exact, where single readings of "
        "the power are not. Its sum over time is what the electricity bill is about.",
        [Query(rate_of("panewatch_gpu_energy_joules_total"), legend=GPU_NAME)],
        units.Watt,
        area=True,
        decimals=0,
    )


def _migs() -> table.Panel:
    labels = "gpu_instance, compute_instance, profile"
    info = select("panewatch_gpu_mig_info", GPU)

    def memory(name: str) -> str:
        value = select(f"panewatch_gpu_mig_memory_{name}_bytes", GPU)
        by = f"{GPU_LABELS}, mig"
        return f"max by ({by}) ({value})\n+ on ({by}) group_left ({labels})\n  0 * {info}"

    return listing(
        "Parts of GPUs",
        "The parts of GPUs that MIG divides. They have no utilization of their own here; what "
        "they have of the memory is not in the numbers of other GPUs.",
        [memory("used"), memory("total")],
        [
            Column("instance", "Host", 160),
            Column("gpu", "GPU"),
            Column("mig", "Part"),
            Column("profile", "Profile", 100),
            Column("gpu_instance", "GPU instance", 110),
            Column("compute_instance", "Compute instance", 150),
            Column("Value #A", "Memory", 100, unit=units.BytesIEC),
            Column("Value #B", "Of", 100, unit=units.BytesIEC),
        ],
        none="No GPU is divided.",
    )
