"""Settings of panewatch: every key, its type, its default and what it does.

The models are frozen: a reload builds a new :class:`Config` and swaps it whole.
``docs/configuration.md`` and ``panewatch config-schema`` are generated from here.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: Any) -> Any:
    """Turn ``"1m30s"`` into seconds; numbers are seconds already.

    Raises:
        ValueError: the text is not a duration such as ``500ms``, ``30s`` or ``1h30m``.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("not a duration; write for example 500ms, 30s, 5m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0, le=30 * 86400)]
"""A positive span of time: a number of seconds or text such as ``500ms`` or ``1h30m``."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
"""A name that becomes a label value: letters, digits, ``_``, ``.`` and ``-``."""


class Section(BaseModel):
    """Base of every section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class WebSettings(Section):
    """The HTTP server."""

    listen_address: str = Field(
        default="127.0.0.1:10065",
        description="Host and port to listen on; `:PORT` listens on every address.",
        pattern=r"^(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]*):\d{1,5}$",
    )
    config_file: str | None = Field(
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


class TmuxServerSettings(Section):
    """One tmux server that is read through a command prefix, or by a given socket."""

    name: Name = Field(description="The `server` label.")
    prefix: tuple[str, ...] = Field(
        default=(),
        description="Command put before `tmux`, e.g. [docker, exec, NAME] or [ssh, HOST].",
    )
    socket: str | None = Field(
        default=None,
        description="Socket name (as `tmux -L`) or absolute path (as `tmux -S`); "
        "tmux's own default where it is left out.",
    )


class TmuxSettings(Section):
    """Which tmux servers are read, and how."""

    sockets: tuple[str, ...] = Field(
        default=(),
        description="Socket names or absolute paths to read; "
        "empty: every server of this user is discovered.",
    )
    servers: tuple[TmuxServerSettings, ...] = Field(
        default=(), description="Servers in containers or on other hosts, read besides the local."
    )
    binary: str = Field(default="tmux", description="The tmux program, by name or path.")
    timeout: Seconds = Field(default=2.0, description="A tmux call that takes longer is killed.")
    discovery_interval: Seconds = Field(
        default=10.0, description="How often sockets outside tmux's own folder are looked for."
    )


class PanesSettings(Section):
    """How panes are read and judged."""

    list_interval: Seconds = Field(
        default=1.0, description="How often panes are listed; a pane that woke is read at once."
    )
    min_interval: Seconds = Field(
        default=0.2, description="Least time between two reads of a pane that floods."
    )
    busy_interval: Seconds = Field(
        default=1.0, description="Time between two reads of a pane that changes."
    )
    max_interval: Seconds = Field(
        default=60.0, description="Most time between two reads of a pane that is quiet."
    )
    max_panes: int = Field(
        default=1000, ge=1, le=100000, description="Panes read per server; the rest is counted."
    )
    line_length: int = Field(
        default=4096, ge=80, le=1048576, description="Characters of a line that are looked at."
    )
    read_existing: bool = Field(
        default=False,
        description="Whether text that was there before panewatch started counts as new lines.",
    )
    stalled_after: Seconds = Field(
        default=300.0, description="A running program that is silent for longer is stalled."
    )
    working_for: Seconds = Field(
        default=10.0, description="A program counts as working this long after its last output."
    )
    finished_for: Seconds = Field(
        default=300.0,
        description="A shell whose command ended counts as finished this long, then as idle.",
    )
    process_interval: Seconds = Field(
        default=5.0, description="How often the process trees of local panes are measured."
    )
    shells: tuple[str, ...] = Field(
        default=("ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "pwsh",
                 "sh", "tcsh", "xonsh", "zsh"),
        description="Process names of shells.",
    )  # fmt: skip
    agents: dict[Name, tuple[str, ...]] = Field(
        default={
            "aider": ("aider",),
            "amazon-q": ("q", "qchat"),
            "amp": ("amp",),
            "auggie": ("auggie",),
            "claude": ("claude",),
            "codex": ("codex",),
            "copilot": ("copilot",),
            "cursor": ("cursor-agent",),
            "gemini": ("gemini",),
            "goose": ("goose",),
            "opencode": ("opencode",),
        },
        description="Process names by which each coding agent is known.",
    )


class Collectors(Section):
    """Settings common to all collectors, by name."""

    panes: CollectorSettings = Field(
        default=CollectorSettings(interval=0.5), description="The `panes` collector."
    )
    process: CollectorSettings = Field(
        default=CollectorSettings(interval=5.0), description="panewatch's own process."
    )


class Config(Section):
    """The whole configuration."""

    web: WebSettings = Field(default=WebSettings(), description="The HTTP server.")
    log: LogSettings = Field(default=LogSettings(), description="The log.")
    collectors: Collectors = Field(default=Collectors(), description="The collectors.")
    tmux: TmuxSettings = Field(default=TmuxSettings(), description="The tmux servers to read.")
    panes: PanesSettings = Field(default=PanesSettings(), description="Reading panes.")
