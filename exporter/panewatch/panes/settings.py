"""How tmux servers, their panes and the repositories in these are read: settings."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from panewatch.settings_types import (
    Conflict,
    File,
    Limit,
    Name,
    Seconds,
    Section,
    Socket,
    Word,
    expects,
    format_duration,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


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
