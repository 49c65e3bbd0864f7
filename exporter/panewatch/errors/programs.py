"""Which programs a command line runs."""

from __future__ import annotations

from typing import Final

from panewatch import linear

_QUOTED: Final = linear.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"")
"""What the shell takes as text in a command line."""

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


def hide_quoted(text: str) -> str:
    """Return a command line in which what is quoted stands as one word."""
    return _QUOTED.sub("_", text)


def find_program(stage: str) -> tuple[str, list[str]]:
    """Return the program of one stage of a pipeline, without folder, and its arguments.

    Programs that run another one are passed over, with their options.
    """
    words = [word for word in stage.split() if word not in "({!"]
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


def _drop_options(words: list[str], program: str) -> None:
    """Take the options and operands of a program that runs another one off ``words``."""
    valued = _OPTION_VALUES.get(program, frozenset())
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in valued and words:
            words.pop(0)
        if option == "--":
            break
    del words[: _OPERANDS.get(program, 0)]


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()
