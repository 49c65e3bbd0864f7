"""How the collectors are doing, and the metrics that tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from panewatch.contract import (
    COLLECTOR_DURATION,
    COLLECTOR_ERRORS,
    COLLECTOR_ERRORS_TOTAL,
    COLLECTOR_LAST_SUCCESS,
    COLLECTOR_SUCCESS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric

    from panewatch.snapshot import Snapshot


@dataclass
class Record:
    """What is counted of a collector, also across reloads of the configuration.

    `errors` has every reason from the start; `last_success` is Unix time.
    """

    errors: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLLECTOR_ERRORS, 0))
    last_success: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """How the last sample of a collector went, and what there is to show of it.

    `success` and `duration` (in seconds) are None until the first sample ended.
    """

    snapshot: Snapshot
    success: bool | None = None
    duration: float | None = None


def describe_health(collectors: Sequence[tuple[str, State, Record]]) -> Iterable[Metric]:
    """Yield the families about the collectors, each given as name, state and record.

    ::

        panewatch_collector_success{collector="panes"} 1
        panewatch_collector_duration_seconds{collector="panes"} 0.004
        panewatch_collector_last_success_timestamp_seconds{collector="panes"} 1.79e+09
        panewatch_collector_errors_total{collector="panes",reason="raised"} 0
    """
    success, duration = COLLECTOR_SUCCESS.family(), COLLECTOR_DURATION.family()
    last, errors = COLLECTOR_LAST_SUCCESS.family(), COLLECTOR_ERRORS_TOTAL.family()
    for name, state, record in collectors:
        for family, value in (
            (success, state.success),
            (duration, state.duration),
            (last, record.last_success),
        ):
            if value is not None:
                family.add_sample(family.name, {"collector": name}, float(value))
        for reason, count in record.errors.items():
            errors.add_sample(
                f"{errors.name}_total", {"collector": name, "reason": reason}, float(count)
            )
    return (success, duration, last, errors)
