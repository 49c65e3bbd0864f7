"""What the machine does, what it has to wait for, and how much room it has left."""

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard, ValueMapping

from boards.layout import Row, Shelf, Variable, assemble, host_variables
from boards.panels import graph, tiles
from boards.queries import HOST, Query, select
from boards.states import ORANGE, RED, SLATE, value_mapping
from boards.tables import Column, listing

MOUNT = f'{HOST}, mountpoint=~"$mountpoint"'
"""Matchers of what is told about the chosen filesystems."""

_MOUNTS = "instance, mountpoint"
_MOUNT_NAME = "{{instance}} {{mountpoint}}"


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "host",
        "What each machine does, what it waits for, and when its filesystems will be full.",
        [
            *host_variables(every_host=True),
            Variable("mountpoint", f"panewatch_host_filesystem_device_error{{{HOST}}}"),
        ],
        [
            Row("Now", [Shelf(8, [(17, _filesystems()), (7, _numbers())])]),
            Row(
                "Work",
                [
                    Shelf(8, [(12, _cpu()), (12, _load())]),
                    Shelf(8, [(12, _memory()), (12, _memory_kinds())]),
                ],
            ),
            Row("What it waits for", [Shelf(8, [(24, _pressure())])]),
            Row(
                "Disks",
                [
                    Shelf(8, [(12, _throughput()), (12, _busy())]),
                    Shelf(8, [(24, _operations())]),
                ],
            ),
            Row("Filesystems", [Shelf(8, [(12, _used()), (12, _days())])]),
        ],
        since="now-3h",
    )


def _value(name: str) -> str:
    return f"max by ({_MOUNTS}) ({select(f'panewatch_host_filesystem_{name}', MOUNT)})"


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({select(metric, HOST)}[$__rate_interval]))"


def _used_share() -> str:
    return f"1 - {_value('avail_bytes')} / {_value('size_bytes')}"


def _unless(color: str) -> ValueMapping:
    """Show 0 as yes, and 1, which tells that it is not so, as no in a colour."""
    return value_mapping({"0": ("yes", "transparent"), "1": ("no", color)})


def _filesystems() -> table.Panel:
    return listing(
        "Filesystems now",
        "Every filesystem with what any user can still fill of it. One that does not answer has "
        "nothing but that: programs that touch it hang. Days are told where it grows steadily, "
        "from an hour after panewatch started.",
        [
            _value("device_error"),
            _used_share(),
            _value("avail_bytes"),
            _value("size_bytes"),
            _value("days_until_full"),
            _value("readonly"),
        ],
        [
            Column("instance", "Host", 160),
            Column("mountpoint", "Mounted at"),
            Column("Value #B", "Used", 75, unit=units.PercentUnit),
            Column("Value #C", "Left", 95, unit=units.BytesIEC),
            Column("Value #D", "Of", 95, unit=units.BytesIEC),
            Column("Value #E", "Full in days", 105, unit=units.Short),
            Column("Value #F", "Writable", 85, mapping=_unless(SLATE)),
            Column("Value #A", "Answers", 80, mapping=_unless(RED)),
        ],
        sort=("Used", True),
        none="No filesystem is seen.",
    )


def _numbers() -> stat.Panel:
    return tiles(
        "Number of machines",
        "How many machines are read, how many CPUs they have, how many of their filesystems do not "
        "answer, and how many are not shown because there are too many.",
        [
            Query(f"count({select('panewatch_host_load1', HOST)})", legend="hosts", instant=True),
            Query(f"sum({select('panewatch_host_cpus', HOST)})", legend="CPUs", instant=True),
            Query(
                f"sum({select('panewatch_host_filesystem_device_error', MOUNT)})",
                legend="not answering",
                instant=True,
            ),
            Query(
                f"sum({select('panewatch_host_filesystems_dropped', HOST)})",
                legend="not shown",
                instant=True,
            ),
        ],
        colors={"not answering": RED, "not shown": ORANGE},
        decimals=0,
        none="no host",
    )


def _cpu() -> timeseries.Panel:
    busy = f'{HOST}, mode!="idle"'
    modes = f"rate({select('panewatch_host_cpu_seconds_total', busy)}[$__rate_interval])"
    every = _rate("panewatch_host_cpu_seconds_total", "instance")
    return graph(
        "Where the time of the CPUs goes",
        "The share of the time of all CPUs of each machine, by what they do. iowait is idle time "
        "in which something waits for a disk; steal is what the host of a virtual machine took.",
        [
            Query(
                f"sum by (instance, mode) ({modes})\n/ on (instance) group_left ()\n  {every}",
                legend="{{instance}} {{mode}}",
            )
        ],
        units.PercentUnit,
        area=True,
        beside=True,
    )


