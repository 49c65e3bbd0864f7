"""Incidents of one pane: opened once, joined by repeats and consequences, ended once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from panewatch import linear
from panewatch.errors.attempts import Attempt, recognize
from panewatch.errors.digest import digest
from panewatch.errors.rule import ANY, Rule, Severity

Outcome: TypeAlias = Literal["success", "quiet", "end", "dropped", "refuted"]

BLOCKER: Final = "P0"
"""The severity of what nobody gets past alone."""

SLIP: Final = "P2"
"""The severity of what people mend in seconds."""

_FACTS: Final = frozenset(("process", "resource", "filesystem", "quota"))
"""A blocker of these is what the machine did or lacks, whatever became of the command."""

_NEAR: Final = 500
"""Lines within which something can be the consequence of what happened before."""

_MOST_OPEN: Final = 64
"""Open incidents of one pane; the least severe of them makes way."""

_RETRY_SECONDS: Final = 600.0
"""Whoever tries again by itself has failed for good when it is silent for longer."""

_ALL: Final = frozenset((ANY,))
_NO_COMMAND: Final = Attempt()

Key: TypeAlias = tuple[str, str]
"""A rule, and what stands for the values by which its incidents differ."""

_VARIABLE: Final = linear.compile(r"0x[0-9a-fA-F]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d{4,}")
_LONGEST_VALUE: Final = 128


@dataclass(slots=True, eq=False)
class Incident:
    """One thing that went wrong.

    ``line`` and ``run`` say where it was last seen, counted over the pane's lines and its
    commands; ``opened`` and ``seen`` are monotonic, ``opened_at`` is Unix time.
    ``command`` is the command line that it last happened to, ``origin`` the one that it
    happened to first, in the run ``began``. ``worst`` is the severity of the
    worst that joined it. ``retrying`` tells that whoever failed tries again by itself.
    ``mark`` stands for the ``values``, which are known only to who saw them.
    """

    number: int
    rule: Rule
    values: tuple[str, ...]
    opened: float
    seen: float
    line: int
    run: int
    worst: Severity
    command: Attempt = _NO_COMMAND
    count: int = 1
    retrying: bool = False
    opened_at: float = 0.0
    origin: Attempt = field(init=False)
    began: int = field(init=False)
    mark: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep what will change."""
        self.origin, self.began = self.command, self.run
        self.mark = mark_values(self.values)

    @property
    def key(self) -> Key:
        """By what it is known in its pane."""
        return self.rule.id, self.mark

    @property
    def severity(self) -> Severity:
        """How bad it is now: while it is tried again, nobody is needed."""
        return SLIP if self.retrying else self.worst

    @property
    def is_fact(self) -> bool:
        """Whether it is true whatever became of the command: the disk is full."""
        return self.worst == BLOCKER and self.rule.category in _FACTS

    @property
    def passes(self) -> bool:
        """Whether nobody comes back to it: a slip, or what was typed to be run once."""
        return self.worst == SLIP or (not self.is_fact and bool(self.command.one_off))

    def is_mended_by(self, line: str) -> bool:
        """Tell whether it was mended if the command ``line`` goes well, run later."""
        attempt = recognize(line)
        if attempt.is_again(self.command):
            return True
        one_off = attempt.one_off
        return bool(one_off) and not self.is_fact and one_off == self.command.one_off

    def repeat(self, rule: Rule, *, now: float, line: int) -> None:
        """Take in another line of it: the same again, or a consequence that ``rule`` took."""
        self.count += 1
        self.seen, self.line = now, line
        self.worst = min(self.worst, rule.severity)
        self.retrying = False


def mask(value: str) -> str:
    """Return a captured value without what differs from one failure to the next."""
    return _VARIABLE.sub("#", value[:_LONGEST_VALUE])


def mark_values(values: tuple[str, ...]) -> str:
    """Return what stands for the values that tell incidents of one rule apart."""
    return digest("\0".join(values))


