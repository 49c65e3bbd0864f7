"""The commands of one pane: what each printed, and what its exit status makes of that."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from panewatch.errors.attempts import squeeze
from panewatch.errors.command import Command, parse_command
from panewatch.errors.digest import digest
from panewatch.errors.incident import SLIP, Incident, Incidents, mask
from panewatch.errors.programs import find_program, hide_quoted
from panewatch.errors.rule import Rule
from panewatch.errors.rulebook import Rulebook
from panewatch.errors.status import is_failure, vouches
from panewatch.panes.model import EndedCommand

_REMEMBERED: Final = 64
"""Commands whose end is waited for."""


@dataclass(slots=True, eq=False)
class Run:
    """A stretch of a pane's text that one command printed.

    ``number`` counts the runs before it, as incidents do. ``text`` is the command line, empty
    where no prompt tells it; ``typed`` tells that it was typed in a shell, not run by an agent.
    ``mark`` is that of the shell's prompt. ``failed`` tells that it printed an error.
    """

    number: int
    text: str = ""
    mark: str = ""
    typed: bool = True
    failed: bool = False


class Verdict(NamedTuple):
    """What the end of a command tells.

    Attributes:
        command: Its command line.
        failed: Whether it failed.
        rule: The rule that takes its exit status, where nothing that it printed told of it.
        values: What tells this failure from another one of that rule.
        refuted: Incidents that it seemed to have and, as it went well, had not.
        mended: Incidents of the same command line, run earlier, and slips made before it.
        mark: The mark of the prompt that it was typed at, where there was one.
        run: The number of its run; negative where that is not known.
    """

    command: Command
    failed: bool
    rule: Rule | None = None
    values: tuple[str, ...] = ()
    refuted: tuple[Incident, ...] = ()
    mended: tuple[Incident, ...] = ()
    mark: str = ""
    run: int = -1


def pick_reported(ended: Iterable[EndedCommand]) -> Sequence[EndedCommand]:
    """Return those of ``ended`` whose exit status the shell itself reported."""
    return [one for one in ended if one.exact and one.status is not None]


class Runs:
    """Matches what a pane printed with the commands whose end its shell reports."""

    __slots__ = ("_number", "_runs")

    def __init__(self) -> None:
        self._number = 0
        self._runs: deque[Run] = deque([Run(0)], maxlen=_REMEMBERED)

    @property
    def number(self) -> int:
        """The number of the run whose text comes now."""
        return self._number

    def begin(self, command: Command, mark: str, *, typed: bool) -> None:
        """Note that what follows comes from another command."""
        self._number += 1
        self._runs.append(Run(self._number, squeeze(command.text), mark, typed))

    def note_error(self) -> None:
        """Note an error in what is printed now."""
        self._runs[-1].failed = True

    def judge(
        self, ended: Sequence[EndedCommand], incidents: Incidents, rulebook: Rulebook
    ) -> Iterable[Verdict]:
        """Yield what the ends of commands tell, in order.

        ``ended`` are those whose status the shell reported. Of a command whose text cannot
        be told from that of others a rule takes the status only if none of them had an error.
        """
        for one in ended:
            run = self._find(one)
            doubtful = run is None or (not run.text and len(ended) > 1)
            errors = any(known.failed for known in self._runs) if run is None else run.failed
            if run is not None:
                self._close(run)
            yield _judge(one, run or Run(-1), incidents, rulebook, errors=errors, doubtful=doubtful)

    def _find(self, ended: EndedCommand) -> Run | None:
        """Return the run of a command: by its line, or the only one that there is."""
        typed = [run for run in self._runs if run.typed and run.text]
        lines = {squeeze(ended.line), squeeze(ended.line.partition("\n")[0])}
        for run in typed:
            if run.text in lines:
                return run
        candidates = typed or [run for run in self._runs if run.typed]
        return candidates[0] if len(candidates) == 1 else None

    def _close(self, run: Run) -> None:
        """Forget a run that ended, and those before it, whose end was not reported."""
        while self._runs and self._runs.popleft() is not run:
            pass
        if not self._runs:
            # What follows is of another command, whether or not its prompt is ever seen.
            self._number += 1
            self._runs.append(Run(self._number))


def _judge(
    ended: EndedCommand,
    run: Run,
    incidents: Incidents,
    rulebook: Rulebook,
    *,
    errors: bool,
    doubtful: bool,
) -> Verdict:
    command = parse_command(ended.line or ended.name)
    status = ended.status or 0
    if status:
        if not is_failure(command, status):
            return Verdict(command, failed=False, mark=run.mark, run=run.number)
        rule = None if errors else rulebook.find_status(status, ended.seconds)
        values = mask(_name_program(ended)), str(status)
        return Verdict(
            command, failed=True, rule=rule, values=values, mark=run.mark, run=run.number
        )
    if doubtful or (errors and not vouches(command)):
        return Verdict(command, failed=False, mark=run.mark, run=run.number)
    refuted = tuple(
        incident
        for incident in incidents.open.values()
        if incident.began == run.number
        and incident.opened_at >= ended.started
        and not incident.is_fact
    )
    lines = {digest(line) for line in (run.text, squeeze(command.text)) if line}
    mended = tuple(
        incident
        for incident in incidents.open.values()
        if incident.began != run.number
        and (
            (incident.origin if incident.run == run.number else incident.command).squeezed in lines
            or (incident.run != run.number and incident.is_mended_by(command.text))
            or (incident.worst == SLIP and incident.run < run.number)
        )
    )
    return Verdict(
        command, failed=False, refuted=refuted, mended=mended, mark=run.mark, run=run.number
    )


def _name_program(ended: EndedCommand) -> str:
    """Return the program of a command, by its line: what was seen to run is not always the same."""
    last = hide_quoted(ended.line).replace("&&", ";").rstrip("; ").rpartition(";")[2]
    return find_program(last.partition("|")[0])[0] or ended.name