def _load() -> timeseries.Panel:
    load = f"max by (instance) ({select('panewatch_host_load1', HOST)})"
    cpus = f"max by (instance) ({select('panewatch_host_cpus', HOST)})"
    return graph(
        "Load of each CPU",
        "Processes that run or wait for a CPU or a disk, for each CPU. Above 1 some wait; what "
        "they wait for stands under pressure.",
        [Query(f"{load} / {cpus}", legend="{{instance}}")],
        units.Short,
        limit=(1, ORANGE),
    )


def _memory() -> timeseries.Panel:
    def kind(name: str) -> str:
        selector = select("panewatch_host_memory_bytes", HOST, kind=name)
        return f"max by (instance) ({selector})"

    return graph(
        "Memory that programs hold",
        "The share of memory that programs cannot have any more, and of swap that is in use. "
        "Near the top the kernel ends a process: look for the one that grows.",
        [
            Query(f"1 - {kind('available')} / {kind('total')}", legend="{{instance}}"),
            Query(
                f"1 - {kind('swap_free')} / ({kind('swap_total')} > 0)",
                legend="{{instance}} swap",
            ),
        ],
        units.PercentUnit,
        limit=(0.95, ORANGE),
    )


def _memory_kinds() -> timeseries.Panel:
    selector = select("panewatch_host_memory_bytes", HOST)
    return graph(
        "Memory by kind",
        "The kinds of memory as the kernel counts them; they overlap. Much that is shared is a "
        "tmpfs or the workers of a data loader.",
        [
            Query(
                f"max by (instance, kind) ({selector})",
                legend="{{instance}} {{kind}}",
            )
        ],
        units.BytesIEC,
        beside=True,
        calcs=("lastNotNull",),
    )


def _pressure() -> timeseries.Panel:
    return graph(
        "Pressure",
        "The share of time in which some processes, or all at once (full), waited for a resource. "
        "The best sign of too little: memory that waits at all is nearly out, CPU at 50 % means "
        "that programs take about twice as long.",
        [
            Query(
                _rate("panewatch_host_pressure_seconds_total", "instance, resource, kind"),
                legend="{{instance}} {{resource}} {{kind}}",
            )
        ],
        units.PercentUnit,
        beside=True,
    )


def _throughput() -> timeseries.Panel:
    return graph(
        "Bytes read and written",
        "What each disk reads and writes. A device that is made of others counts beside them.",
        [
            Query(
                _rate("panewatch_host_disk_read_bytes_total", "instance, device"),
                legend="{{instance}} {{device}} read",
            ),
            Query(
                _rate("panewatch_host_disk_written_bytes_total", "instance, device"),
                legend="{{instance}} {{device}} written",
            ),
        ],
        units.BytesPerSecondIEC,
    )


def _busy() -> timeseries.Panel:
    return graph(
        "Time in which disks are busy",
        "The share of time in which each disk had anything to do. At the top a hard disk is at its "
        "limit; a solid-state one can mostly do more at once, so look at pressure too.",
        [
            Query(
                _rate("panewatch_host_disk_io_seconds_total", "instance, device"),
                legend="{{instance}} {{device}}",
            )
        ],
        units.PercentUnit,
        limit=(0.95, ORANGE),
    )


def _operations() -> timeseries.Panel:
    return graph(
        "Operations of disks",
        "Reads and writes that each disk completed, per second. Many of them with few bytes are "
        "small files: pack a dataset of such into larger ones.",
        [
            Query(
                _rate("panewatch_host_disk_operations_total", "instance, device, operation"),
                legend="{{instance}} {{device}} {{operation}}",
            )
        ],
        units.OpsPerSecond,
        decimals=0,
    )


def _used() -> timeseries.Panel:
    return graph(
        "Space in use",
        "The share of each filesystem that users cannot fill any more. Steps are single large "
        "files; slopes are what grows on by itself.",
        [Query(_used_share(), legend=_MOUNT_NAME)],
        units.PercentUnit,
        limit=(0.9, ORANGE),
    )


def _days() -> timeseries.Panel:
    return graph(
        "Days until full",
        "When each filesystem is full, if it grows on as in the last hours. Only those that grow "
        "steadily, from an hour after panewatch started. It alerts below 3 days, where less than "
        "20 % is left.",
        [Query(_value("days_until_full"), legend=_MOUNT_NAME)],
        units.Days,
        log=True,
        decimals=1,
        none="No filesystem is known to grow steadily.",
    )
