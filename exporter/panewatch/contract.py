"""The metric contract as data: one :class:`MetricSpec` for each family that is exported.

Collectors build their families only from specs, and ``docs/metrics.md`` is
generated from them, so what is documented is what is exported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

PREFIX = "panewatch_"

MetricType: TypeAlias = Literal["counter", "gauge", "histogram", "info"]

_SUFFIX = {"counter": "_total", "info": "_info"}
_BASE_UNITS = ("seconds", "bytes", "ratio", "celsius", "volts", "joules", "bits_per_second")


@dataclass(frozen=True)
class MetricSpec:
    """One metric family: what it is called, what it means and how its series differ.

    ``name`` leaves out the prefix ``panewatch_`` and has the suffix of its type:
    ``_total`` for a counter, ``_info`` for an info (a gauge that is always 1).
    ``absent`` says when the family has no series, where that can be.
    """

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    absent: str = ""

    def __post_init__(self) -> None:
        """Refuse a spec that breaks the naming rules, when the module is imported."""
        suffix = _SUFFIX.get(self.type, "")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name) or not self.name.endswith(suffix):
            raise ValueError(f"{self.name!r} is no name for a {self.type}")
        if self.type not in _SUFFIX and self.name.endswith(("_total", "_info")):
            raise ValueError(f"{self.name!r} has the suffix of another type than {self.type}")
        if self.unit and self.unit not in _BASE_UNITS:
            raise ValueError(f"{self.name!r}: {self.unit!r} is not one of {', '.join(_BASE_UNITS)}")
        if self.unit and not self.name.removesuffix(suffix).endswith(self.unit):
            raise ValueError(f"{self.name!r} does not end in its unit {self.unit!r}")
        if not self.help.endswith(".") or "\n" in self.help:
            raise ValueError(f"{self.name!r}: the help is one line that ends in a full stop")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"{self.name!r} has a label twice")

    @property
    def full_name(self) -> str:
        """Name of the series, as queries write it; a histogram's without its suffixes."""
        return PREFIX + self.name

    def family(self) -> Metric:
        """Build a new family without samples, of the class that fits the type.

        ``add_metric`` of the result takes the label values in the order of ``labels``.
        """
        if self.type == "counter":
            return CounterMetricFamily(
                self.full_name, self.help, labels=self.labels, unit=self.unit
            )
        if self.type == "histogram":
            return HistogramMetricFamily(
                self.full_name, self.help, labels=self.labels, unit=self.unit
            )
        return GaugeMetricFamily(self.full_name, self.help, labels=self.labels, unit=self.unit)


HTTP_PATHS = ("/metrics", "/", "/-/healthy", "/-/ready", "other")
HTTP_REJECTIONS = ("connections", "requests", "header_timeout", "write_timeout", "unauthorized")
COLLECTOR_ERRORS = ("raised", "timeout", "unavailable", "invalid")

BUILD_INFO = MetricSpec(
    "build_info", "info", "Always 1; the labels tell panewatch's version and Python's.",
    ("version", "python"),
)  # fmt: skip
COLLECTOR_SUCCESS = MetricSpec(
    "collector_success", "gauge",
    "Whether the last sample of the collector succeeded (1) or not (0).",
    ("collector",), absent="until the collector's first sample ended",
)  # fmt: skip
COLLECTOR_DURATION = MetricSpec(
    "collector_duration_seconds", "gauge", "How long the last sample of the collector took.",
    ("collector",), "seconds", absent="until the collector's first sample ended",
)  # fmt: skip
COLLECTOR_LAST_SUCCESS = MetricSpec(
    "collector_last_success_timestamp_seconds", "gauge",
    "Unix time at which the collector last succeeded.",
    ("collector",), "seconds", absent="until the collector succeeded once",
)  # fmt: skip
COLLECTOR_ERRORS_TOTAL = MetricSpec(
    "collector_errors_total", "counter",
    f"Samples of the collector that failed, by reason ({', '.join(COLLECTOR_ERRORS)}).",
    ("collector", "reason"),
)  # fmt: skip
CONFIG_RELOAD_SUCCESSFUL = MetricSpec(
    "config_last_reload_successful", "gauge",
    "Whether the settings, and the files of the web configuration, were read without error at "
    "the last attempt (1) or not (0).",
)  # fmt: skip
CONFIG_RELOAD_TIME = MetricSpec(
    "config_last_reload_success_timestamp_seconds", "gauge",
    "Unix time at which the configuration that is in use was read.", (), "seconds",
)  # fmt: skip
HTTP_REQUESTS = MetricSpec(
    "http_requests_total", "counter",
    "Answered HTTP requests, by path and status code; paths that do not exist count as other.",
    ("path", "code"),
)  # fmt: skip
HTTP_REJECTED = MetricSpec(
    "http_requests_rejected_total", "counter",
    f"Connections and requests turned away, by reason ({', '.join(HTTP_REJECTIONS)}).",
    ("reason",),
)  # fmt: skip

ITSELF: tuple[MetricSpec, ...] = (
    BUILD_INFO,
    COLLECTOR_SUCCESS,
    COLLECTOR_DURATION,
    COLLECTOR_LAST_SUCCESS,
    COLLECTOR_ERRORS_TOTAL,
    CONFIG_RELOAD_SUCCESSFUL,
    CONFIG_RELOAD_TIME,
    HTTP_REQUESTS,
    HTTP_REJECTED,
)
"""What panewatch tells about itself."""
