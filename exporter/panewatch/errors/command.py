"""What a command line tells about the text that follows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from panewatch import linear
from panewatch.errors.programs import Call, list_calls
from panewatch.errors.shown import count_lead, find_inner, list_voices, shows_text

_SILENT: Final = frozenset(
    "cd export source . pushd popd clear set true false : exit read sleep wait test [ [[ shift"
    " break continue return local unset trap".split()
)
"""Programs that print nothing: what a line shows is the work of the others."""

_LONGEST: Final = 512
"""Characters of a command line that are looked at."""

_DEEPEST: Final = 4
"""Commands within commands that are looked into."""

_SHELLS: Final = ("bash: ", "zsh: ", "sh: ", "fish: ", "ksh: ", "sudo: ")


@dataclass(frozen=True, slots=True)
class Command:
    """What a command line tells about the text that follows it.

    Attributes:
        text: The command line as it was typed.
        quotes: Its output is text that it shows, not what happened to it.
        lead: So many lines at its beginning are such text, what follows them is not.
        tolerates: Its failure was expected by whoever wrote it (``|| true``).
        speakers: Names under which its own messages begin.
        voices: Expressions of its own messages that begin otherwise.
        calls: The programs in it that do something, not those that show text or print nothing.
    """

    text: str
    quotes: bool = False
    lead: int = 0
    tolerates: bool = False
    speakers: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    calls: tuple[Call, ...] = field(default=(), compare=False)

    def speaks(self, line: str) -> bool:
        """Tell whether ``line`` is a message of the command itself, not text that it shows.

        A shell that complains of the command names a word of it.
        """
        if line.startswith(self.speakers):
            return True
        if any(linear.compile(voice).match(linear.prepare(line)) for voice in self.voices):
            return True
        if not line.startswith(_SHELLS):
            return False
        return any(word.strip("'\"") in line for word in self.text.split())


PROSE: Final = Command("", quotes=True)
"""What an agent writes in words, or shows of a file."""


def parse_command(text: str) -> Command:
    """Read a command line: its programs decide what kind of output follows."""
    return _parse_command(text[:_LONGEST].strip(), 0)


@lru_cache(maxsize=512)
def _parse_command(text: str, depth: int) -> Command:
    """Do so once: people and scripts run the same commands again and again."""
    speakers: list[str] = []
    voices: list[str] = []
    doing: list[Call] = []
    quotes, leads = False, [0]
    for call in list_calls(text):
        speakers.append(f"{call.program}: ")
        voices += list_voices(call.program)
        if call.program in _SILENT:
            continue
        inner = find_inner(call) if depth < _DEEPEST else None
        if inner is not None:
            # What runs elsewhere has its own voice, and its own kind of output.
            within = _parse_command(inner, depth + 1)
            speakers += within.speakers
            voices += within.voices
            shows, lead = within.quotes, within.lead
        else:
            shows, lead = shows_text(call), count_lead(call)
        quotes = quotes or shows
        leads.append(lead)
        if not shows:
            doing.append(call)
    ending = text.rpartition("||")
    tolerates = bool(ending[1]) and ending[2].strip() in {"true", ":", "exit 0", "/bin/true"}
    return Command(
        text,
        quotes and not doing,
        max(leads) if sum(map(bool, leads)) == len(doing) else 0,
        tolerates,
        tuple(dict.fromkeys(speakers)),
        tuple(dict.fromkeys(voices)),
        tuple(doing),
    )
