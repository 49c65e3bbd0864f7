"""The program that a command line runs, and the label under which it counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePath
from typing import Final

from panewatch.panes.text import clean_label

OTHER: Final = "other"
"""The label of every program that is not on the list."""

_LONGEST: Final = 512
"""Characters of a command line that are looked at."""

_QUOTED: Final = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"")
_BREAKS: Final = re.compile(r"&&|\|\||[;|&\n]")
_WRAPPERS: Final = frozenset(
    "sudo doas time nice ionice nohup stdbuf setsid command builtin exec env xargs timeout watch"
    " chronic unbuffer then do else if while until ! {".split()
)
"""Words before the program that a line is about."""

_VALUES: Final = {"sudo": {"-u", "-g"}, "nice": {"-n"}, "ionice": {"-c", "-n"}, "watch": {"-n"},
                  "timeout": {"-k", "-s"}, "xargs": {"-n", "-P", "-I"}, "env": {"-u"}}  # fmt: skip
"""Options of them that take a value of their own."""

_NUMBER: Final = re.compile(r"[0-9.]+[smhd]?")
_VERSION: Final = re.compile(r"-?[0-9][0-9.]*$")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*\+?=")
_INTERPRETERS: Final = frozenset("python node ruby perl bun deno bash sh zsh".split())


def find_program(line: str, names: Collection[str]) -> str:
    """Return the name of the program that a command line is about; empty where it has none.

    That is the first one that is among ``names``, or else the first of all: ``cd app &&
    sudo make`` is about make.
    """
    text = _QUOTED.sub(_hide, line[:_LONGEST])
    found = [name for stage in _BREAKS.split(text) if (name := _find_first(stage.split()))]
    return next((name for name in found if label(name, names) != OTHER), found[0] if found else "")


def name_arguments(arguments: Sequence[str], names: Collection[str]) -> str:
    """Return the name of a process by its arguments; of a script's by those of its interpreter.

    A script counts by its own name where that is among ``names``: ``python
    /usr/bin/torchrun`` is torchrun, ``python train.py`` python.
    """
    name = _clean(arguments[0]) if arguments else ""
    script = _find_script(arguments) if _VERSION.sub("", name) in _INTERPRETERS else ""
    return script if label(script, names) != OTHER else name


def label(name: str, names: Collection[str]) -> str:
    """Return the label value for a program: of a closed set, whatever ``name`` is.

    A version at the end of a name does not count: ``python3.11`` is python.
    """
    if name in names:
        return name
    plain = _VERSION.sub("", name)
    return plain if plain in names else OTHER


def _find_script(arguments: Sequence[str]) -> str:
    for before, word in pairwise(arguments):
        if before == "-m" or not word.startswith("-"):
            return _clean(word)
        if word == "-c":
            break
    return ""


def _find_first(words: Sequence[str]) -> str:
    wrapper = ""
    skips = False
    for word in words:
        plain = word.lstrip("({")
        if skips:
            skips = False
        elif not plain or _ASSIGNMENT.match(plain):
            continue
        elif wrapper and plain.startswith("-"):
            skips = plain in _VALUES.get(wrapper, ())
        elif plain in _WRAPPERS:
            wrapper = plain
        elif wrapper and _NUMBER.fullmatch(plain):
            continue
        else:
            return _clean(plain)
    return ""


@lru_cache(maxsize=1024)
def _clean(word: str) -> str:
    return clean_label(PurePath(word.rstrip(")")).name.removeprefix("-"), 64)


def _hide(found: re.Match[str]) -> str:
    """Take the breaks out of a quoted word, which may be the program's path."""
    return re.sub(r"[;|&\s]", "_", found[0][1:-1])
