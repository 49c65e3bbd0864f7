"""What stands before a line's own text: timestamps, ranks, containers' and agents' marks."""

from __future__ import annotations

from typing import Final

from panewatch import linear

_DATE = r"\d{4}[-/]\d\d[-/]\d\d"
_TIME = r"\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

_PARTS: Final = (
    # A source before an ISO time: the job and the step of a CI service, a pod, a container.
    (
        rf"(?:[^ A-Z\[][^ A-Z]{{0,79}}|\[[^\[\] ]{{1,80}}\])(?: +[\w./()|-]{{1,40}}){{0,8}} +"
        rf"{_DATE}T{_TIME}Z ?"
    ),
    # The same where job and step have names of any words: such a service writes ten millionths.
    rf"[^ \[].{{0,159}}? {_DATE}T\d\d:\d\d:\d\d\.\d{{7}}Z ",
    # A harness that names its task, and the time and the level that it puts
    # before every line of what it runs.
    rf"\[task {_DATE}T{_TIME}Z\] ",
    rf"{_TIME} +(?:DEBUG|INFO|WARNING|ERROR|CRITICAL|FATAL) +- {{1,2}}",
    rf"\[?{_DATE}[T ]{_TIME}{_ZONE}\]?:?(?: - | )?",
    rf"\[?{_TIME}{_ZONE}\]:? ?",
    rf"{_TIME} ",
    rf"\d\d \d\d \d{{4}} {_TIME}:",
    # syslog, and the kernel's own clock
    rf"{_MONTH} [ \d]\d {_TIME} [\w.-]{{1,64}} [\w.@/:-]{{1,64}}(?:\[\d+\])?: ",
    r"\[ *\d{1,7}\.\d{3,9}\] ",
    # steps of a container's build
    r"#\d{1,4} \d{1,6}\.\d{1,3} ",
    # ranks and workers of distributed runs
    r"\[(?:default|rank)?\d{1,5}\]: ?",
    r"\((?:[\w.]{1,64} )?pid=\d{1,8}(?:, ip=[\d.]{7,15})?\) ",
    # containers of one compose project
    r"[a-z][a-z0-9_.-]{0,62}[_-]\d{1,4} +\| ",
    # the gutters of coding agents
    r" {0,4}[⎿└│┃]  ?",
)

_PREFIX: Final = linear.compile("^(?:" + "|".join(f"(?:{part})" for part in _PARTS) + ")")
_MOST_PREFIXES: Final = 4

_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_STARTS: Final = frozenset("0123456789[(# ⎿└│┃")


def strip_prefix(line: str) -> str:
    """Return ``line`` without what others put before it; blanks of its own stay."""
    for _ in range(_MOST_PREFIXES):
        if not _may_have(line):
            break
        found = _PREFIX.match(linear.prepare(line))
        if found is None or not found.end():
            break
        line = line[found.end() :]
    return line


def _may_have(line: str) -> bool:
    """Tell cheaply whether a prefix is possible: most lines have none."""
    first = line[:1]
    if first in _STARTS:
        return first != " " or line.lstrip(" ")[:1] in "⎿└│┃"
    return " | " in line[:80] or (first not in {"", " "} and _has_clock(line))


def _has_clock(line: str) -> bool:
    """Tell whether two digits, a colon and two digits are near the beginning."""
    place = line.find(":", 0, 140)
    while place > 0:
        if line[place - 1].isdigit() and line[place + 1 : place + 3].isdigit():
            return True
        place = line.find(":", place + 1, 140)
    return False
