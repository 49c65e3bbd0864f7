"""Which command is another attempt at what an earlier one failed in."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from panewatch.errors.command import parse_command
from panewatch.errors.digest import digest
from panewatch.errors.programs import Call

_TEXT_OPTIONS: Final = {
    "python": frozenset(("-c",)),
    "pypy": frozenset(("-c",)),
    "ipython": frozenset(("-c",)),
    "node": frozenset("-e -p --eval --print".split()),
    "bun": frozenset(("-e", "--eval")),
    "perl": frozenset(("-e", "-E")),
    "ruby": frozenset(("-e",)),
    "irb": frozenset(("-e",)),
    "php": frozenset(("-r",)),
    "lua": frozenset(("-e",)),
    "julia": frozenset(("-e", "-E")),
    "Rscript": frozenset(("-e",)),
    "R": frozenset(("-e",)),
}
"""Interpreters, and their options that a text to run follows."""

_LEAST: Final = 2
"""Words that tell what a program was asked for."""


class Attempt(NamedTuple):
    """A command line, as far as it tells whether another one tries the same; no text of it.

    ``line`` stands for all of it, ``squeezed`` for how its prompt shows it, ``stem`` for its
    words up to the first option, empty where these tell too little. ``one_off`` is the
    interpreter of a text that was typed to be run once.
    """

    line: str = ""
    squeezed: str = ""
    stem: str = ""
    one_off: str = ""

    def is_again(self, earlier: Attempt) -> bool:
        """Tell whether this is another attempt at an ``earlier`` one.

        That is the same line, or the same program with the same words up to the first option:
        ``train.py --batch 8`` after ``train.py --batch 32``.
        """
        if self.line == earlier.line:
            return bool(self.line)
        return bool(self.stem) and self.stem == earlier.stem


@lru_cache(maxsize=512)
def recognize(line: str) -> Attempt:
    """Return a command line as an attempt; that of no line is like no other."""
    if not line:
        return Attempt()
    stem = " ".join(map(repr, _find_stem(line)))
    return Attempt(digest(line), digest(squeeze(line)), digest(stem), find_one_off(line))


def squeeze(line: str) -> str:
    """Return a command line as its prompt shows it, however it is spaced."""
    return " ".join(parse_command(line).text.split())


def find_one_off(line: str) -> str:
    """Return the interpreter of a text that was typed to be run once; empty for other commands.

    Nobody runs ``python -c ...``, or what was typed at an interpreter's own prompt, again to
    see whether it goes well by now.
    """
    calls = parse_command(line).calls
    if len(calls) != 1:
        return ""
    program = _name(calls[0])
    options = _TEXT_OPTIONS.get(program)
    if options is None:
        return ""
    arguments = calls[0].arguments
    typed = all(word.startswith("-") and word not in {"-m", "-"} for word in arguments)
    return program if typed or not options.isdisjoint(arguments) else ""


def _find_stem(line: str) -> tuple[str, ...]:
    """Return the words of a command up to its first option; none where they tell too little."""
    calls = parse_command(line).calls
    if len(calls) != 1 or find_one_off(line):
        return ()
    call, words = calls[0], [_name(calls[0])]
    rest = list(call.words)
    if rest[:1] == ["-m"]:  # a module is to Python what a program is to the shell
        words += rest[:2]
        del rest[:2]
    for word in rest:
        if word.startswith(("-", "<", ">")):
            break
        words.append(word)
    return tuple(words) if len(words) >= _LEAST or "." in words[0] else ()


def _name(call: Call) -> str:
    """Return a program's name without its version."""
    name = call.program.rstrip("0123456789.")
    return name if name in _TEXT_OPTIONS else call.program