@dataclass(slots=True)
class Incidents:
    """The open incidents of one pane, oldest first."""

    numbers: Iterator[int]
    open: dict[Key, Incident] = field(default_factory=dict)
    dropped: list[Incident] = field(default_factory=list)
    """Incidents that made way; whoever counts them takes them out."""

    changes: int = 0
    """Counts how often one was opened or ended, or became better or worse."""

    repeats: int = 0
    """Counts how often one was seen again."""

    def take(
        self,
        rule: Rule,
        values: tuple[str, ...],
        *,
        now: float,
        line: int,
        run: int,
        command: str = "",
        linked: bool = False,
    ) -> tuple[Incident, bool]:
        """Take in an error: it repeats an incident, joins one as its consequence, or opens one.

        ``linked`` tells that it goes on with what was told last, whatever that was.

        Returns:
            The incident, and whether it was opened now.
        """
        attempt = recognize(command)
        incident = self.open.get((rule.id, mark_values(values)))
        if incident is None:
            incident = self._find_cause(rule, _ALL if linked else rule.joins, line, run)
        if incident is not None:
            before = incident.severity
            incident.repeat(rule, now=now, line=line)
            incident.run, incident.command = run, attempt
            self.changes += before != incident.severity
            self.repeats += 1
            return incident, False
        if len(self.open) >= _MOST_OPEN:
            self.dropped += self._end([self._find_least()])
        incident = Incident(
            next(self.numbers), rule, values, now, now, line, run, rule.severity, attempt
        )
        self.add(incident)
        return incident, True

    def add(self, incident: Incident) -> None:
        """Hold an incident that is open, as the last one."""
        self.open[incident.key] = incident
        self.changes += 1

    def _find_cause(
        self, rule: Rule, joins: frozenset[str], line: int, run: int
    ) -> Incident | None:
        """Return the last incident of the same command that ``rule`` tells a consequence of.

        What the machine did comes of no slip: who is called has to be told of that itself.
        """
        if not joins:
            return None
        nearest, at = None, line - _NEAR - 1
        fact = rule.severity == BLOCKER and rule.category in _FACTS
        # Most are seen to be further away than the one that was found: no more is asked of them.
        for known in self.open.values():
            if known.line <= at or known.run != run:
                continue
            cause = known.rule
            if fact and cause.severity == SLIP:
                continue
            if ANY in joins or cause.id in joins or cause.category in joins:
                nearest, at = known, known.line
        return nearest

    def _find_least(self) -> Incident:
        """Return the least severe of them, of those the one seen least lately."""
        severest: Severity = "P0"
        least: Incident | None = None
        for known in self.open.values():
            severity = SLIP if known.retrying else known.worst
            if least is None or severity > severest:
                least, severest = known, severity
            elif severity == severest and known.line < least.line:
                least = known
        assert least is not None  # noqa: S101  # whoever asks has some
        return least

    def holds(self, incident: Incident) -> bool:
        """Tell whether ``incident`` is still open."""
        return self.open.get(incident.key) is incident

    def retry(self, *, line: int, run: int, within: int) -> None:
        """Note that whatever failed in the last lines is tried again by itself."""
        for incident in self.open.values():
            if incident.run == run and line - incident.line <= within:
                self.changes += not incident.retrying
                incident.retrying = True

    def calm(self, before: float | None = None) -> bool:
        """Note that nobody tries again: a new command was typed, or it is long ago.

        Args:
            before: Leave those alone that were seen since this time.

        Returns:
            Whether that changed anything.
        """
        tried = [
            incident
            for incident in self.open.values()
            if incident.retrying and (before is None or incident.seen < before - _RETRY_SECONDS)
        ]
        for incident in tried:
            incident.retrying = False
        self.changes += len(tried)
        return bool(tried)

    def recover(self, command: str, run: int) -> list[Incident]:
        """End what ``run`` of ``command`` tells to be mended, as it went well.

        That is what happened to an earlier attempt at the same, and any slip before it:
        whoever made one has gone on.
        """
        return self._end(
            [
                i
                for i in self.open.values()
                if (i.run != run and i.is_mended_by(command)) or (i.worst == SLIP and i.run < run)
            ]
        )

    def end(self, ended: Iterable[Incident]) -> list[Incident]:
        """End these, and return them."""
        return self._end(list(ended))

    def resolve(self, categories: frozenset[str]) -> list[Incident]:
        """End what a success ends, and return it."""
        return self._end(
            [i for i in self.open.values() if ANY in categories or i.rule.category in categories]
        )

    def settle(self, before: float, *, passing: bool = False) -> list[Incident]:
        """End what was not seen since the time ``before``, or what passes of that; return it."""
        return self._end(
            [i for i in self.open.values() if i.seen < before and (not passing or i.passes)]
        )

    def adopt(self, rules: Mapping[str, Rule]) -> list[Incident]:
        """Go on by other rules of the same ids; end what has no rule any more, and return it."""
        orphans = []
        for incident in self.open.values():
            rule = rules.get(incident.rule.id)
            if rule is None or rule.kind != "error":
                orphans.append(incident)
                continue
            if incident.worst == incident.rule.severity:
                incident.worst = rule.severity
                self.changes += 1
            incident.rule = rule
        return self._end(orphans)

    def _end(self, ended: list[Incident]) -> list[Incident]:
        for incident in ended:
            del self.open[incident.key]
        self.changes += len(ended)
        return ended
