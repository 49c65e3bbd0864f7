"""The command that a pane's text belongs to, read from the prompt line that started it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from panewatch import linear
from panewatch.errors.programs import find_program, hide_quoted

_WHO = r"\[?[\w.-]{1,32}@[\w.-]{1,64}"
_WHO_ALONE: Final = linear.compile(r"[\w.-]{1,32}@[\w.-]{1,64}")
_ENVIRONMENT = r"(?:\([^()\n]{1,40}\) )?"
_BOX = r"[└╰][─━]{1,4}"
"""The beginning of the second line of a prompt that is drawn around the first."""

PROMPTS: Final = (
    rf"^{_ENVIRONMENT}(?:[$❯λ»▶➤]|❯❯❯?) [^ \n]",
    r"^>> [a-z./~][^ \n]",
    rf"^{_ENVIRONMENT}{_WHO}[^\n$#%>❯]{{0,100}}[$#%>❯] ?[^ \n]",
    rf"^{_ENVIRONMENT}➜ +[^ \n]",
    rf"^{_BOX}[$#%>❯➤╼] ?[^ \n]",
    r"^(?:bash|sh|zsh|ksh)-\d[\d.]{0,5}[$#] [^ \n]",
    r"^PS [A-Z]:[^\n>]{0,100}> [^ \n]",
    r"^[~/][^\n $#%>❯]{0,80} [$❯%>] [^ \n]",
    r"^ {0,2}[●⏺•] [^ \n]",
)
"""What the scanner looks for to notice a new command; each is tried on whole lines."""

_SIGNS: Final = frozenset("$#%>❯➜λ»▶➤╼●⏺•")
"""One of these is in every line that is a prompt."""

_SHELL: Final = linear.compile(
    rf"^{_ENVIRONMENT}(?:{_WHO}[^$#%>❯]{{0,100}}[$#%>❯] ?|(?:[$❯λ»▶➤]|❯❯❯?) |>> |{_BOX}[$#%>❯➤╼] ?|"
    r"➜ +[^ ]+(?: +git:\([^)]*\))?(?: +✗)?(?: +|$)|"
    r"(?:bash|sh|zsh|ksh)-\d[\d.]*[$#] |PS [A-Z]:[^>]{0,100}> |[~/][^ $#%>❯]{0,80} [$❯%>] )(.*)$"
)
_TOOL: Final = linear.compile(
    r"^ {0,2}[●⏺•] (?:(Bash|Ran|Run|Shell|Running)\b[ (]?(.*?)\)?$|"
    r"(?:Read|Search|Grep|Glob|Update|Write|Edit|List|LS|Explored|Fetch|WebFetch|WebSearch|Task)\b)"
)

_QUOTING: Final = frozenset(
    "cat bat batcat less more most head tail nl tac grep egrep fgrep zgrep rg ag ack sed awk gawk"
    " diff colordiff sdiff cmp xxd hexdump od strings jq yq man info tldr history find fd ls tree"
    " locate wc sort uniq cut tr column fold echo printf vim vi nvim nano emacs view zcat zless"
    " dmesg help type declare set env printenv alias".split()
)
_SILENT: Final = frozenset(("cd", "export", "source", ".", "pushd", "popd", "clear", "set"))
"""Programs that print nothing: what a line shows is the work of the others."""

_GIT_QUOTING: Final = frozenset("diff log show blame grep reflog shortlog whatchanged".split())
_GIT_VALUES: Final = frozenset(("-C", "-c", "--git-dir", "--work-tree"))
"""Options before git's verb that are followed by a value."""

_LOGS: Final = frozenset(("docker", "podman", "kubectl", "oc", "nerdctl"))
"""Programs whose verb ``logs`` shows what was printed earlier."""

_FOLLOWING: Final = linear.compile(
    r"^(?:-\d*[fF]|-[A-Za-z]*[fF][A-Za-z]*|--follow(?:=.*)?|--retry)$"
)
_EXECUTING: Final = frozenset(("-exec", "-execdir", "-ok", "-okdir", "-delete"))

