"""Prompts: the lines in which a shell, or a coding agent, tells which command runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from panewatch import linear
from panewatch.errors.command import PROSE, Command, parse_command

_WHO = r"\[?[\w.-]{1,32}@[\w.-]{1,64}"
_WHO_ALONE: Final = linear.compile(r"[\w.-]{1,32}@[\w.-]{1,64}")
_ENVIRONMENT = r"(?:\([^()\n]{1,40}\) )?"
_BOX = r"[└╰][─━]{1,4}"
"""The beginning of the second line of a prompt that is drawn around the first."""

_CLOCK = r"(?:\[\d\d:\d\d(?::\d\d)?\]|\d\d:\d\d(?::\d\d)?)"
_AFTER_CLOCK = rf"{_CLOCK} (?:[\w.@-]{{1,80}}[ :])?[~/][^\n $#%>❯]{{0,80}} ?[$❯]"
"""Lines of logs begin with a clock too: here a folder must follow, and a shell's own sign."""

PROMPTS: Final = (
    rf"^{_ENVIRONMENT}(?:[$❯λ»▶➤]|❯❯❯?) [^ \n]",
    r"^>> [a-z./~][^ \n]",
    rf"^{_ENVIRONMENT}{_WHO}[^\n$#%>❯]{{0,100}}[$#%>❯] ?[^ \n]",
    rf"^{_ENVIRONMENT}➜ +[^ \n]",
    rf"^{_BOX}[$#%>❯➤╼] ?[^ \n]",
    r"^(?:bash|sh|zsh|ksh)-\d[\d.]{0,5}[$#] [^ \n]",
    r"^PS [A-Z]:[^\n>]{0,100}> [^ \n]",
    r"^[~/][^\n $#%>❯]{0,80} [$❯%>] [^ \n]",
    rf"^{_AFTER_CLOCK} [^ \n]",
    r"^ {0,2}[●⏺•] [^ \n]",
)
"""What the scanner looks for to notice a new command; each is tried on whole lines."""

_SIGNS: Final = frozenset("$#%>❯➜λ»▶➤╼●⏺•")
"""One of these is in every line that is a prompt."""

_SHELL: Final = linear.compile(
    rf"^{_ENVIRONMENT}(?:{_WHO}[^$#%>❯]{{0,100}}[$#%>❯] ?|(?:[$❯λ»▶➤]|❯❯❯?) |>> |{_BOX}[$#%>❯➤╼] ?|"
    r"➜ +[^ ]+(?: +git:\([^)]*\))?(?: +✗)?(?: +|$)|"
    r"(?:bash|sh|zsh|ksh)-\d[\d.]*[$#] |PS [A-Z]:[^>]{0,100}> |[~/][^ $#%>❯]{0,80} [$❯%>] |"
    rf"{_AFTER_CLOCK} )(.*)$"
)
_TOOL: Final = linear.compile(
    r"^ {0,2}[●⏺•] (?:(Bash|Ran|Run|Shell|Running)\b[ (]?(.*?)\)?$|"
    r"(?:Read|Search|Grep|Glob|Update|Write|Edit|List|LS|Explored|Fetch|WebFetch|WebSearch|Task)\b)"
)


class Prompt(NamedTuple):
    """A line that begins something new.

    ``kind`` is ``shell`` for a prompt with a command, ``tool`` for a coding agent's heading
    of a tool call, ``bullet`` for a bullet, which only an agent means as a heading.
    ``mark`` is what tells one shell's prompts from another's.
    """

    kind: Literal["shell", "tool", "bullet"]
    command: Command
    mark: str = ""


def read_prompt(line: str, own: Sequence[linear.Pattern] = ()) -> Prompt | None:
    """Return the prompt that ``line`` is; None where it is none.

    ``own`` are expressions of other prompts, which end where the command begins.
    """
    for expression in own:
        mine = expression.match(linear.prepare(line))
        if mine is not None:
            command = parse_command(line[mine.end() :])
            return Prompt("shell", command, _find_mark(line[: mine.end()]))
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


def anchor(expression: str) -> str:
    """Return the expression of a prompt as it is tried: at the beginning of a line."""
    return f"^(?:{expression})"


def _find_mark(prompt: str) -> str:
    """Return what stays of a prompt when the folder changes."""
    who = _WHO_ALONE.search(prompt)
    return who.group() if who is not None else prompt.strip()[-1:]
