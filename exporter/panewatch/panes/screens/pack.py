"""Packs of screens as data: how a program looks while it works, rests or waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from panewatch.panes.model import Screen
from panewatch.panes.screens.region import Region

State: TypeAlias = Literal["working", "waiting_input", "idle", "unknown"]
Kind: TypeAlias = Literal["", "permission", "question", "password", "confirm", "pager"]

STATES: Final[tuple[State, ...]] = ("working", "waiting_input", "idle", "unknown")
KINDS: Final[tuple[Kind, ...]] = ("permission", "question", "password", "confirm", "pager")


@dataclass(frozen=True, slots=True)
class Marker:
    """What shows one thing about a program; everything that it asks for must hold.

    Attributes:
        state: What the program is doing, or unknown where it only shows which program it is.
        kind: What a person is waited for with, where one is.
        region: Where it counts.
        match: One of these expressions is found in the region's rows, one a line.
        says: One of these texts is among the region's words.
        unless: None of these expressions is found in the region's rows.
        alternate: Whether it counts only while the program has the whole screen to itself.
    """

    state: State
    kind: Kind
    region: Region
    match: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    alternate: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """Where a count is shown.

    Attributes:
        region: Where it counts.
        match: Each match counts as its group ``count`` says, as 1 where it has none.
    """

    region: Region
    match: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskList:
    """How a list of tasks looks: each expression takes a row that is one task.

    Attributes:
        region: Where it counts; only the lowest rows that follow each other do.
        pending: Tasks that nobody began.
        in_progress: Tasks at hand.
        done: Tasks that are done.
    """

    region: Region
    pending: tuple[str, ...] = ()
    in_progress: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A recorded screen and what it means.

    Attributes:
        screen: Its rows, the last of them the one that the cursor is on.
        means: What must be read from it; None in a counterexample, which must not be taken for
            the pack's program.
        alone: Whether the screen tells without a process's name.
        name: What it shows.
        source: Where it was seen.
        date: When, as in 2026-08-19.
        at: The line of the pack on which it begins; 0 where that is not known.
    """

    screen: str
    means: Screen | None
    alone: bool
    name: str
    source: str
    date: str
    at: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """What there is to know about the screen of one program.

    Attributes:
        id: Its name, unique over all packs.
        title: What the program is called.
        agent: Its name as a coding agent; empty where it is none.
        processes: Names of its processes.
        process_match: Any of these expressions is found in the names of its processes too.
        carries: Whether its screen may be another program's, as that of a shell or ssh is.
        priority: Of packs whose signs are on one screen, the highest is asked first.
        always: Whether it is asked for any screen, as its markers show by themselves.
        signs: Any of these shows that it is this program where its process is not known.
        markers: In this order; the first that holds tells the state.
        otherwise: The state where no marker holds, but the process is known.
        jobs: Where background jobs and sub-agents are counted.
        tasks: How its lists of tasks look.
        examples: Recorded screens of it.
        origin: The file that it comes from.
    """

    id: str
    title: str
    agent: str
    processes: frozenset[str]
    process_match: tuple[str, ...]
    carries: bool
    priority: int
    always: bool
    signs: tuple[Marker, ...]
    markers: tuple[Marker, ...]
    otherwise: Marker | None
    jobs: tuple[Tally, ...]
    tasks: tuple[TaskList, ...]
    examples: tuple[Example, ...] = field(compare=False, default=())
    origin: str = field(compare=False, default="")

    @property
    def shows_agents(self) -> bool:
        """Whether its screens are those of agents, of one or of any."""
        return bool(self.agent) or self.id == "agent"