_LONGEST: Final = 512
"""Characters of a command line that are looked at."""

_SHELLS: Final = ("bash: ", "zsh: ", "sh: ", "fish: ", "ksh: ", "sudo: ")


@dataclass(frozen=True, slots=True)
class Command:
    """What a command line tells about the text that follows it.

    Attributes:
        text: The command line as it was typed.
        quotes: Its output is text that it shows, not what happened to it.
        tolerates: Its failure was expected by whoever wrote it (``|| true``).
        speakers: Names under which its own messages begin.
    """

    text: str
    quotes: bool = False
    tolerates: bool = False
    speakers: tuple[str, ...] = ()

    def speaks(self, line: str) -> bool:
        """Tell whether ``line`` is a message of the command itself, not text that it shows.

        A shell that complains of the command names a word of it.
        """
        if line.startswith(self.speakers):
            return True
        return line.startswith(_SHELLS) and any(word in line for word in self.text.split())


PROSE: Final = Command("", quotes=True)
"""What an agent writes in words, or shows of a file."""


class Prompt(NamedTuple):
    """A line that begins something new.

    ``kind`` is ``shell`` for a prompt with a command, ``tool`` for a coding agent's heading
    of a tool call, ``bullet`` for a bullet, which only an agent means as a heading.
    ``mark`` is what tells one shell's prompts from another's.
    """

    kind: Literal["shell", "tool", "bullet"]
    command: Command
    mark: str = ""


def read_prompt(line: str) -> Prompt | None:
    """Return the prompt that ``line`` is; None where it is none."""
    if _SIGNS.isdisjoint(line):
        return None
    found = _SHELL.match(linear.prepare(line))
    if found is not None:
        begin = found.start(1)
        return Prompt("shell", parse_command(line[begin:]), _find_mark(line[:begin]))
    if line.lstrip(" ")[:2] not in {"● ", "⏺ ", "• "}:
        return None
    tool = _TOOL.match(line)
    if tool is None:
        return Prompt("bullet", PROSE)
    ran = parse_command(tool.group(2).removeprefix("(")) if tool.group(1) else PROSE
    return Prompt("tool" if "(" in line[:24] else "bullet", ran)


def _find_mark(prompt: str) -> str:
    """Return what stays of a prompt when the folder changes."""
    who = _WHO_ALONE.search(prompt)
    return who.group() if who is not None else prompt.strip()[-1:]


def parse_command(text: str) -> Command:
    """Read a command line: its programs decide what kind of output follows."""
    return _parse_command(text[:_LONGEST].strip())


@lru_cache(maxsize=256)
def _parse_command(text: str) -> Command:
    """Do so once: people and scripts run the same commands again and again."""
    lists = hide_quoted(text).replace("&&", ";").split(";")
    stages = [part for item in lists for part in item.split("||")[0].split("|")]
    calls = [call for call in map(find_program, stages) if call[0]]
    programs = [name for name, _ in calls]
    telling = [call for call in calls if call[0] not in _SILENT]
    quotes = bool(telling) and all(_shows_text(*call) for call in telling)
    ending = text.rpartition("||")
    tolerates = bool(ending[1]) and ending[2].strip() in {"true", ":", "exit 0", "/bin/true"}
    speakers = [f"{name}: " for name in dict.fromkeys(programs)]
    if "git" in programs:
        speakers += ["fatal: ", "error: "]
    return Command(text, quotes, tolerates, tuple(speakers))


def _shows_text(program: str, arguments: Sequence[str]) -> bool:
    if "--help" in arguments or arguments[:1] in (["help"], ["-h"]):
        return True
    if program == "git":
        before = ("", *arguments)
        verb = next(
            (
                word
                for word, option in zip(arguments, before, strict=False)
                if not word.startswith("-") and option not in _GIT_VALUES
            ),
            "",
        )
        return verb in _GIT_QUOTING
    if program in {"tail", "journalctl"} or (program in _LOGS and "logs" in arguments):
        return not any(map(_FOLLOWING.search, arguments))
    if program == "find":
        return not _EXECUTING.intersection(arguments)
    return program in _QUOTING
