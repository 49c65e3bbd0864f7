"""What was measured of a training, for its own script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from panewatch.training.callback.quantiles import find_quantiles
from panewatch.training.callback.textfile import Facts

SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def summarize(facts: Facts, times: Sequence[float]) -> dict[str, Any]:
    """Return the facts of a training by name, always the same names; what is not known is None.

    Args:
        facts: What was measured.
        times: Seconds of the last batches.
    """
    measured = facts.measured
    busy = measured.wait + measured.compute
    found: dict[str, Any] = {
        "run": facts.run,
        "state": facts.state,
        "epoch": facts.epoch,
        "step": facts.step,
        "progress_ratio": facts.progress,
        "batches": measured.batches,
        "samples": measured.samples,
        "nonfinite_losses": facts.nonfinite,
        "restarts": facts.restarts,
        "write_failures": facts.write_failures,
        "data_wait_seconds": measured.wait,
        "compute_seconds": measured.compute,
        "dataset_samples": facts.dataset_samples,
        "memory_bytes": dict(facts.memory),
        "loss": dict(facts.losses),
        "metrics": dict(facts.metrics),
    }
    found |= dict.fromkeys(("batches_per_second", "samples_per_second", "data_wait_ratio"))
    found["batch_seconds"] = dict.fromkeys((*SHARES, "mean", "max"))
    if busy > 0 and times:
        found["batches_per_second"] = measured.batches / busy
        if measured.samples is not None:
            found["samples_per_second"] = measured.samples / busy
        found["data_wait_ratio"] = measured.wait / busy
        quantiles = dict(zip(SHARES, find_quantiles(times, list(SHARES.values())), strict=True))
        found["batch_seconds"] = {
            **quantiles,
            "mean": busy / measured.batches,
            "max": measured.longest,
        }
    return found


def flatten(summary: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a summary by one name each, such as ``batch_seconds/p95``."""
    flat: dict[str, float] = {}
    for name, value in summary.items():
        if isinstance(value, Mapping):
            known = ((key, number) for key, number in value.items() if number is not None)
            flat |= {f"{name}/{key}": float(number) for key, number in known}
        elif isinstance(value, int | float):
            flat[name] = float(value)
    return flat
