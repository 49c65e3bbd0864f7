"""What is wrong with something a person wrote, and where: the shape of every such error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_SHOWN = 50
MAX_KEY = 64

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list indices from the top of a document down to a value."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where.

    ``line`` is 1-based, 0 where the whole file is meant; ``key`` is a dotted path
    such as ``tmux.servers[0].name`` or empty.
    """

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ProblemsError(Exception):
    """Everything that is wrong with an input, one problem a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:MAX_SHOWN]]
        if len(self.problems) > MAX_SHOWN:
            lines.append(f"and {len(self.problems) - MAX_SHOWN} more")
        return "\n".join(lines)


def check_all(checks: Iterable[Callable[[], object]]) -> None:
    """Run every check, also those after one that failed.

    Raises:
        ProblemsError: with the problems of all of them, in their order; what the check raised
            where only one failed.
    """
    errors: list[ProblemsError] = []
    for check in checks:
        try:
            check()
        except ProblemsError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ProblemsError(problem for error in errors for problem in error.problems)


@dataclass(frozen=True)
class Places:
    """Where settings were written, for what is found wrong with them later.

    Any two are equal: settings that say the same are the same, wherever they were written.
    """

    find: Callable[[Path, str], Problem] = field(
        default=lambda path, message: Problem("", 0, show_path(path), message), compare=False
    )


def show_path(path: Path) -> str:
    """Write a key path as ``tmux.servers[0].name``, safe for a terminal and short."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + show_key(part)
    return text


def show_key(key: str) -> str:
    """Write a key that somebody else chose: escaped, and cut after 64 characters."""
    cut = key if len(key) <= MAX_KEY else key[:MAX_KEY] + "..."
    plain = re.fullmatch(r"[\w<>$/@+*#-][\w<>$/@+*#. -]*", cut, re.ASCII)
    return cut if plain else ascii(cut)
