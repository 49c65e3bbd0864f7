"""The command line: its parser, and how it ends. No logic."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from panewatch import __version__, logs
from panewatch.flags import add_flags
from panewatch.problems import ProblemsError
from panewatch.subcommands import SUBCOMMANDS, USAGE, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SHUT_PIPE: Final = 141  # what a shell shows for a program that SIGPIPE ended


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all subcommands; a flag may stand before or after its subcommand."""
    parser = argparse.ArgumentParser(
        prog="panewatch",
        description="Prometheus exporter for the work that people and agents do in tmux panes.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=serve)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    add_flags(parser, "before")
    subcommands = parser.add_subparsers(metavar="SUBCOMMAND", title="subcommands")
    for each in SUBCOMMANDS:
        subparser = subcommands.add_parser(
            each.name, help=each.text, description=each.text, allow_abbrev=False
        )
        subparser.set_defaults(run=each.run)
        add_flags(subparser, "after")
        each.add_arguments(subparser)
        more = "It takes the flags of `panewatch` too. `panewatch --help` lists them."
        subparser.epilog = f"{subparser.epilog} {more}" if subparser.epilog else more
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run panewatch and return its exit code: 0, 1 for a failure, 2 for wrong use.

    Raises:
        SystemExit: the arguments are wrong, or ask for help or the version.
    """
    _occupy_standard_descriptors()
    options = build_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        code = run(options)
        sys.stdout.flush()
    except ProblemsError as error:
        logs.complain(str(error))
        return USAGE
    except KeyboardInterrupt:
        return 128 + 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _SHUT_PIPE
    return code


def _occupy_standard_descriptors() -> None:
    """Open what is closed of 0, 1 and 2, or the next socket would get, say, the log's number."""
    while (lowest := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004 - standard error
        os.set_inheritable(lowest, True)
    os.close(lowest)
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 - for good
    sys.stderr = sys.stderr or sys.stdout
