"""Which programs a command line runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from panewatch import linear

_QUOTED: Final = linear.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"")
"""What the shell takes as text in a command line."""

REDIRECTION: Final = linear.compile(r"\d*[<>]+&\d*-?|&>+")
"""What looks like ``&`` and is none."""

_SEPARATOR: Final = linear.compile(r"[;|&\n]+")

_BEFORE: Final = frozenset("do then else elif if while until ! { (".split())
_BETWEEN: Final = frozenset("for select case function done fi esac } )".split())
"""Words of the shell's own language, with and without a command behind them."""

_WRAPPERS: Final = frozenset(
    "sudo doas time nice ionice nohup stdbuf command builtin exec env watch xargs timeout setsid"
    " taskset chrt flock chroot strace unbuffer catchsegv".split()
)
"""Programs that run another one."""

_OPTION_VALUES: Final = {
    "sudo": frozenset("-u -g -h -p -C -D -R -r -t -T -U --user --group --host --prompt".split()),
    "env": frozenset("-u -C -S --unset --chdir".split()),
    "nice": frozenset(("-n", "--adjustment")),
    "ionice": frozenset("-c -n -p --class --classdata".split()),
    "timeout": frozenset("-s -k --signal --kill-after".split()),
    "stdbuf": frozenset("-i -o -e --input --output --error".split()),
    "time": frozenset("-f -o --format --output".split()),
    "watch": frozenset("-n -q --interval".split()),
    "xargs": frozenset("-n -I -P -L -d -a -E -s --max-args --max-procs --delimiter".split()),
    "chrt": frozenset(("-p", "--pid")),
    "doas": frozenset(("-u", "-C")),
    "exec": frozenset(("-a",)),
    "strace": frozenset("-e -o -p -s -u".split()),
}
"""Those of their options that a value follows."""

_OPERANDS: Final = {"timeout": 1, "taskset": 1, "chrt": 1, "flock": 1, "chroot": 1}
"""How many words stand between such a program's options and the other one."""


class Call(NamedTuple):
    """A program that a command line runs.

    ``arguments`` are its words with what is quoted in them hidden; ``words`` are the same ones as
    they were typed.
    """

    program: str
    arguments: tuple[str, ...]
    words: tuple[str, ...]


def hide_quoted(text: str) -> str:
    """Return a command line of the same length in which what is quoted stands as one word."""
    return _cover(_QUOTED, text, "_")


def list_calls(text: str) -> Iterator[Call]:
    """Yield the programs that a command line runs, whether one after another or in a pipeline."""
    hidden = hide_quoted(text)
    joined = _cover(REDIRECTION, hidden, " ")
    begin = 0
    for found in (*_SEPARATOR.finditer(joined), None):
        end = found.start() if found is not None else len(joined)
        program, arguments = find_program(joined[begin:end])
        if program:
            words = _restore(text[begin:end], joined[begin:end], len(arguments))
            yield Call(program, tuple(arguments), words)
        begin = found.end() if found is not None else end


def _cover(pattern: linear.Pattern, text: str, cover: str) -> str:
    parts: list[str] = []
    begin = 0
    for found in pattern.finditer(text):
        parts += text[begin : found.start()], cover * (found.end() - found.start())
        begin = found.end()
    return "".join((*parts, text[begin:]))


def _restore(text: str, hidden: str, number: int) -> tuple[str, ...]:
    """Return the last words of ``hidden`` as ``text``, of the same length, has them."""
    words: list[str] = []
    place = 0
    for word in hidden.split():
        place = hidden.index(word, place)
        if not _is_bracket(word):
            words.append(text[place : place + len(word)])
        place += len(word)
    return tuple(words[len(words) - number :])


def find_program(stage: str) -> tuple[str, list[str]]:
    """Return the program of one stage of a pipeline, without folder, and its arguments.

    Programs that run another one are passed over, with their options, and so are the words of
    the shell's loops and conditions.
    """
    words = [word for word in stage.split() if not _is_bracket(word)]
    while words and words[0] in _BEFORE:
        del words[0]
    if words and words[0] in _BETWEEN:
        return "", []
    while words:
        word = words.pop(0)
        if _is_assignment(word):
            continue
        program = word.lstrip("(").rpartition("/")[2]
        if program not in _WRAPPERS or not words:
            return program, words
        if "--help" in words or "--version" in words or (program, words[0]) == ("command", "-v"):
            return program, words
        _drop_options(words, program)
    return "", []


def _is_bracket(word: str) -> bool:
    return word in {"(", "{", "!"}


def _drop_options(words: list[str], program: str) -> None:
    """Take the options and operands of a program that runs another one off ``words``."""
    begin = count_options(words, _OPTION_VALUES.get(program, frozenset()))
    del words[: begin + _OPERANDS.get(program, 0)]


def count_options(words: Sequence[str], valued: Collection[str]) -> int:
    """Return how many of the first words are options, of which ``valued`` take a value."""
    begin = 0
    while begin < len(words) and words[begin].startswith("-"):
        option = words[begin]
        begin += 2 if option in valued else 1
        if option == "--":
            break
    return min(begin, len(words))


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()
