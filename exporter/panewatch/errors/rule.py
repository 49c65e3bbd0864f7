"""Rules as data: what a pack's entry says, and the closed lists that it chooses from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["error", "noise", "success", "friction"]
Severity: TypeAlias = Literal["P0", "P1", "P2"]
Friction: TypeAlias = Literal[
    "repeated_command", "retransfer", "ssh_timeout", "progress_gap", "killed", "restart_loop",
    "retry",
]  # fmt: skip
Category: TypeAlias = Literal[
    "dependency", "filesystem", "permission", "network", "resource", "gpu", "distributed",
    "training", "test", "build", "syntax", "process", "quota", "git", "agent", "other",
]  # fmt: skip

KINDS: Final[tuple[Kind, ...]] = ("noise", "error", "friction", "success")
"""In the order in which they win on one line."""

SEVERITIES: Final[tuple[Severity, ...]] = ("P0", "P1", "P2")
CATEGORIES: Final[tuple[Category, ...]] = Category.__args__  # type: ignore[attr-defined]
FRICTIONS: Final[tuple[Friction, ...]] = Friction.__args__  # type: ignore[attr-defined]

ANY: Final = "any"
"""In ``joins`` and ``resolves``: every rule and category."""

STATUSES: Final = range(1, 256)
"""Exit statuses that are not a success."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule; two rules are the same only if they are one object.

    Attributes:
        id: Its name, unique over all packs.
        kind: What a line that it takes means.
        match: Any of these takes a line (RE2 syntax, on the line without its prefix).
        category: What an error or a friction is about.
        severity: How bad an error is: P0 blocks, P1 costs, P2 is a slip.
        unless: None of these may match the same line.
        supersedes: Ids of rules that it wins over on the same line.
        priority: Of the rules that no other supersedes, the highest wins.
        joins: Ids and categories of incidents that this line is a consequence of.
        until: The line begins a block, which ends with the next line that this matches.
        resolves: Categories of incidents that a success ends.
        friction: Which friction it is.
        statuses: Exit statuses of commands that an error takes, where a shell reports them.
        lasted: Seconds that such a command must have run at least.
        suggestion: What to do about an error.
        examples: Lines that it takes.
        counterexamples: Lines that it must not take.
        origin: The file that it comes from.
        at: The line of that file on which it begins; 0 where that is not known.
    """

    id: str
    kind: Kind
    match: tuple[str, ...]
    category: Category = "other"
    severity: Severity = "P1"
    unless: tuple[str, ...] = ()
    supersedes: frozenset[str] = frozenset()
    priority: int = 0
    joins: frozenset[str] = frozenset()
    until: str = ""
    resolves: frozenset[str] = frozenset()
    friction: Friction | None = None
    statuses: frozenset[int] = frozenset()
    lasted: float = 0.0
    suggestion: str = ""
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()
    origin: str = field(default="", compare=False)
    at: int = field(default=0, compare=False)
