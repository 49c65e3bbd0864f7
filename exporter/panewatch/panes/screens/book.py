"""The packs in use: what a screen tells, whichever program it is of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeVar

from panewatch import linear
from panewatch.panes.model import Frame, Screen
from panewatch.panes.screens.glossary import Found, Glossary
from panewatch.panes.screens.mark import Count, Listed, Mark
from panewatch.panes.screens.pack import Pack
from panewatch.panes.screens.region import View

_T_co = TypeVar("_T_co", covariant=True)


class _Program:
    """One pack, compiled."""

    __slots__ = ("_jobs", "_marks", "_tasks", "pack", "process_match", "signs")

    def __init__(self, pack: Pack, glossary: Glossary) -> None:
        self.pack = pack
        self.process_match = [linear.compile(text) for text in pack.process_match]
        self.signs = [Mark(sign, glossary) for sign in pack.signs]
        self._marks = [Mark(marker, glossary) for marker in pack.markers]
        self._jobs = [Count(tally, glossary) for tally in pack.jobs]
        self._tasks = [Listed(tasks, glossary) for tasks in pack.tasks]

    def shows(self, view: View, found: Found) -> bool:
        """Tell whether a screen may be this program's by its look alone."""
        if self.pack.always:
            return True
        for sign in self.signs:  # noqa: SIM110 - a generator costs as much as the look
            if sign.holds(view, found):
                return True
        return False

    def read(self, view: View, found: Found, *, sure: bool) -> Screen | None:
        """Tell what a screen says; None where no marker holds.

        ``sure`` tells that the process is this program's.
        """
        for mark in self._marks:
            if mark.holds(view, found):
                marker = mark.marker
                break
        else:
            if not sure or self.pack.otherwise is None:
                return None
            marker = self.pack.otherwise
        if marker.state == "unknown":
            return self.tell_unknown()
        jobs = _read_first(self._jobs, view, found)
        tasks = _read_first(self._tasks, view, found)
        return Screen(marker.state, marker.kind, self.pack.id, self.pack.agent, jobs, tasks)

    def tell_unknown(self) -> Screen:
        return Screen(program=self.pack.id, agent=self.pack.agent)


class _Reader(Protocol[_T_co]):
    """Something that a screen may show."""

    def read(self, view: View, found: Found) -> _T_co | None:
        """Read it; None where it is not shown."""


def _read_first(readers: Iterable[_Reader[_T_co]], view: View, found: Found) -> _T_co | None:
    for reader in readers:
        value = reader.read(view, found)
        if value is not None:
            return value
    return None


class ScreenBook:
    """All packs, compiled. Threads may share it.

    Args:
        packs: The packs; of two that know a process by the same name the later one counts.
    """

    def __init__(self, packs: Iterable[Pack]) -> None:
        self.packs = tuple(packs)
        glossary = self._glossary = Glossary()
        programs = [_Program(pack, glossary) for pack in self.packs]
        glossary.seal()
        self._by_process = {name: one for one in programs for name in one.pack.processes}
        self._matching = [one for one in programs if one.process_match]
        self._others: set[str] = set()
        """Names of processes that no pack knows."""
        self._by_agent = {one.pack.agent: one for one in programs if one.pack.agent}
        self._by_look = sorted(programs, key=lambda one: -one.pack.priority)
        self._by_word, self._always = _index(self._by_look)

    def read(self, frame: Frame, command: str, agent: str, *, plain: bool = False) -> Screen:
        """Tell what a screen says.

        Args:
            frame: What the pane shows.
            command: Name of the foreground process; empty where it is not known.
            agent: The coding agent that this process is; empty where it is none.
            plain: Whether it is known to show nothing of any other agent.

        Returns:
            The state as far as the screen tells it for sure. ``agent`` of the result is the one
            whose screen it is, also where its process has another name.
        """
        view = View(frame)
        if not view.rows:
            return Screen(agent=agent)
        found = self._glossary.find(view.whole.encode(errors="replace"))
        known = self._by_agent.get(agent) or self._identify(command)
        if known is not None:
            screen = known.read(view, found, sure=True)
            if screen is not None:
                return screen
            if not known.pack.carries:
                return known.tell_unknown()
        for program in self._choose(found):
            if program is known or (plain and program.pack.shows_agents):
                continue
            if program.shows(view, found):
                screen = program.read(view, found, sure=False)
                if screen is not None:
                    return screen
        return Screen(agent=agent)

    def _identify(self, command: str) -> _Program | None:
        """Return the program whose process has a name, if one is known."""
        known = self._by_process.get(command)
        if known is None and command not in self._others:
            for program in self._matching:
                if any(pattern.search(command) for pattern in program.process_match):
                    return program
            if len(self._others) < _MOST_OTHERS:
                self._others.add(command)
        return known

    def _choose(self, found: Found) -> Iterable[_Program]:
        """Return the programs that may show a sign where these words are."""
        numbers = set(self._always)
        for word in found:
            numbers |= self._by_word.get(word, _NONE)
        return [self._by_look[number] for number in sorted(numbers)]


_MOST_OTHERS: Final = 1000
_NONE: Final[Found] = frozenset()


def _index(programs: Sequence[_Program]) -> tuple[dict[int, Found], Found]:
    """Return the programs that a word is a sign of, by word, and those that need none."""
    by_word: defaultdict[int, set[int]] = defaultdict(set)
    always: set[int] = set()
    for number, program in enumerate(programs):
        if program.pack.always:
            always.add(number)
        for sign in program.signs:
            if not sign.needs:
                always.add(number)
            for word in sign.needs:
                by_word[word].add(number)
    return {word: frozenset(numbers) for word, numbers in by_word.items()}, frozenset(always)
