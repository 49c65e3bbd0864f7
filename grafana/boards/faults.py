"""What goes wrong with GPUs, and whether they can be read at all."""

from grafana_foundation_sdk.builders import statetimeline, timeseries
from grafana_foundation_sdk.models import units

from boards.devices import GPU, GPU_LABELS
from boards.events import events
from boards.panels import graph, timeline
from boards.queries import HOST, Query, select, state_code
from boards.states import GPU_STATES

_SLOWED = (
    "sw_power_cap",
    "hw_slowdown",
    "sync_boost",
    "sw_thermal_slowdown",
    "hw_thermal_slowdown",
    "hw_power_brake_slowdown",
)
"""Why clocks are low, less what somebody chose and that there is nothing to do."""


def throttles() -> timeseries.Panel:
    """Build a graph of what slows GPUs down."""
    held = select("panewatch_gpu_throttle", GPU, reason=_SLOWED)
    return graph(
        "What slows them down",
        "GPUs that a limit keeps from their full clocks, by reason. Thermal: too hot. Power brake "
        "and hardware slowdown: the machine cannot feed or cool it, which is a fault. The power "
        "cap is how a GPU at work is held at its limit.",
        [Query(f"sum by (instance, reason) ({held})", legend="{{instance}} {{reason}}")],
        units.Short,
        bars=True,
        decimals=0,
    )


def xids() -> timeseries.Panel:
    """Build a graph of errors that the driver reported."""
    return events(
        "Errors of the driver (XID)",
        "What the driver reported of GPUs, by number. 13, 31, 43 and 45 are faults of the program "
        "that ran; 48, 64, 74, 79, 95, 119, 120, 140 and 154 mean that the GPU needs a reset or "
        "a repair.",
        "panewatch_gpu_xid_errors_total",
        GPU,
        by="instance, gpu, xid",
        legend="{{instance}} XID {{xid}} {{gpu}}",
    )


def ecc() -> timeseries.Panel:
    """Build a graph of errors of memory."""
    return events(
        "Memory errors",
        "Errors in the GPUs' memory. Corrected ones are harmless one by one; an uncorrected one "
        "has ended what ran there, and a GPU with several needs a reset or a repair.",
        "panewatch_gpu_ecc_errors_total",
        GPU,
        by="instance, gpu, kind",
        legend="{{instance}} {{kind}} {{gpu}}",
    )


def lost() -> timeseries.Panel:
    """Build a graph of GPUs that are gone."""
    return graph(
        "Lost GPUs",
        "GPUs that were there and are gone, or tell nothing any more. What ran on them has "
        "failed; mostly only a restart of the machine brings them back.",
        [
            Query(
                f"max by ({GPU_LABELS}) ({select('panewatch_gpu_lost', GPU)})",
                legend="{{instance}} {{gpu}}",
            ),
            Query(
                f"max by (instance) ({select('panewatch_gpus_unreadable', HOST)})",
                legend="unreadable on {{instance}}",
            ),
        ],
        units.Short,
        bars=True,
        decimals=0,
    )


def source() -> statetimeline.Panel:
    """Build a timeline of whether each host's GPUs can be read."""
    return timeline(
        "Whether GPUs can be read",
        "Green: they are read. Grey: there is no driver or no GPU, as on most machines. Orange: "
        "the driver does not answer. Red: it refuses, or every GPU is lost.",
        Query(
            state_code("panewatch_gpu_state", HOST, "instance", GPU_STATES), legend="{{instance}}"
        ),
        GPU_STATES,
    )


def failures() -> timeseries.Panel:
    """Build a graph of values that could not be read."""
    return events(
        "Values that could not be read",
        "Calls of the driver that failed, by reason; what a GPU does not have is no failure. Lost "
        "ones count once for each look. Unknown errors now and then pass; many of them come "
        "before a GPU is lost.",
        "panewatch_gpu_read_failures_total",
        HOST,
        by="instance, reason",
        legend="{{instance}} {{reason}}",
    )
