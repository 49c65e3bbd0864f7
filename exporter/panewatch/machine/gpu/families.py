"""A reading of the GPUs as metric families."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import Metric

from panewatch.contract import MetricSpec
from panewatch.machine.gpu import contract as c
from panewatch.machine.gpu.model import Gpu, Reading
from panewatch.panes.text import clean_label


def build_families(
    reading: Reading, failures: Mapping[str, int], xids: Mapping[str, Mapping[int, int]]
) -> Iterable[Metric]:
    """Build the families of all that is known, in the order of the contract.

    Args:
        reading: What was read.
        failures: How many values could not be read so far, by reason.
        xids: The errors of GPUs so far, by UUID and number; of all whose driver reports them.
    """
    families = {spec: spec.family() for spec in c.METRICS}

    def add(spec: MetricSpec, value: float | None, **labels: str) -> None:
        if value is not None:
            families[spec].add_sample(spec.full_name, labels, float(value))

    add(c.GPU_UP, reading.state == "up")
    for state in c.STATES:
        add(c.GPU_STATE, state == reading.state, state=state)
    for reason in c.FAILURES:
        add(c.GPU_READ_FAILURES, failures.get(reason, 0), reason=reason)
    add(c.GPUS_UNREADABLE, reading.unreadable)
    for uuid in sorted([*reading.lost, *(gpu.uuid for gpu in reading.gpus)]):
        add(c.GPU_LOST, uuid in reading.lost, gpu=clean_label(uuid))
    for gpu in reading.gpus:
        for spec, value, labels in _tell(gpu, reading.driver):
            add(spec, value, gpu=clean_label(gpu.uuid), **labels)
    for uuid, counts in sorted(xids.items()):
        rest = sum(count for xid, count in counts.items() if xid not in c.XIDS)
        for xid in c.XIDS:
            add(c.GPU_XID, counts.get(xid, 0), gpu=clean_label(uuid), xid=str(xid))
        add(c.GPU_XID, rest, gpu=clean_label(uuid), xid="other")
    return [family for family in families.values() if family.samples]


def _tell(gpu: Gpu, driver: str) -> Iterable[tuple[MetricSpec, float | None, dict[str, str]]]:
    """Yield what a GPU tells of itself, and the labels besides its own."""
    info = {"name": clean_label(gpu.name), "driver": clean_label(driver), "index": str(gpu.index)}
    yield c.GPU_INFO, 1.0, info
    yield c.GPU_UTILIZATION, gpu.utilization, {}
    yield c.GPU_MEMORY_USED, gpu.memory_used, {}
    yield c.GPU_MEMORY_TOTAL, gpu.memory_total, {}
    yield c.GPU_TEMPERATURE, gpu.temperature, {}
    yield c.GPU_TEMPERATURE_SLOWDOWN, gpu.slowdown_temperature, {}
    yield c.GPU_POWER, gpu.power_watts, {}
    yield c.GPU_POWER_LIMIT, gpu.power_limit_watts, {}
    yield c.GPU_ENERGY, gpu.energy_joules, {}
    for clock, hertz in gpu.clocks.items():
        yield c.GPU_CLOCK, hertz, {"clock": clock}
    if gpu.throttle is not None:
        for reason, bit in c.THROTTLES.items():
            yield c.GPU_THROTTLE, bool(gpu.throttle & bit), {"reason": reason}
    for direction, rate in gpu.pcie.items():
        yield c.GPU_PCIE, rate, {"direction": direction}
    for kind, count in gpu.ecc.items():
        yield c.GPU_ECC, count, {"kind": kind}
    for mig in gpu.migs:
        name = {"mig": clean_label(mig.uuid)}
        instances = {
            "gpu_instance": str(mig.gpu_instance),
            "compute_instance": str(mig.compute_instance),
        }
        yield c.MIG_INFO, 1.0, {**name, **instances, "profile": clean_label(mig.profile)}
        yield c.MIG_MEMORY_USED, mig.memory_used, name
        yield c.MIG_MEMORY_TOTAL, mig.memory_total, name
