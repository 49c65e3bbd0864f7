"""Settings of panewatch: every key, its type, its default and what it does.

The models are frozen: a reload builds a new :class:`Config` and swaps it whole.
``docs/configuration.md`` and ``panewatch config-schema`` are generated from here.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from panewatch.problems import Places
from panewatch.settings_types import (
    Conflict,
    File,
    Limit,
    Name,
    RuleId,
    Seconds,
    Section,
    Socket,
    Word,
    expects,
    format_duration,
    parse_duration,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from panewatch.problems import Problem

__all__ = [
    "CollectorSettings", "Collectors", "CommandsSettings", "Config", "ErrorsSettings",
    "GpuSettings", "HostSettings", "LogSettings", "Name", "PanesSettings", "RepositoriesSettings",
    "ScreensSettings", "Seconds", "Section", "TmuxServerSettings", "TmuxSettings", "WebSettings",
    "parse_duration",
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


class TmuxServerSettings(Section):
    """One tmux server that is read through a command prefix, or by a given socket."""

    name: Name = Field(description="The `server` label.")
    prefix: tuple[Word, ...] = Field(
        default=(),
        description="Command put before `tmux`, e.g. [docker, exec, NAME] or [ssh, HOST].",
    )
    socket: Socket | None = Field(
        default=None,
        description="Socket name (as `tmux -L`) or absolute path (as `tmux -S`); "
        "tmux's own default where it is left out.",
    )

    @model_validator(mode="after")
    def _check_reach(self) -> Self:
        if not self.prefix and self.socket is None:
            refuse([Conflict(((),), "needs a prefix, a socket or both")])
        return self


class TmuxSettings(Section):
    """Which tmux servers are read, and how."""

    sockets: tuple[Socket, ...] = Field(
        default=(),
        description="Socket names or absolute paths to read; "
        "empty: every server of this user is discovered.",
    )
    servers: tuple[TmuxServerSettings, ...] = Field(
        default=(), description="Servers in containers or on other hosts, read besides the local."
    )
    binary: Word = Field(default="tmux", description="The tmux program, by name or path.")
    timeout: Seconds = Field(default=2.0, description="A tmux call that takes longer is killed.")
    discovery_interval: Seconds = Field(
        default=10.0, description="How often sockets outside tmux's own folder are looked for."
    )
    remember_lost: Seconds = Field(
        default=3600.0,
        description="How long a discovered server stays known, and its loss an alert, that ended "
        "with panes in it. One that is named here stays known for good.",
    )

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        counts = Counter(server.name for server in self.servers)
        refuse(
            Conflict((("servers", index, "name"),), "is the name of another server too")
            for index, server in enumerate(self.servers)
            if counts[server.name] > 1
        )
        return self


class ScreensSettings(Section):
    """How screens of programs are recognised."""

    packs: tuple[File, ...] = Field(
        default=(),
        description="Files of screens that are used besides the built-in ones; "
        "one with the id of a built-in pack replaces it.",
    )


class CommandsSettings(Section):
    """The commands that panes run."""

    enabled: bool = Field(
        default=True,
        description="Whether commands are followed: in the process tree, and in the files that "
        "shells with `panewatch shell-init` write.",
    )
    directory: Word | None = Field(
        default=None,
        description="Where those shells write, for them and for the exporter; "
        "not set: `${XDG_STATE_HOME:-~/.local/state}/panewatch/commands`.",
        pattern=r"^/",
        json_schema_extra=expects("an absolute path"),
    )
    names: tuple[Name, ...] = Field(
        default=("accelerate", "ansible-playbook", "apt", "aws", "bash", "bazel", "black",
                 "bundle", "cargo", "cmake", "composer", "conda", "cp", "curl", "deepspeed",
                 "docker", "dotnet", "ffmpeg", "find", "gcc", "gh", "git", "go", "gradle", "grep",
                 "helm", "java", "jupyter", "kubectl", "make", "mv", "mvn", "mypy", "ninja",
                 "node", "npm", "npx", "nvcc", "pip", "pnpm", "podman", "poetry", "pre-commit",
                 "psql", "pytest", "python", "rm", "rsync", "ruff", "scp", "sh", "srun", "ssh",
                 "tar", "terraform", "torchrun", "tox", "tsc", "unzip", "uv", "wget", "yarn"),
        max_length=200,
        description="Programs whose commands are counted under their own name; "
        "all others are `other`. A version at the end of a name does not count.",
    )  # fmt: skip


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
        default=300.0,
        description="A running program that is silent, and whose processes do nothing, for longer "
        "is stalled.",
    )
    stalled_after_by_command: dict[Word, Limit] = Field(
        default={},
        description="Other limits for some foreground commands, e.g. {pytest: 10m, listen: never}.",
    )
    stalled_below_cpu: float = Field(
        default=0.01,
        ge=0,
        le=64,
        description="Share of a core below which a silent program's processes do nothing; one "
        "that uses more is slow, not stalled.",
    )
    working_for: Seconds = Field(
        default=10.0, description="A program counts as working this long after its last output."
    )
    finished_for: Seconds = Field(
        default=300.0,
        description="A shell whose command ended, and an agent whose turn did, counts as finished "
        "this long, then as idle.",
    )
    looping_window: Seconds = Field(
        default=300.0, description="Output is searched for loops over this long."
    )
    looping_lines: int = Field(
        default=30, ge=2, description="Lines in that window below which nothing is a loop."
    )
    looping_distinct: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of different lines, numbers left out, up to which output is a loop.",
    )
    looping_repeats: int = Field(
        default=10,
        ge=2,
        description="The same command so many times in a row within that window is a loop.",
    )
    looping_except: tuple[Word, ...] = Field(
        default=("journalctl", "ping", "tail", "watch", "yes"),
        description="Commands that repeat themselves on purpose: what they print is no loop.",
    )
    process_interval: Seconds = Field(
        default=5.0, description="How often the process trees of local panes are measured."
    )
    shells: tuple[Word, ...] = Field(
        default=("ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "pwsh",
                 "sh", "tcsh", "xonsh", "zsh"),
        description="Process names of shells.",
    )  # fmt: skip
    agents: dict[Name, tuple[Word, ...]] = Field(
        default={
            "aider": ("aider",),
            "amazonq": ("q", "qchat"),
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
    screens: ScreensSettings = Field(default=ScreensSettings())
    commands: CommandsSettings = Field(default=CommandsSettings())

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        refuse([*self._find_unordered(), *self._find_shared()])
        return self

    def _find_unordered(self) -> Iterable[Conflict]:
        """Find neighbours of min_interval <= busy_interval <= max_interval that are not."""
        for lower, upper in pairwise(("min_interval", "busy_interval", "max_interval")):
            low, high = getattr(self, lower), getattr(self, upper)
            if low > high:
                says = (
                    f"{lower} ({format_duration(low)}) is above {upper} ({format_duration(high)})"
                )
                yield Conflict(((lower,), (upper,)), says)

    def _find_shared(self) -> Iterable[Conflict]:
        """Find process names that would make a pane two things at once."""
        owners = dict.fromkeys(self.shells, "shells")
        for agent, names in self.agents.items():
            for index, name in enumerate(names):
                owner = owners.setdefault(name, agent)
                if owner != agent:
                    where = "shells" if owner == "shells" else f"agents.{owner}"
                    says = f"a process name of agents.{agent} is in {where} too"
                    yield Conflict((("agents", agent, index), ("shells",)), says)


def read_off(value: Any) -> Any:
    """Return ``"off"`` for False: that is what YAML makes of it where it has no quotes."""
    return "off" if value is False else value


class ErrorsSettings(Section):
    """How errors are recognised and when their incidents end."""

    packs: tuple[File, ...] = Field(
        default=(), description="Files of rules that are used besides the built-in ones."
    )
    severity: dict[
        RuleId, Annotated[Literal["P0", "P1", "P2", "off"], BeforeValidator(read_off)]
    ] = Field(
        default={},
        description="Other severities for some rules, e.g. {git-conflict: P2}; `off` drops one.",
    )
    prompts: tuple[
        Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\n]+$")], ...
    ] = Field(
        default=(),
        max_length=32,
        description="Expressions (RE2) of your own shell prompts, from the beginning of the line "
        "to where the command begins, e.g. `\\w+:\\S* >> `; those of the usual shapes are known.",
    )
    quiet_after: Seconds = Field(
        default=900.0,
        description="An incident that was not seen again for this long ends when its pane goes on.",
    )
    state_file: Annotated[Word, BeforeValidator(read_off)] | None = Field(
        default=None,
        description="Where open incidents are kept over a restart; `off`: nowhere. Not set: "
        "`incidents.json` in $STATE_DIRECTORY, else in /var/lib/panewatch where that is this "
        "user's, else in ${XDG_STATE_HOME:-~/.local/state}/panewatch.",
        pattern=r"^(/.*|off)$",
        json_schema_extra=expects("an absolute path, or `off`"),
    )
    _places: Places = PrivateAttr(default=Places())

    def model_post_init(self, context: Any, /) -> None:
        """Keep where the settings were written, given as the context of the validation."""
        if isinstance(context, Places):
            self._places = context

    def blame(self, where: tuple[str | int, ...], message: str) -> Problem:
        """Say that the setting at ``where`` in this section is wrong, and where it was written."""
        return self._places.find(("errors", *where), message)


class TrainingSettings(Section):
    """How trainings are followed."""

    enabled: bool = Field(
        default=True, description="Whether panes are searched for the progress of trainings."
    )
    stalled_after: Seconds = Field(
        default=600.0,
        description="A run that has not moved on for this long, and for five of its usual pauses, "
        "is stalled.",
    )
    forget_after: Seconds = Field(
        default=86400.0,
        description="A run that has not moved on for this long is dropped, with its series.",
    )
    textfile_directory: Word | None = Field(
        default=None,
        description="Where callbacks write what they measure, for them and for the exporter; "
        "not set: `${XDG_STATE_HOME:-~/.local/state}/panewatch/training`.",
        pattern=r"^/",
        json_schema_extra=expects("an absolute path"),
    )
    textfile_expires_after: Seconds = Field(
        default=120.0,
        description="How long the series of a callback stay whose run has ended, or whose process "
        "cannot be seen from here and writes no more. Of one that was killed they go at once.",
    )
    profiles_directory: Word | None = Field(
        default=None,
        description="Where profilers leave traces, for them and for the exporter; not set: "
        "`${XDG_STATE_HOME:-~/.local/state}/panewatch/profiles`.",
        pattern=r"^/",
        json_schema_extra=expects("an absolute path"),
    )
    profiles_expire_after: Seconds = Field(
        default=86400.0, description="How long the last trace of a run is shown."
    )


class RepositoriesSettings(Section):
    """How the git repositories that panes are in are read."""

    binary: Word = Field(default="git", description="The git program, by name or path.")
    interval: Seconds = Field(
        default=60.0,
        description="Time from one look at a repository to the next; one that is slow to read "
        "waits longer.",
    )
    timeout: Seconds = Field(
        default=5.0, description="A repository that takes longer to read is given up for a while."
    )
    most: int = Field(
        default=100, ge=1, le=10000, description="Repositories that are read; the rest is counted."
    )


class GpuSettings(Section):
    """How the GPUs of this machine are read."""

    timeout: Seconds = Field(
        default=3.0,
        description="Where the driver takes longer to tell of all GPUs, they count as unknown.",
    )


class HostSettings(Section):
    """How the machine itself is read."""

    timeout: Seconds = Field(
        default=1.0,
        description="Filesystems that have not answered after twice this time are told as failing, "
        "and not asked again until they do.",
    )
    max_filesystems: int = Field(
        default=50, ge=1, le=200, description="Filesystems that are shown; the rest is counted."
    )
    ignored_mount_points: tuple[Word, ...] = Field(
        default=("/dev", "/proc", "/run/credentials", "/sys", "/var/lib/containers/storage",
                 "/var/lib/docker", "/var/lib/kubelet/pods"),
        description="Paths whose filesystems are left out, with all that are mounted below them.",
    )  # fmt: skip


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
