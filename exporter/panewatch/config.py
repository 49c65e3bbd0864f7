"""Settings of panewatch: every key, its type, its default and what it does.

The models are frozen: a reload builds a new :class:`Config` and swaps it whole. Those of a
domain stand in its room.
``docs/configuration.md`` and ``panewatch config-schema`` are generated from here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from panewatch.errors.settings import ErrorsSettings
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.machine.settings import GpuSettings, HostSettings
from panewatch.panes.settings import (
    CommandsSettings,
    PanesSettings,
    RepositoriesSettings,
    ScreensSettings,
    TmuxServerSettings,
    TmuxSettings,
)
from panewatch.settings_types import File, Seconds, Section, expects
from panewatch.training.settings import TrainingSettings

__all__ = [
    "CollectorSettings", "Collectors", "CommandsSettings", "Config", "ErrorsSettings",
    "ExperimentsSettings", "GpuSettings", "HostSettings", "LogSettings", "PanesSettings",
    "RepositoriesSettings", "ScreensSettings", "Seconds", "Section", "TmuxServerSettings",
    "TmuxSettings", "WebSettings",
]  # fmt: skip


def check_port(value: str) -> str:
    """Return the listen address.

    Raises:
        ValueError: its port is above 65535.
    """
    if int(value.rpartition(":")[2]) > 65535:  # noqa: PLR2004 the largest port there is
        raise ValueError("the port is above 65535")
    return value


class WebSettings(Section):
    """The HTTP server."""

    listen_address: Annotated[str, AfterValidator(check_port)] = Field(
        default="127.0.0.1:10065",
        description="Host and port to listen on; `:PORT` listens on every address.",
        pattern=r"^(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]*):[0-9]{1,5}$",
        json_schema_extra=expects("HOST:PORT, [IPV6]:PORT or :PORT, with a port up to 65535"),
    )
    config_file: File | None = Field(
        default=None,
        description="web.config.yml in the exporter-toolkit format: TLS, users, headers.",
    )
    max_connections: int = Field(
        default=512, ge=1, le=65535, description="Open connections; one more is closed at once."
    )
    max_requests: int = Field(
        default=256, ge=1, le=65535, description="Requests in progress; one more is answered 503."
    )
    header_timeout: Seconds = Field(
        default=5.0, description="A connection that has not sent a whole request by then is closed."
    )
    write_timeout: Seconds = Field(
        default=30.0, description="A client that has not read its answer by then is cut off."
    )


class LogSettings(Section):
    """The log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is written."
    )
    format: Literal["logfmt", "json"] = Field(default="logfmt", description="Format of a line.")


class CollectorSettings(Section):
    """What every collector has."""

    enabled: bool = Field(default=True, description="Whether the collector runs.")
    interval: Seconds = Field(default=1.0, description="Time from one sample to the next.")
    timeout: Seconds = Field(
        default=10.0, description="A sample that takes longer is given up and its series withheld."
    )


class Collectors(Section):
    """Settings common to all collectors, by name."""

    panes: CollectorSettings = Field(
        default=CollectorSettings(interval=0.5), description="The `panes` collector."
    )
    errors: CollectorSettings = Field(
        default=CollectorSettings(interval=5.0),
        description="The `errors` collector; off: no pane is searched for errors.",
    )
    training: CollectorSettings = Field(
        default=CollectorSettings(),
        description="The `training` collector; off: no training is shown.",
    )
    profiles: CollectorSettings = Field(
        default=CollectorSettings(interval=10.0),
        description="The `profiles` collector; off: no trace of a profiler is read.",
    )
    repositories: CollectorSettings = Field(
        default=CollectorSettings(interval=5.0, timeout=15.0),
        description="The `repositories` collector; off: git is never started.",
    )
    gpu: CollectorSettings = Field(
        default=CollectorSettings(interval=5.0),
        description="The `gpu` collector; off: NVIDIA's driver is never asked.",
    )
    host: CollectorSettings = Field(
        default=CollectorSettings(interval=5.0),
        description="The `host` collector; off: the machine's CPUs, memory, disks and filesystems "
        "are left to another exporter.",
    )
    attribution: CollectorSettings = Field(
        default=CollectorSettings(interval=5.0),
        description="The `attribution` collector; off: no GPU is shown to be a pane's.",
    )
    experiments: CollectorSettings = Field(
        default=CollectorSettings(interval=15.0, timeout=20.0),
        description="The `experiments` collector; off: their source is never read.",
    )
    process: CollectorSettings = Field(
        default=CollectorSettings(interval=5.0), description="panewatch's own process."
    )


class Config(Section):
    """The whole configuration."""

    web: WebSettings = Field(default=WebSettings())
    log: LogSettings = Field(default=LogSettings())
    collectors: Collectors = Field(default=Collectors())
    tmux: TmuxSettings = Field(default=TmuxSettings())
    panes: PanesSettings = Field(default=PanesSettings())
    errors: ErrorsSettings = Field(default=ErrorsSettings())
    repositories: RepositoriesSettings = Field(default=RepositoriesSettings())
    training: TrainingSettings = Field(default=TrainingSettings())
    gpu: GpuSettings = Field(default=GpuSettings())
    host: HostSettings = Field(default=HostSettings())
    experiments: ExperimentsSettings = Field(default=ExperimentsSettings())
