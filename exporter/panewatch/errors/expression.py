"""Regular expressions of rules, rewritten for one scan over a block of lines.

Rules are written in RE2's syntax for one line. The scanner sees many lines at once, so
whatever could match a line's end is kept from doing so.
"""

from __future__ import annotations

import re
from typing import Final

from panewatch import linear

_LARGEST_BOUND: Final = 12
"""Repeats that may be more than this many may be any number: counting states is dear."""

_TOKEN: Final = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)"
    r"|\\(?P<code>x\{\w*\}|x\w\w|[pP]\{\^?\w*\}|[pP]\w|[0-7]{1,3})"
    r"|\\(?P<letter>.)"
    r"|\[(?P<negated>\^?)(?P<members>\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*)\]"
    r"|\(\?(?P<on>[a-zA-Z]*)(?:-(?P<off>[a-zA-Z]+))?(?P<flags>[:)])"
    r"|\{(?P<least>\d+),(?P<most>\d*)\}"
    r"|.",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)

_ANY: Final = r"[^\n]"
_LETTERS: Final = {
    "s": r"[\t ]", "W": r"[^\w\n]", "D": r"[^\d\n]", "C": _ANY, "n": _ANY, "v": r"\x0b", "z": "$",
}  # fmt: skip


def confine(expression: str, *, anchored: bool = True) -> str:
    """Rewrite ``expression`` so that it never matches across the end of a line.

    On one line it matches what it matched before, and may match more. Without ``anchored``
    it also loses its ``^``: for lines that may stand behind a timestamp.
    """

    def rewrite(token: re.Match[str]) -> str:
        text = token.group()
        if text in {"^", r"\A"}:
            return "^" if anchored else ""
        return _rewrite(token)

    return _TOKEN.sub(rewrite, expression)


def is_anchored(expression: str) -> bool:
    """Tell whether ``expression`` matches only at the beginning of a line."""
    depth = 0
    for token in _TOKEN.finditer(expression):
        text = token.group()
        if text == "|" and not depth:
            return False
        depth += text == "(" or token["flags"] == ":"
        depth -= text == ")"
    return re.match(r"(?:\(\?[a-zA-Z-]+\))?(?:\^|\\A)", expression) is not None


def _rewrite(token: re.Match[str]) -> str:
    text: str = token.group()
    match token.lastgroup:
        case "quoted":
            text = re.escape(token["quoted"])
        case "code":
            text = _rewrite_code(token["code"])
        case "letter":
            text = _LETTERS.get(token["letter"], text)
        case "members":
            text = _rewrite_class(token["negated"], token["members"])
        case "flags":
            text = _rewrite_flags(token["on"], token["off"] or "", token["flags"])
        case "most":
            if not token["most"] or int(token["most"]) > _LARGEST_BOUND:
                text = "*" if token["least"] == "0" else "+"
    return text.replace("\n", _ANY)


def _rewrite_code(code: str) -> str:
    if code[0] in "pP":
        return _ANY
    number = int(code[1:].strip("{}"), 16) if code[0] == "x" else int(code, 8)
    return _ANY if number == ord("\n") else rf"\x{{{number:x}}}"


def _rewrite_class(negated: str, members: str) -> str:
    if members.startswith("]"):  # a bracket that stands first is itself
        members = "\\" + members
    members = _ESCAPE.sub(lambda escape: r"\t " if escape[1] == "s" else escape[0], members)
    if negated:
        return rf"[^\n{members}]"
    within = linear.compile(f"[{members}]").match("\n") is None
    return f"[{members}]" if within else _ANY


def _rewrite_flags(on: str, off: str, end: str) -> str:
    """Keep what a match depends on within one line: whether case matters."""
    flags = "i" * ("i" in on) + "-i" * ("i" in off)
    if flags or end == ":":
        return f"(?{flags}{end}"
    return ""
