"""One pane's lines in, events out: what each line that means something means."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from panewatch import linear
from panewatch.errors.choice import capture, choose, find_start
from panewatch.errors.command import Command
from panewatch.errors.context import Reason, find_reason
from panewatch.errors.event import Event
from panewatch.errors.incident import Incident, Incidents
from panewatch.errors.prefix import strip_prefix
from panewatch.errors.prompt import Prompt
from panewatch.errors.rule import Rule
from panewatch.errors.rulebook import Candidates, Rulebook
from panewatch.errors.session import Session

_REMEMBERED_LINES: Final = 100
_LONGEST_BLOCK: Final = 400
_BLOCK_SECONDS: Final = 5.0
"""A block whose end has not come by then is told of as it is."""

_RETRY_LINES: Final = 5

_LINK_LINES: Final = 4
"""Within so many lines behind a line that links two failures, the second begins."""


@dataclass(slots=True)
class _Block:
    """A block whose end was not seen yet."""

    rule: Rule
    line: int
    began: float
    losers: tuple[Rule, ...]


class Classifier:
    """Reads one pane.

    Args:
        rulebook: The rules; may be replaced between two calls.
        incidents: Where errors are taken to.
    """

    __slots__ = (
        "_above", "_block", "_line", "_lines", "_link", "_now", "_quoted", "incidents", "rulebook",
        "session",
    )  # fmt: skip

    def __init__(self, rulebook: Rulebook, incidents: Incidents) -> None:
        self.rulebook = rulebook
        self.incidents = incidents
        self.session = Session()
        self._line = 0
        self._lines: Sequence[str] = ()
        self._now = 0.0
        self._quoted = False
        self._block: _Block | None = None
        self._link = -_LINK_LINES - 1
        self._above: deque[str] = deque(maxlen=_REMEMBERED_LINES)

    @property
    def command(self) -> Command | None:
        """The command whose output is read, where its prompt was recognised."""
        return self.session.command

    @property
    def position(self) -> int:
        """Number of the next line."""
        return self._line

    def rest_at(self, line: str) -> list[Incident]:
        """Note that the pane's shell waits for a command, with the cursor on ``line``.

        Returns:
            The incidents that the command has ended which went well and after which it waits.
        """
        bare = line.rstrip()
        known = self.rulebook.read_prompt(f"{bare} ")
        self.session.own.note(line, self._line, known=known is not None)
        if not self.incidents.open or self._block is not None:
            return []
        prompt = known or self.session.own.read(f"{bare} ")
        if prompt is None or not self.session.return_to(prompt):
            return []
        return self._recover(0)

    def read_prompt(self, line: str) -> Prompt | None:
        """Return the prompt that ``line`` is in this pane; None where it is none."""
        return self.rulebook.read_prompt(line) or self.session.own.read(line)

    def take_status(
        self, rule: Rule, values: tuple[str, ...], text: str, run: int, now: float
    ) -> Event:
        """Take in the failure of a command that a rule knows by its exit status."""
        line = max(0, self._line - 1)
        incident, opens = self.incidents.take(
            rule, values, now=now, line=line, run=run, command=text
        )
        return Event(line, "status", rule, incident=incident, opens=opens)

    def feed(
        self, lines: Sequence[str], now: float, *, quoted: bool = False, agent: bool = False
    ) -> list[Event]:
        """Take in the next lines of the pane and return what they mean, in order.

        ``quoted`` tells that a program shows text in its own window: nothing of it happened
        now. ``agent`` tells that a coding agent runs: its bullets are headings, and what it
        says of itself counts wherever it stands.
        """
        self._quoted, self._now = quoted, now
        self.session.agent = self.session.agent or agent
        found = self.rulebook.find(lines)
        for index in self.session.own.find(lines):
            known = found.get(index) or Candidates((), lines[index], looks=False, prompt=True)
            found[index] = known._replace(prompt=True)
        events: list[Event] = []
        if found or self._block is not None:
            self._lines = lines
            begin = self._pass_block(found, 0, now, events) if self._block is not None else 0
            for index in sorted(found):
                if index >= begin:
                    begin = self._judge(index, found, now, events)
            self._lines = ()
        self._line += len(lines)
        self._above.extend(lines[-_REMEMBERED_LINES:])
        return events

    def flush(self, now: float, *, force: bool = False) -> list[Event]:
        """Return the event of a block whose end does not come."""
        events: list[Event] = []
        if self._block is not None and (force or now - self._block.began > _BLOCK_SECONDS):
            self._close_block(self._line, now, events)
        return events

    def lose(self, now: float) -> list[Event]:
        """Note that lines were lost: what began before them may have ended in them."""
        events = self.flush(now, force=True)
        self.session.command = None
        return events

    def _judge(
        self, index: int, found: Mapping[int, Candidates], now: float, events: list[Event]
    ) -> int:
        """Tell what the line at ``index`` means; return the index at which to go on."""
        candidates = found[index]
        line = self._line + index
        if candidates.prompt:
            prompt = self.read_prompt(self._lines[index])
            if prompt is not None and self.session.believes(prompt, quoted=self._quoted):
                events.append(self._begin(prompt, index))
                return index + 1
        if not candidates.rules:
            if candidates.looks and self._find_reason(candidates.text, 1, index) is None:
                events.append(Event(line, "unclassified"))
            return index + 1
        rule, losers = choose(candidates.rules)
        reason = None
        if rule.kind != "noise":
            reason = self._find_reason(candidates.text, find_start(rule, candidates.text), index)
            if self.session.agent and rule.category == "agent" and reason == "quoted-output":
                reason = None  # an agent speaks in the same place as it quotes
        if reason is not None:
            events.append(Event(line, "noise", rule, reason=reason, losers=losers))
        elif rule.until:
            self._block = _Block(rule, line, now, losers)
            return self._pass_block(found, index + 1, now, events)
        else:
            events.append(self._take(rule, losers, candidates.text, line, now, line))
        return index + 1

    def _begin(self, prompt: Prompt, index: int) -> Event:
        """Go over to another command; the one before, if it went well, was a success."""
        ended = self._recover(index)
        self.incidents.calm()
        self.session.begin(prompt, self._line + index, self._now)
        return Event(self._line + index, "command", prompt=prompt, ended=tuple(ended))

    def _recover(self, index: int) -> list[Incident]:
        """End what the command has mended that ends at the line with this index."""
        session = self.session
        command = session.command
        if command is None or not self.incidents.open:
            return []
        if not session.went_well(lambda distance: self._look_back(index - distance)):
            return []
        return self.incidents.recover(command.text, session.run)

    def _pass_block(
        self, found: Mapping[int, Candidates], begin: int, now: float, events: list[Event]
    ) -> int:
        """Skip the lines of the open block; return the index behind its end."""
        block = self._block
        assert block is not None  # noqa: S101  # the caller looked
        ends = linear.compile(block.rule.until)
        for index in range(begin, len(self._lines)):
            candidates = found.get(index)
            text = candidates.text if candidates else strip_prefix(self._lines[index])
            if self._line + index - block.line > _LONGEST_BLOCK:
                self._close_block(self._line + index, now, events)
                return index
            if ends.search(linear.prepare(text)) is not None:
                rules = candidates.rules if candidates else ()
                last = choose(rules)[0] if rules else None
                line = self._line + index
                if last is None or last.until or last.kind not in {"error", "noise"}:
                    self._close_block(line, now, events)
                    return index
                self._close_block(line, now, events, rules, text)
                return index + 1
        return len(self._lines)

    def _close_block(
        self,
        line: int,
        now: float,
        events: list[Event],
        rules: tuple[Rule, ...] = (),
        text: str = "",
    ) -> None:
        """Tell of a block: the rule of its last line names it, or else that of its first."""
        block = self._block
        assert block is not None  # noqa: S101  # the caller looked
        self._block = None
        if not rules:
            begin = self._take(block.rule, block.losers, "", block.line, now, block.line)
            events.append(begin)
        else:
            rule, losers = choose(rules)
            if block.rule.kind == "noise":
                rule, losers = block.rule, rules
            begin = self._take(rule, losers, text, line, now, block.line)
            events.append(replace(begin, line=block.line, losers=block.losers))
            events.append(replace(begin, opens=False))

    def _take(  # noqa: PLR0917  # what is known of one line
        self, rule: Rule, losers: tuple[Rule, ...], text: str, line: int, now: float, begin: int
    ) -> Event:
        """Turn a line that counts into an event, and let it act on the incidents.

        ``begin`` is the first line of what it tells of.
        """
        if rule.kind == "success":
            ended = tuple(self.incidents.resolve(rule.resolves))
            return Event(line, "success", rule, losers=losers, ended=ended)
        if rule.kind == "friction" and rule.friction == "retry":
            self.incidents.retry(line=line, run=self.session.run, within=_RETRY_LINES)
        if rule.kind != "error":
            if rule.joins:
                self._link = line
            return Event(line, rule.kind, rule, losers=losers)
        command = self.session.command
        if command is not None and command.tolerates:
            return Event(line, "friction", rule, losers=losers)
        self.session.failed = True
        incident, opens = self.incidents.take(
            rule,
            capture(rule, text),
            now=now,
            line=line,
            run=self.session.run,
            command=command.text if command else "",
            linked=0 < begin - self._link <= _LINK_LINES,
        )
        return Event(line, "error", rule, incident=incident, opens=opens, losers=losers)

    def _find_reason(self, text: str, start: int, index: int) -> Reason | None:
        command = self.session.command
        if self._quoted:
            return "quoted-output"
        if command is not None:
            shows = command.quotes or self.session.is_old(self._line + index, self._now)
            if shows and not command.speaks(text):
                return "quoted-output"
        return find_reason(text, start, lambda distance: self._look_back(index - distance))

    def _look_back(self, index: int) -> str | None:
        if index < -len(self._above):
            return None
        line = self._lines[index] if index >= 0 else self._above[index]
        return strip_prefix(line)
