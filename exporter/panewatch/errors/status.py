"""What the exit status of a command tells: whether it failed, and of how much it speaks."""

from __future__ import annotations

from typing import Final

from panewatch import linear
from panewatch.errors.command import Command
from panewatch.errors.programs import REDIRECTION, find_program, hide_quoted

_ENDED_BY_OTHERS: Final = frozenset((129, 130, 131, 141, 143, *range(145, 151)))
"""128 and the number of a signal by which people, shells and pipes end or stop a command."""

_ANSWERS: Final = {
    name: frozenset(statuses)
    for names, *statuses in (
        ("grep egrep fgrep zgrep rg ag ack diff colordiff sdiff cmp comm test [ [[ expr", 1),
        ("pgrep pkill pidof killall kill wait which type command hash whence getent", 1),
        ("false let read jq fd ping host nslookup mountpoint dpkg rpm", 1),
        ("fzf less more man gum dialog whiptail", 1, 2),
        ("systemctl service", 1, 3, 4),
        ("xargs", 123),
    )
    for name in str(names).split()
}
"""Statuses by which a program answers "no", or that nobody minds."""

_GIT_ANSWERS: Final = frozenset(
    "diff grep merge-base show-ref check-ignore config ls-files rev-parse ls-remote".split()
)
_SESSIONS: Final = frozenset(
    "ssh mosh telnet tmux screen byobu zellij su login newgrp psql mysql mariadb sqlite3 redis-cli"
    " mongo mongosh gdb lldb pdb ipdb ftp sftp docker podman kubectl".split()
)
"""Programs in which other commands are typed: of those their own status tells nothing."""

_SHELLS: Final = frozenset(
    "bash sh zsh dash ksh fish nu pwsh python python3 ipython node irb ghci julia R lua".split()
)
"""The same, where they are not given a file to run."""

_SEVERAL: Final = linear.compile(r"[;|\n]|(?:^|[^&])&(?:[^&]|$)|^\s*!\s")


def is_failure(command: Command, status: int) -> bool:
    """Tell whether a command that ended with ``status`` failed.

    A signal of a person or of a pipe is no failure, nor is the "no" of a program that was
    asked something.
    """
    if not 0 < status < 256 or status in _ENDED_BY_OTHERS:  # noqa: PLR2004  # it is one byte
        return False
    last = hide_quoted(command.text).rstrip("; ").rpartition(";")[2]
    for part in last.replace("&&", "||").split("||"):
        program, arguments = find_program(part.rpartition("|")[2])
        if status in _ANSWERS.get(program, ()):
            return False
        if program == "git" and status == 1 and _GIT_ANSWERS.intersection(arguments):
            return False
    return True


def vouches(command: Command) -> bool:
    """Tell whether status 0 means that all that a command line ran went well.

    Of a pipeline and of a list it is the status of the last program alone, and of a program
    that one types into it is none of what was typed.
    """
    text = REDIRECTION.sub("", hide_quoted(command.text))
    if not text or _SEVERAL.search(text) is not None:
        return False
    for part in text.split("&&"):
        program, arguments = find_program(part)
        if not program or program in _SESSIONS:
            return False
        if program in _SHELLS and (not arguments or arguments[0].startswith("-")):
            return arguments[:1] == ["-m"]
    return True
