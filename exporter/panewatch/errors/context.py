"""Where a line stands: what a program quotes, explains or lists is not what happened to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from panewatch import linear

Reason: TypeAlias = Literal[
    "quoted-output", "help-text", "diff", "listing", "source-code", "quotation"
]

REASONS: Final[dict[Reason, str]] = {
    "quoted-output": "the output of a command that shows text, such as cat or grep",
    "help-text": "a usage message",
    "diff": "a line of a diff",
    "listing": "a line of a numbered listing",
    "source-code": "a line that reads like source code",
    "quotation": "words in quotation marks",
}
"""Why a line that a rule takes does not count, and what that means."""

_FAR: Final = 80
"""Lines that are looked back at."""

_QUOTES: Final = frozenset("\"'`“‘«")

_BEFORE_QUOTES: Final = frozenset(("", *" \t([{<=:,;"))
"""What stands before an opening quotation mark."""

_USAGE: Final = linear.compile(r"(?i)^\s*usage:?(?:\s|$)")
_CODE: Final = linear.compile(
    r"^\s*(?:(?:raise|except|catch|throw|throws|return|if|elif|else|for|while|def|class|func|fn|fun"
    r"|import|from|assert|let|const|var|val|public|private|protected|static|case|when|switch|with|try"
    r"|async|await|yield|export|type|struct|enum|interface|impl|use|namespace|template|package)\b"
    r"|(?:print|printf|println|fprintf|echo|puts|log|logger|logging|console|self|this|sys|err|warn"
    r"|fmt|e|ex|exc)[.(]"
    r"|#(?:[^#]|#[^\[])|//|/\*|\*|--|;;|\"\"\"|'''|<!--|@\w+\()"
    r"|[;{}]\s*$|\)\s*:\s*$|\b\w+\([^)]*\)\s*[;{]"
)
_NUMBERED: Final = linear.compile(r"^\s{0,8}(\d{1,6})(?:[ \t]*(?:[|│→+-]|:(?:\D|$))|[ \t]{1,2})")
_HUNK: Final = linear.compile(r"^(?:@@ -\d|diff --git |(?:---|\+\+\+) (?:[ab]/|\S+\t)|Index: )")

_HUNK_BEGINS: Final = ("@@ -", "diff --git ", "--- ", "+++ ", "Index: ")

LookBack: TypeAlias = Callable[[int], str | None]
"""Returns the line that many lines above, or None where there is none any more."""


def find_reason(line: str, start: int, above: LookBack) -> Reason | None:
    """Say why the match at ``start`` of ``line`` (without its prefix) does not count.

    A rule that takes a line from its first character on is seldom wrong; the look around
    is for those that match further in.
    """
    if start > 0:
        # A quote that ends a name, as in `'/a': No space left`, quotes nothing behind it.
        if line[start - 1] in _QUOTES and line[start - 2 : start - 1] in _BEFORE_QUOTES:
            return "quotation"
        if _CODE.search(linear.prepare(line)) is not None:
            return "source-code"
    first = line[:1]
    if first in {"+", "-"} and _in_diff(above):
        return "diff"
    if (first.isdigit() or first == " ") and _in_listing(line, above):
        return "listing"
    if first in {" ", "["} and _in_help(above):
        return "help-text"
    return None


def _in_diff(above: LookBack) -> bool:
    for distance in range(1, _FAR):
        line = above(distance)
        if line is None:
            return False
        if line.startswith(_HUNK_BEGINS) and _HUNK.match(line) is not None:
            return True
        if line[:1] not in {"+", "-", " ", "\\", ""}:
            return False
    return False


def _in_listing(line: str, above: LookBack) -> bool:
    if not line.lstrip()[:1].isdigit():
        return False
    found = _NUMBERED.match(line)
    if found is None:
        return False
    # A listing goes on: the line above carries the number before this one's.
    before = _NUMBERED.match(above(1) or "")
    return before is not None and int(found.group(1)) - int(before.group(1)) in {0, 1}


def _in_help(above: LookBack) -> bool:
    for distance in range(1, _FAR):
        line = above(distance)
        if line is None:
            return False
        if line.lstrip()[:5].lower() == "usage" and _USAGE.match(line) is not None:
            return True
        if line[:1] not in {"", " "} and not line.rstrip().endswith(":"):
            return False
    return False
