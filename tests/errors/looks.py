"""Looks at panes, made up, and what an observer exports of them."""

from __future__ import annotations

from collections.abc import Sequence

from panewatch.config import Config
from panewatch.errors.memory import Memory
from panewatch.errors.observer import ErrorsObserver
from panewatch.errors.rulebook import Rulebook
from panewatch.errors.rules_in_use import ErrorsCollector, RulesInUse
from panewatch.exposition import render
from panewatch.panes.model import EndedCommand, Frame, Identity, Line, PaneKey, PaneUpdate

PROMPT = "user@host:~$"


def name_place(pane: str, server: str = "default") -> Identity:
    return Identity(server, "work", "0", pane)


def use(rulebook: Rulebook) -> RulesInUse:
    """Return rules in use that were not read from files."""
    rules = RulesInUse()
    rules._rulebook = rulebook
    return rules


class Looks:
    """An observer and the clock by which it is told of panes, one second a look."""

    def __init__(
        self,
        rulebook: Rulebook,
        config: Config | None = None,
        memory: Memory | None = None,
        server: str = "default",
    ) -> None:
        self.server = server
        self.rules = use(rulebook)
        self.memory = memory or Memory()
        self.now = 1000.0
        self.ahead = 1e9
        """How much Unix time is ahead of the monotonic one."""
        self.observer = ErrorsObserver(
            self.rules, config or Config(), lambda: self.now + self.ahead, self.memory
        )

    def look(
        self,
        *lines: str | Line,
        pane: str = "%1",
        place: str = "0",
        wait: float = 1.0,
        screen: Sequence[str] = ("",),
        alternate: bool = False,
        gap: bool = False,
        command: str = "bash",
        state: str = "working",
        ended: Sequence[EndedCommand] = (),
        restarted: bool = False,
        server: int = 1,
    ) -> None:
        self.now += wait
        self.observer.observe(
            PaneUpdate(
                key=PaneKey(1, server, pane),
                identity=name_place(place, self.server),
                frame=Frame(screen, max(0, len(screen) - 1), alternate),
                lines=[line if isinstance(line, Line) else Line(line) for line in lines],
                gap=gap,
                command=command,
                state=state,
                monotonic=self.now,
                ended=ended,
                restarted=restarted,
            )
        )

    def end(
        self,
        line: str,
        status: int | None = 0,
        *,
        seconds: float = 0.5,
        ago: float = 0.0,
        exact: bool = True,
    ) -> EndedCommand:
        """Return a command that ended ``ago`` seconds before the last look."""
        name = line.split(maxsplit=1)[0] if line else "make"
        started = self.now + 1e9 - seconds - ago
        return EndedCommand(name, line, started, seconds, status, exact)

    def move(self, **places: str) -> None:
        """Note that panes (``pane1`` is %1) stand in other places, not looked at there yet."""
        self.observer.move(
            {
                PaneKey(1, 1, pane.replace("pane", "%")): name_place(place)
                for pane, place in places.items()
            }
        )

    def forget(self, pane: str = "%1") -> None:
        self.observer.forget(PaneKey(1, 1, pane))

    def values(self, name: str, **labels: str) -> list[float]:
        return [
            sample.value
            for family in self.observer.collect()
            for sample in family.samples
            if sample.name == f"panewatch_{name}"
            and all(sample.labels.get(label) == value for label, value in labels.items())
        ]

    def value(self, name: str, **labels: str) -> float:
        """Add up the samples that have these labels."""
        return sum(self.values(name, **labels))

    def counters(self) -> dict[tuple[object, ...], float]:
        """Every sample of every counter, by its name and labels."""
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in self.observer.collect()
            if family.type in {"counter", "histogram"}
            for sample in family.samples
        }

    def expose(self) -> str:
        families = [*self.observer.collect(), *ErrorsCollector(self.rules, self.memory).collect()]
        return "".join(part for family in families for part in render(family).text)
