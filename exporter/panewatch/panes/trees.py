"""The processes of one server's panes, those too that have left their pane's tree.

``setsid``, ``nohup`` and daemons leave it: when their parent ends they are the init's
children. They keep the environment that tmux gave them, or are known from before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from panewatch.panes.census import Census, Table
from panewatch.panes.containers import Container, find_container
from panewatch.panes.marks import Mark, PerProcess, find_mark
from panewatch.panes.model import PaneKey
from panewatch.panes.processes import Ascent, Sums, Usage, add_up, list_tree

_MOST_CONTAINERS: Final = 10
_NOTHING: Final = Sums(0, 0, None, 0, 0)


@dataclass(slots=True)
class _Strays:
    """The strays of one pane at the last look, and what those used that are gone."""

    shares: dict[int, tuple[bytes, int, Sums]] = field(default_factory=dict)
    """By pid: the start, the parent, and what it used."""
    gone: Sums = _NOTHING

    def take(self, pids: list[int], table: Table) -> None:
        """Take in which strays there are now."""
        before, self.shares = self.shares, {}
        for pid in pids:
            process = table.processes[pid]
            self.shares[pid] = process.start, process.parent, add_up((pid,), table)
        gone = [
            share
            for pid, (start, parent, share) in before.items()
            if not self._lives(pid, start) and not self._is_counted(parent, before)
        ]
        self.gone = _add(self.gone, *gone)

    def _lives(self, pid: int, start: bytes) -> bool:
        now = self.shares.get(pid)
        return now is not None and now[0] == start

    def _is_counted(self, parent: int, before: Mapping[int, tuple[bytes, int, Sums]]) -> bool:
        """Tell whether a stray that lives on has waited for one that ended, and counts it."""
        passed: set[int] = set()
        while (above := before.get(parent)) is not None and parent not in passed:
            if self._lives(parent, above[0]):
                return True
            passed.add(parent)
            parent = above[1]
        return False

    def sum(self) -> Sums:
        """Return what the strays use, and the CPU time and bytes of those that are gone."""
        lost = self.gone._replace(memory=0, processes=0, blocked=0)
        return _add(lost, *(share for _, _, share in self.shares.values()))


class _Ascents:
    """What the processes of one pane used, as numbers that do not fall."""

    __slots__ = ("_read", "_ticks", "_written")

    def __init__(self) -> None:
        self._ticks, self._read, self._written = Ascent(), Ascent(), Ascent()

    def follow(self, sums: Sums) -> Sums:
        storage = sums.storage
        if storage is not None:
            storage = self._read.follow(storage[0]), self._written.follow(storage[1])
        return sums._replace(ticks=self._ticks.follow(sums.ticks), storage=storage)


class Trees:
    """Measures the processes of one server's panes. What is counted does not fall.

    A process outside of every tree belongs to the pane that its environment names
    (``TMUX`` and ``TMUX_PANE``), if that pane lives. One that names none belongs where it was
    seen before, or else where its parent belongs. Environments are read of this user's
    processes only, once for each program that one runs.

    Args:
        read: Looks at all processes.
        find: Finds the mark of one.
    """

    def __init__(
        self,
        read: Callable[[], Table] | None = None,
        find: Callable[[int], Mark | None] = find_mark,
    ) -> None:
        self._read = read or Census().read
        self._marks = PerProcess(find)
        # A runtime moves what it has begun to its group only a moment later.
        self._containers: PerProcess[Container | None] = PerProcess(find_container, None)
        self._owners: dict[int, tuple[bytes, PaneKey]] = {}
        self._strays: dict[PaneKey, _Strays] = {}
        self._ascents: dict[PaneKey, _Ascents] = {}
        self._roots: dict[PaneKey, tuple[int, bytes]] = {}
        """The first process of each pane, and when it began."""

    def measure(self, panes: Mapping[PaneKey, int]) -> dict[PaneKey, Usage]:
        """Return what the processes of each pane use.

        Args:
            panes: The pid of the process that each living pane was begun with.

        Returns:
            Nothing of panes whose first process has ended.
        """
        table = self._read()
        trees = {key: list_tree(pid, table) for key, pid in self._find_roots(panes, table)}
        inside = {pid for pids in trees.values() for pid in pids}
        strays = self._find_strays({key: panes[key] for key in trees}, inside, table)
        self._marks.keep(table.processes)
        self._containers.keep(table.processes)
        before, self._strays, self._owners = self._strays, {}, {}
        self._ascents = {key: self._ascents.get(key) or _Ascents() for key in trees}
        usages: dict[PaneKey, Usage] = {}
        for key, tree in trees.items():
            outside = strays.get(key, [])
            for pid in (*tree, *outside):
                self._owners[pid] = table.processes[pid].start, key
            sums = add_up(tree, table)
            followed = before.get(key)
            if outside or followed is not None:
                followed = self._strays[key] = followed or _Strays()
                followed.take(outside, table)
                sums = _add(sums, followed.sum())
            sums = self._ascents[key].follow(sums)
            if sums.processes:
                usages[key] = replace(
                    sums.tell(),
                    strays=tuple((pid, table.processes[pid].start) for pid in outside),
                    containers=self._name_containers(tree, outside, table),
                )
        return usages

    def _find_roots(self, panes: Mapping[PaneKey, int], table: Table) -> list[tuple[PaneKey, int]]:
        """Return the first process of each pane that lives, and not one that has its number."""
        found = {
            key: (pid, process.start)
            for key, pid in panes.items()
            if (process := table.processes.get(pid)) is not None
        }
        before, self._roots = self._roots, {}
        for key, (pid, start) in found.items():
            known = before.get(key)
            self._roots[key] = known if known and known[0] == pid else (pid, start)
        return [(key, root[0]) for key, root in found.items() if self._roots[key] == root]

    def _find_strays(
        self, panes: Mapping[PaneKey, int], inside: set[int], table: Table
    ) -> dict[PaneKey, list[int]]:
        """Return the processes outside of all trees that belong to one of the panes."""
        processes = table.processes
        marked = {Mark(key.server_pid, key.pane_id): key for key in panes}
        own: dict[int, PaneKey | None] = {}
        for pid, process in processes.items():
            if pid in inside:
                continue
            start = process.start
            # A new program has a new environment: a daemon forks, and only then begins what it is
            # asked to, and a server's next pane is for a moment what the server is.
            mark = self._marks.get(pid, process.sign)
            known = self._owners.get(pid)
            if mark is not None:
                key = marked.get(mark)
                # A server that has the pid of an earlier one is younger than its processes.
                server = processes.get(mark.server_pid)
                if key is not None and (server is None or int(start) < int(server.start)):
                    key = None
                own[pid] = key
            elif known is not None and known[0] == start and known[1] in panes:
                own[pid] = known[1]
        # What one pane begins as a tmux server has panes of its own.
        servers = [
            pid for pid, key in own.items() if key is not None and processes[pid].is_tmux_server
        ]
        own |= dict.fromkeys(servers)
        strays: dict[PaneKey, list[int]] = {}
        for pid, key in own.items():
            if key is None:
                continue
            # Those below it that name no pane are the same pane's.
            for below in _list_below(pid, own, inside, table):
                strays.setdefault(key, []).append(below)
        return strays

    def _name_containers(
        self, tree: list[int], outside: list[int], table: Table
    ) -> tuple[Container, ...]:
        """Return the containers that processes of a pane are in, and its first one is not."""
        processes = table.processes
        found = {self._containers.get(pid, processes[pid].start) for pid in (*tree, *outside)}
        found -= {None, self._containers.get(tree[0], processes[tree[0]].start)}
        return tuple(sorted(name for name in found if name))[:_MOST_CONTAINERS]


def _list_below(
    root: int, own: Mapping[int, PaneKey | None], inside: set[int], table: Table
) -> list[int]:
    """Return a stray and those below it that nothing else is known of."""
    found, seen = [root], {root}
    for pid in found:  # which grows
        below = [
            child
            for child in table.children.get(pid, ())
            if child not in own and child not in inside and child not in seen
        ]
        seen.update(below)
        found += below
    return found


def _add(first: Sums, *others: Sums) -> Sums:
    """Add up; storage is known where it is known of any."""
    ticks, memory, storage, processes, blocked = first
    for other in others:
        ticks, memory = ticks + other.ticks, memory + other.memory
        processes, blocked = processes + other.processes, blocked + other.blocked
        if other.storage is not None:
            read, written = storage or (0, 0)
            storage = read + other.storage[0], written + other.storage[1]
    return Sums(ticks, memory, storage, processes, blocked)
