"""Programs that show text of others: which do, what of it is old, and what they say themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from panewatch import linear
from panewatch.errors.programs import Call, count_options

_SHOWING: Final = frozenset(
    "cat bat batcat less more most head tail nl tac grep egrep fgrep zgrep rg ag ack sed awk gawk"
    " diff colordiff sdiff cmp xxd hexdump od strings jq yq man info tldr history find fd ls tree"
    " locate wc sort uniq cut tr column fold echo printf vim vi nvim nano emacs view zcat zless"
    " bzcat xzcat zstdcat tee pv rev paste iconv ansi2txt delta lnav dmesg help type declare set"
    " env printenv alias".split()
)
"""Programs whose output is text that was there before."""

_VERBS: Final = {
    "git": frozenset("diff log show blame grep reflog shortlog whatchanged".split()),
    "tmux": frozenset(
        "capture-pane capturep show-buffer showb list-sessions ls list-windows lsw list-panes lsp"
        " list-keys lsk show-messages showmsgs show-options show".split()
    ),
}
"""Verbs by which a program shows text."""

_VALUES: Final = {
    "git": frozenset(("-C", "-c", "--git-dir", "--work-tree")),
    "tmux": frozenset("-L -S -f -c -T".split()),
    "ssh": frozenset("-b -B -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w".split()),
    "exec": frozenset("-e --env -u --user -w --workdir --env-file --detach-keys --index".split()),
}
"""Options before the verb, the host or the container that are followed by a value."""

_HUB: Final = frozenset((*"diff view list checks".split(), "--log", "--log-failed"))
"""What ``gh`` shows of runs, issues and pull requests, which failed elsewhere."""

_CONTAINERS: Final = frozenset("docker podman nerdctl docker-compose".split())
_CLUSTERS: Final = frozenset(("kubectl", "oc"))
_LOGGERS: Final = frozenset((*_CONTAINERS, *_CLUSTERS))
"""Programs whose verb ``logs`` shows what was printed earlier."""

_SHELLS: Final = frozenset("bash sh zsh dash ksh fish".split())
_FOLLOWING: Final = linear.compile(
    r"^(?:-\d*[fF]|-[A-Za-z]*[fF][A-Za-z]*\d*|--follow(?:=.*)?|--retry)$"
)
_EXECUTING: Final = frozenset(("-exec", "-execdir", "-ok", "-okdir"))
_NUMBER_OF_LINES: Final = linear.compile(
    r"(?:^| )(?:-[A-Za-z]*n ?|--lines[ =]|--tail[ =]|-)(\d{1,6})"
)
_LEAD: Final = 10
_LONG_LEAD: Final = 1000

_DAEMON_VOICE: Final = (
    r"^(?:Error response from daemon|Cannot connect to the Docker daemon|error during connect"
    r"|permission denied while trying to connect|OCI runtime|(?i:error): (?:No such |no container "
    r"|can only |unable to |cannot ))"
)
_CLUSTER_VOICE: Final = (
    r"^(?:Error from server|Unable to connect to the server|The connection to the server"
    r"|command terminated with exit code|Unable to use a TTY|error: (?:unable to |You must "
    r"|Internal |cannot |timed out|no |the server |lookup |stat |context |arguments "
    r"|container |pods? ))"
)
_SHELL_VOICE: Final = (
    r"^(?:kex_exchange_identification|client_loop|ssh_[a-z_]{1,40}|banner exchange"
    r"|[Cc]hannel \d+|mux_client_[a-z_]{1,40}): "
    r"|^(?:Connection (?:to|closed|reset|timed out|refused)|Host key verification failed"
    r"|Received disconnect|Disconnected from|Timeout, server|Too many authentication|Load key )"
    r"|^[\w.@:-]{1,128}: Permission denied \("
)
_HUB_VOICE: Final = (
    r"^(?:failed to |could not |error connecting to |no git remotes|GraphQL: |HTTP [45]\d\d"
    r"|To get started with GitHub CLI|none of the git remotes)"
)
_TMUX_VOICE: Final = (
    r"^(?:can't find |no server running|error connecting to |no current |lost server)"
)
_VOICES: Final = {
    "git": (r"^(?:fatal|error): ",),
    "ssh": (_SHELL_VOICE,),
    "docker": (_DAEMON_VOICE,),
    "docker-compose": (_DAEMON_VOICE, r"^service \S{1,80} is not running"),
    "podman": (_DAEMON_VOICE,),
    "nerdctl": (_DAEMON_VOICE,),
    "kubectl": (_CLUSTER_VOICE,),
    "oc": (_CLUSTER_VOICE,),
    "gh": (_HUB_VOICE,),
    "tmux": (_TMUX_VOICE,),
}
"""What these programs say themselves, without their name before it."""


def list_voices(program: str) -> Sequence[str]:
    """Return expressions of what a program says itself, apart from lines with its name."""
    return _VOICES.get(program, ())


def shows_text(call: Call) -> bool:
    """Tell whether all that a program prints is text that was there before."""
    program, arguments = call.program, call.arguments
    if "--help" in arguments or arguments[:1] in {("help",), ("-h",)}:
        return True
    if program in _VERBS:
        begin = count_options(arguments, _VALUES[program])
        return bool(_VERBS[program].intersection(arguments[begin : begin + 1]))
    if program == "gh":
        return "watch" not in arguments and not _HUB.isdisjoint(arguments[1:])
    if program in {"tail", "journalctl"} or (program in _LOGGERS and "logs" in arguments):
        return not any(map(_FOLLOWING.search, arguments))
    if program == "find":
        return "-delete" not in arguments
    return program in _SHOWING


def count_lead(call: Call) -> int:
    """Return how many lines a program that follows a text shows of what was there before."""
    program, arguments = call.program, call.arguments
    logs = program in _LOGGERS and "logs" in arguments
    if program not in {"tail", "journalctl"} and not logs:
        return 0
    if not any(map(_FOLLOWING.search, arguments)):
        return 0
    number = _NUMBER_OF_LINES.search(" ".join(arguments))
    if number is not None:
        return int(number.group(1))
    return _LONG_LEAD if logs else _LEAD


def find_inner(call: Call) -> str | None:
    """Return the command line that a program runs elsewhere; None where there is none."""
    program, arguments = call.program, call.arguments
    begin = len(arguments)
    if program == "ssh":
        # Options may stand behind the host, too.
        begin = count_options(arguments, _VALUES["ssh"]) + 1
        begin += count_options(arguments[begin:], _VALUES["ssh"])
    elif program in _CONTAINERS and "exec" in arguments:
        begin = arguments.index("exec") + 1
        begin += count_options(arguments[begin:], _VALUES["exec"]) + 1
    elif program in _CLUSTERS and "exec" in arguments and "--" in arguments:
        begin = arguments.index("--") + 1
    elif program == "find":
        begin = next((n + 1 for n, word in enumerate(arguments) if word in _EXECUTING), begin)
    elif program in _SHELLS and arguments and _runs_text(arguments[0]):
        return " ".join(map(_unquote, call.words[1:2])) or None
    inner = " ".join(map(_unquote, call.words[begin:]))
    return inner or None


def _runs_text(option: str) -> bool:
    return option.startswith("-") and not option.startswith("--") and option.endswith("c")


def _unquote(word: str) -> str:
    """Return a word as the shell hands it on."""
    quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "'\""
    return word[1:-1] if quoted else word
